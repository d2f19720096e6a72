"""Canonical tables as a SystmOne strategic reporting extract, the inverse of the importer.

The columns are those of version 93. What the format has no place for, and what comes back otherwise
than it was, is declared in :data:`CARRIES`; a test holds the rest to a round trip.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from counterfoil.records.exporters.writing import Written, number, opened, quoted, write_rows
from counterfoil.records.importers import systmone_layout as layout

CARRIES: dict[str, frozenset[str]] = {
    table: frozenset(columns.split())
    for table, columns in {
        "organisation": "org_code name",
        "patient": "patient_id nhs_number given_name family_name birth_date sex death_date "
        "registered_from registered_to registration_type is_test",
        "plan": "plan_id patient_id product_code product_text plan_type start_date end_date "
        "review_date issues_authorised quantity quantity_unit supply_days dose_text recorded_on "
        "status",
        "issue": "issue_id patient_id plan_id product_code product_text issue_type issued_on "
        "quantity quantity_unit supply_days dose_text recorded_on",
        "coded_entry": "entry_id patient_id code local_code term happened_on value comparator "
        "unit_text recorded_on",
        "problem": "problem_id patient_id entry_id ended_on status significance",
        "allergy": "allergy_id patient_id substance_text onset_on recorded_on",
        "recall": "recall_id patient_id what_text due_on status recorded_on",
    }.items()
}
"""By table, the columns that come back as they were written, given that

- a plan is a repeat or an eRD one, has not 0 issues authorised and no end that is to come (it is
  ended where it has an end), and its quantity has a unit that begins with a letter;
- an acute issue has become its own plan, whose id is ``medication-`` and the issue's: acute plans
  are written by their issues, and are active or ended as their supply is;
- a plan of a hospital or another prescriber comes back under the id ``medication-`` and its own;
  its issues come back as acute ones;
- an issue is not cancelled (it comes back withdrawn), and its days are above 0 and below 400;
- no day is 1 January 1900, which stands for none; entries have a day, not a month or a year;
- an entry's local code stands where there is no SNOMED CT code;
- a recall is due, completed or cancelled; a problem is past where it has an end.

``substance_code``, ``kind`` and ``reaction_text`` of an allergy, ranges and texts beside results,
parents of entries and organisations beyond their names are not carried.
"""

_FLAG = "CASE WHEN {} THEN 1 ELSE 0 END"


def write(
    tables: Mapping[str, pa.Table],
    folder: Path,
    *,
    practice: str,
    delimiter: str = ",",
    as_at: date | None = None,
) -> Written:
    """Write the extract of one practice into *folder*, which is made where it is missing.

    Ids stay as they are (a real extract has whole numbers). *as_at* is of no use to this format,
    whose files do not say when they were made. *delimiter* is one character.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with opened(tables, practice) as db:
        writer = _Writer(db, folder, practice, delimiter)
        writer.prepare()
        writer.people()
        writer.medicines()
        writer.entries()
        return writer.written


class _Writer:
    def __init__(
        self, db: duckdb.DuckDBPyConnection, folder: Path, practice: str, delimiter: str
    ) -> None:
        self.db, self.folder, self.practice, self.delimiter = db, folder, practice, delimiter
        self.written = Written()

    def prepare(self) -> None:
        """Which plans are templates, and a number for every substance."""
        self.db.execute(
            """
            CREATE VIEW templates AS
            SELECT * FROM plan WHERE plan_type IN ('repeat', 'erd', 'automatic');
            CREATE VIEW elsewhere AS SELECT * FROM plan WHERE plan_type IN ('hospital', 'other');
            CREATE TABLE substances AS
            SELECT row_number() OVER (ORDER BY substance_text) AS id, substance_text AS words
            FROM (SELECT DISTINCT substance_text FROM allergy WHERE status <> 'entered in error');
            """
        )
        left = self.db.execute(
            "SELECT (SELECT count(*) FROM plan WHERE plan_type = 'acute' AND plan_id NOT IN "
            "(SELECT plan_id FROM issue WHERE plan_id IS NOT NULL)), "
            "(SELECT count(*) FROM allergy WHERE status = 'entered in error')"
        ).fetchall()[0]
        for name, rows in zip(("plan", "allergy"), left, strict=True):
            if rows:
                self.written.left_out[name] = int(rows)

    def put(self, name: str, values: Mapping[str, str], source: str) -> None:
        """One file; each row is the practice's."""
        header = layout.HEADERS[name]
        more = {"IDOrganisationVisibleTo": quoted(self.practice), "RemovedData": "0"}
        own = {column: sql for column, sql in more.items() if column in header.split()}
        path = self.folder / f"{name}.csv"
        write_rows(
            self.db, path, header, {**own, **values}, source, self.written, delimiter=self.delimiter
        )

    def people(self) -> None:
        """Organisations, patients and their registrations."""
        self.put(
            "SROrganisation",
            {"RowIdentifier": "org_code", "Name": "name", "ID": "org_code"},
            "organisation",
        )
        self.put(
            "SRPatient",
            {
                "RowIdentifier": "patient_id",
                "FirstName": "given_name",
                "Surname": "family_name",
                "NHSNumber": "nhs_number",
                "DateBirth": _moment("birth_date"),
                "DateDeath": _moment("death_date"),
                "Gender": "CASE sex WHEN 'female' THEN 'F' WHEN 'male' THEN 'M' WHEN 'other' "
                "THEN 'I' ELSE 'U' END",
                "TestPatient": _FLAG.format("is_test"),
                "SpineMatched": _FLAG.format("nhs_status = 'verified'"),
                "RemovedData": _FLAG.format("deleted_on IS NOT NULL"),
            },
            "patient",
        )
        self.put(
            "SRPatientRegistration",
            {
                "RowIdentifier": "patient_id",
                "IDPatient": "patient_id",
                "IDOrganisation": quoted(self.practice),
                "DateRegistration": _moment("registered_from"),
                "DateDeRegistration": _moment("registered_to"),
                "RegistrationStatus": "CASE registration_type WHEN 'regular' THEN 'GMS' "
                "WHEN 'temporary' THEN 'Temporary Resident 16 days to 3 months' ELSE 'Other' END",
            },
            "patient",
        )

    def medicines(self) -> None:
        """Repeat templates, and every issue; plans of other prescribers stand among the issues."""
        common = {
            "IDPatient": "patient_id",
            "DateEventRecorded": _moment("recorded_on"),
            "IDMultiLexDMD": "product_code",
            "NameOfMedication": "product_text",
            "MedicationDosage": "dose_text",
            "MedicationQuantity": f"coalesce({number('quantity')} || ' ' || quantity_unit, "
            f"{number('quantity')}, quantity_unit)",
        }
        self.put(
            "SRRepeatTemplate",
            {
                **common,
                "RowIdentifier": "plan_id",
                "DateEvent": _moment("start_date"),
                "DateMedicationTemplateStart": _moment("start_date"),
                "DateMedicationTemplateEnd": _moment("end_date"),
                "DateMedicationTemplateReview": _moment("review_date"),
                "MaxIssues": "issues_authorised",
                "CourseLengthPerIssue": "supply_days",
                "DrugStatus": "CASE WHEN plan_type = 'erd' THEN 'Repeat dispensing' END",
                "RemovedData": _FLAG.format("deleted_on IS NOT NULL"),
            },
            "templates",
        )
        shared = (
            "patient_id, recorded_on, product_code, product_text, dose_text, quantity, "
            "quantity_unit, supply_days, deleted_on"
        )
        rows = (
            f"(SELECT issue_id AS id, {shared}, issued_on AS start, plan_id IN (SELECT plan_id FROM "
            "templates) AS is_repeat, plan_id, false AS is_hospital, false AS is_other, "
            "cancelled_on IS NOT NULL OR deleted_on IS NOT NULL AS gone FROM issue UNION ALL "
            f"SELECT plan_id, {shared}, start_date, false, NULL, plan_type = 'hospital', "
            "plan_type = 'other', deleted_on IS NOT NULL FROM elsewhere)"
        )
        self.put(
            "SRPrimaryCareMedication",
            {
                **common,
                "RowIdentifier": "id",
                "DateEvent": _moment("start"),
                "DateMedicationStart": _moment("start"),
                "DateMedicationEnd": _moment("start + CAST(supply_days AS INTEGER)"),
                "IsRepeatMedication": _FLAG.format("is_repeat"),
                "IsOtherMedication": _FLAG.format("is_other"),
                "IsDentalMedication": "0",
                "IsHospitalMedication": _FLAG.format("is_hospital"),
                "IDRepeatTemplate": "CASE WHEN is_repeat THEN plan_id ELSE '-1' END",
                "RemovedData": _FLAG.format("gone"),
            },
            rows,
        )

    def entries(self) -> None:
        """Coded entries, problems, sensitivities and recalls."""
        event = {"IDPatient": "patient_id", "DateEventRecorded": _moment("recorded_on")}
        removed = {"RemovedData": _FLAG.format("deleted_on IS NOT NULL")}
        alone = "SELECT problem_id, code, NULL, term, onset_on, recorded_on, patient_id, NULL, "
        self.put(
            "SRCode",
            {
                **event,
                **removed,
                "RowIdentifier": "entry_id",
                "DateEvent": _moment("happened_on"),
                "CTV3Code": "local_code",
                "CTV3Text": "CASE WHEN code IS NULL THEN term END",
                "SNOMEDCode": "code",
                "SNOMEDText": "CASE WHEN code IS NOT NULL THEN term END",
                "NumericComparator": "comparator",
                "IsNumeric": _FLAG.format("value IS NOT NULL"),
                "NumericValue": number("value"),
                "NumericUnit": "unit_text",
            },
            "(SELECT entry_id, code, local_code, term, happened_on, recorded_on, patient_id, "
            "comparator, value, unit_text, deleted_on FROM coded_entry UNION ALL "
            f"{alone} NULL, NULL, deleted_on FROM problem WHERE entry_id IS NULL)",
        )
        self.put(
            "SRProblem",
            {
                **event,
                **removed,
                "RowIdentifier": "problem_id",
                "DateEvent": _moment("onset_on"),
                "DateEnd": _moment("ended_on"),
                "Severity": "CASE significance WHEN 'significant' THEN 'Major' WHEN 'minor' "
                "THEN 'Minor' ELSE significance END",
                "IDCode": "coalesce(entry_id, problem_id)",
            },
            "problem",
        )
        self.put(
            "SRDrugSensitivity",
            {
                **event,
                **removed,
                "RowIdentifier": "allergy_id",
                "DateEvent": _moment("onset_on"),
                "DateStarted": _moment("onset_on"),
                "DateEnded": "CASE WHEN status = 'ended' THEN "
                f"{_moment('coalesce(onset_on, recorded_on)')} END",
                "IDDrugCode": "substances.id",
                "IDMultiLexAction": "-1",
            },
            "allergy JOIN substances ON words = substance_text WHERE status <> 'entered in error'",
        )
        self.put(
            "SRMedicationReadCodeDetails",
            {"RowIdentifier": "id", "IDMultiLexProduct": "id", "DrugReadCodeDesc": "words"},
            "substances",
        )
        self.put(
            "SRRecall",
            {
                **event,
                **removed,
                "RowIdentifier": "recall_id",
                "DateEvent": _moment("recorded_on"),
                "DateRecall": _moment("due_on"),
                "RecallType": "what_text",
                "RecallStatus": "CASE status WHEN 'due' THEN 'Pending' WHEN 'completed' THEN "
                "'Seen' WHEN 'cancelled' THEN 'Cancelled by patient' ELSE status END",
            },
            "recall",
        )


def _moment(column: str) -> str:
    return f"strftime({column}, '%d %b %Y') || ' 00:00:00'"
