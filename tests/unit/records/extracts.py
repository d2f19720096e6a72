"""Small EMIS extracts written by hand, a row a table unless more are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unit.records import made

PRACTICE = made.PRACTICE
ORG = "{0A5F8F0E-0000-4000-8000-000000000001}"
WHO = "{0A5F8F0E-0000-4000-8000-0000000000A1}"

DEFAULTS: dict[str, dict[str, str]] = {
    "Admin_Organisation": {
        "OrganisationGuid": ORG,
        "OrganisationName": "A practice",
        "ODSCode": PRACTICE,
        "OrganisationType": "GP Practice",
    },
    "Admin_Patient": {
        "PatientGuid": WHO,
        "OrganisationGuid": ORG,
        "Sex": "F",
        "DateOfBirth": "1950-02-28",
        "GivenName": "Ada",
        "Surname": "Example",
        "DateOfRegistration": "2001-04-01",
        "NhsNumber": made.number(1),
        "PatientTypeDescription": "Regular",
        "DateOfDeactivation": "",
        "Deleted": "false",
    },
    "Coding_DrugCode": {
        "CodeId": "1",
        "Term": "Methotrexate 2.5mg tablets",
        "DmdProductCodeId": "319784008",
    },
    "Coding_ClinicalCode": {
        "CodeId": "1",
        "Term": "Serum creatinine level",
        "SnomedCTConceptId": "1000731000000107",
        "EmisCodeCategoryDescription": "Biochemistry",
    },
    "Prescribing_DrugRecord": {
        "DrugRecordGuid": "{PLAN}",
        "PatientGuid": WHO,
        "OrganisationGuid": ORG,
        "EffectiveDate": "2026-01-05",
        "EnteredDate": "2026-01-05",
        "CodeId": "1",
        "Dosage": "Six once a week",
        "Quantity": "24",
        "QuantityUnit": "tablet",
        "ProblemObservationGuid": "",
        "PrescriptionType": "Repeat",
        "IsActive": "true",
        "CancellationDate": "",
        "NumberOfIssues": "1",
        "NumberOfIssuesAuthorised": "6",
        "Deleted": "false",
    },
    "Prescribing_IssueRecord": {
        "IssueRecordGuid": "{ISSUE}",
        "PatientGuid": WHO,
        "OrganisationGuid": ORG,
        "DrugRecordGuid": "{PLAN}",
        "EffectiveDate": "2026-05-04",
        "EnteredDate": "2026-05-04",
        "CodeId": "1",
        "Dosage": "Six once a week",
        "Quantity": "24",
        "QuantityUnit": "tablet",
        "CourseDurationInDays": "28",
        "Deleted": "false",
    },
    "CareRecord_Observation": {
        "ObservationGuid": "{ENTRY}",
        "PatientGuid": WHO,
        "OrganisationGuid": ORG,
        "EffectiveDate": "2026-05-01",
        "EffectiveDatePrecision": "YMD",
        "EnteredDate": "2026-05-02",
        "ParentObservationGuid": "",
        "CodeId": "1",
        "AssociatedText": "",
        "Value": "83",
        "NumericUnit": "umol/L",
        "ObservationType": "Value",
        "NumericRangeLow": "60",
        "NumericRangeHigh": "110",
        "Deleted": "false",
    },
    "CareRecord_Problem": {
        "ObservationGuid": "{ENTRY}",
        "PatientGuid": WHO,
        "OrganisationGuid": ORG,
        "EndDate": "",
        "ProblemStatusDescription": "Active Problem",
        "SignificanceDescription": "Minor Problem",
        "Deleted": "false",
    },
    "CareRecord_Diary": {
        "DiaryGuid": "{DIARY}",
        "PatientGuid": WHO,
        "OrganisationGuid": ORG,
        "EffectiveDate": "2026-09-01",
        "EnteredDate": "2026-05-02",
        "CodeId": "1",
        "OriginalTerm": "",
        "IsActive": "true",
        "IsComplete": "false",
        "Deleted": "false",
    },
}


def text(name: str, *rows: dict[str, Any], drop: tuple[str, ...] = ()) -> str:
    """One table: each row its defaults with what is given; columns in *drop* are left out."""
    every = dict.fromkeys([*DEFAULTS[name], *(k for r in rows for k in r)])
    header = [h for h in every if h not in drop]
    lines = [",".join(header)]
    for row in rows:
        cells = [str({**DEFAULTS[name], **row}.get(h, "")) for h in header]
        lines.append(",".join(quoted(c) for c in cells))
    return "\n".join(lines) + "\n"


def quoted(cell: str) -> str:
    """A cell as CSV."""
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set(',"\n') else cell


def write(folder: Path, stamp: str = "", **tables: Any) -> Path:
    """An extract: every table with one row of defaults, or the rows or the text that are given.

    ``None`` leaves the table out.
    """
    folder.mkdir(exist_ok=True, parents=True)
    for name in DEFAULTS:
        given = tables.get(name, [{}])
        if given is None:
            continue
        content = given if isinstance(given, str | bytes) else text(name, *given)
        data = content if isinstance(content, bytes) else content.encode()
        suffix = f"_{stamp}" if stamp else ""
        (folder / f"{name}{suffix}.csv").write_bytes(data)
    return folder
