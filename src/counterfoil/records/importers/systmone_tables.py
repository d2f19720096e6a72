"""What each table of a SystmOne extract holds: typed columns and what a row must be, as SQL."""

from __future__ import annotations

from counterfoil.records.importers import systmone_layout as layout
from counterfoil.records.importers.staging import Check

DAY = "a date written 14 Jun 2026"

MACROS = """
CREATE MACRO tpp_day(x) AS nullif(CASE
    WHEN x LIKE '____-__-__%' THEN TRY_CAST(left(x, 10) AS DATE)
    WHEN substr(x, 3, 1) = ' ' AND substr(x, 7, 1) = ' '
        THEN CAST(try_strptime(left(x, 11), '%d %b %Y') AS DATE) END, DATE '1900-01-01');
CREATE MACRO tpp_odd(x) AS x IS NOT NULL AND tpp_day(x) IS NULL AND NOT x LIKE '01 Jan 1900%'
    AND NOT x LIKE '1900-01-01%';
CREATE MACRO tpp_id(x) AS CASE WHEN trim(x) IN ('', '-1', '0') THEN NULL ELSE trim(x) END;
CREATE MACRO snomed_of(x) AS CASE
    WHEN regexp_full_match(trim(x), '[0-9]{6,18}') THEN trim(x)
    WHEN regexp_full_match(trim(x), '[0-9]{6,15}[.]0') THEN left(trim(x), length(trim(x)) - 2) END;
CREATE MACRO twice_of(x) AS regexp_extract(x,
    '^\\s*([0-9]+(?:[.][0-9]+)?)\\s*[xX*\u00d7]\\s*([0-9]+(?:[.][0-9]+)?)\\s*([A-Za-z(].*)?$',
    ['one', 'other', 'unit']);
CREATE MACRO once_of(x) AS regexp_extract(x,
    '^\\s*([0-9]+(?:[.][0-9]+)?|[.][0-9]+)\\s*([A-Za-z(%].*)?$', ['one', 'unit']);
CREATE MACRO quantity_of(x) AS coalesce(
    TRY(CAST(exact(twice_of(x).one) * exact(twice_of(x).other) AS DECIMAL(24, 6))),
    exact(once_of(x).one));
CREATE MACRO unit_of(x) AS CASE
    WHEN twice_of(x).one <> '' THEN nullif(trim(twice_of(x).unit), '')
    WHEN once_of(x).one <> '' THEN nullif(trim(once_of(x).unit), '')
    ELSE nullif(trim(x), '') END;
"""
"""SQL functions of this format. 1 January 1900 stands for no day, -1 for no row. A quantity is one
text: ``28 tablets``, ``7.5 ml``, ``2 x 28``; what is more than that is kept whole as the unit."""


def _id(typed: str, raw: str, header: str) -> Check:
    return Check(f"{typed} IS NULL OR contains({raw}, 'E+')", header, "an id, whole")


def _day(raw: str, header: str, personal: bool = False) -> Check:
    return Check(f"tpp_odd({raw})", header, DAY, raw, personal)


def _flags(*named: tuple[str, str]) -> list[Check]:
    return [Check(f"no_flag({raw})", header, "true or false", raw) for raw, header in named]


_REMOVED = _flags(("removed", "RemovedData"))
_PATIENT = Check(
    "NOT _known", "IDPatient", "a patient of this extract (is it a delta? then say so)"
)
_ROUNDED = (
    "regexp_full_match(trim({0}), '[0-9]+([.][0-9]+)?[eE][+]?[0-9]+|[0-9]+[.][0-9]*') "
    "AND snomed_of({0}) IS NULL"
)
_KNOWN = {"patient_id": "tpp_id(x.patient)", "_known": "k.patient_id IS NOT NULL"}
_ENTERED = {"recorded_on": "tpp_day(x.entered)"}
_MEDICINE = {
    **_KNOWN,
    **_ENTERED,
    "product_code": "snomed_of(x.product)",
    "product_text": "x.name",
    "dose_text": "x.dosage",
    "quantity": "quantity_of(x.amount)",
    "quantity_unit": "unit_of(x.amount)",
    "start_date": "tpp_day(x.start)",
    "end_date": "tpp_day(x.finish)",
}

VALUES: dict[str, dict[str, str]] = {
    "SROrganisation": {
        "row_id": "tpp_id(x.id)",
        "org_code": "upper(nullif(trim(x.code), ''))",
        "org_name": "x.name",
    },
    "SRPatient": {
        "patient_id": "tpp_id(x.id)",
        "nhs_number": "nullif(regexp_replace(x.number, '[ -]', '', 'g'), '')",
        "verified": "coalesce(flag(x.matched), false)",
        "given_name": "x.given",
        "family_name": "x.family",
        "birth_date": "tpp_day(x.born)",
        "death_date": "tpp_day(x.died)",
        "sex": "CASE lower(left(trim(x.gender), 1)) WHEN 'f' THEN 'female' WHEN 'm' THEN 'male' "
        "WHEN 'i' THEN 'other' ELSE 'unknown' END",
        "is_test": "coalesce(flag(x.test), false)",
    },
    "SRPatientRegistration": {
        "row_id": "tpp_id(x.id)",
        **_KNOWN,
        "org_code": "upper(tpp_id(x.place))",
        "start_date": "tpp_day(x.start)",
        "end_date": "tpp_day(x.finish)",
        "registration": "lower(coalesce(m.words, x.status))",
    },
    "SRMapping": {"row_id": "tpp_id(x.id)", "mapped": "x.words"},
    "SRCtv3ToSnomed": {"ctv3_code": "trim(x.ctv3)", "snomed": "snomed_of(x.concept)"},
    "SRMedicationReadCodeDetails": {"product_id": "tpp_id(x.product)", "drug_name": "x.words"},
    "SRProblem": {
        "problem_id": "tpp_id(x.id)",
        **_KNOWN,
        **_ENTERED,
        "entry_id": "tpp_id(x.code)",
        "ended_on": "tpp_day(x.finish)",
        "significance": "CASE lower(coalesce(m.words, x.weight)) WHEN 'major' THEN 'significant' "
        "WHEN 'minor' THEN 'minor' ELSE coalesce(m.words, x.weight) END",
    },
    "SRRepeatTemplate": {
        "plan_id": "tpp_id(x.id)",
        **_MEDICINE,
        "review_date": "tpp_day(x.review)",
        "issues_authorised": "whole(x.most)",
        "supply_days": "CAST(nullif(regexp_extract(x.length, '^\\s*([0-9]{1,5})', 1), '') "
        "AS BIGINT)",
        "plan_type": "CASE WHEN contains(lower(coalesce(m.words, x.drug_status)), "
        "'repeat dispens') THEN 'erd' ELSE 'repeat' END",
    },
    "SRPrimaryCareMedication": {
        "issue_id": "tpp_id(x.id)",
        **_MEDICINE,
        "event_on": "tpp_day(x.event)",
        "template_id": "tpp_id(x.template)",
        "issue_type": "coalesce(q.plan_type, CASE WHEN tpp_id(x.template) IS NOT NULL "
        "OR flag(x.repeat) THEN 'repeat' ELSE 'acute' END)",
        "elsewhere": "CASE WHEN flag(x.is_hospital) THEN 'hospital' WHEN flag(x.is_other) "
        "OR flag(x.is_dental) THEN 'other' END",
    },
    "SRCode": {
        "entry_id": "tpp_id(x.id)",
        **_KNOWN,
        **_ENTERED,
        "code": "coalesce(snomed_of(x.concept), t.snomed)",
        "local_code": "CASE WHEN snomed_of(x.concept) IS NULL AND t.snomed IS NULL "
        "THEN nullif(trim(x.ctv3), '') END",
        "term": "coalesce(x.concept_text, x.ctv3_text)",
        "happened_on": "tpp_day(x.event)",
        "value": "CASE WHEN coalesce(flag(x.is_numeric), x.is_numeric IS NULL) "
        "THEN exact(x.figure) END",
        "value_text": "CASE WHEN coalesce(flag(x.is_numeric), x.is_numeric IS NULL) "
        "AND exact(x.figure) IS NULL THEN x.figure END",
        "comparator": "nullif(regexp_extract(x.sign, '^\\s*([<>]=?|~)\\s*$', 1), '')",
        "unit_text": "x.unit",
        "is_problem": "p.entry_id IS NOT NULL",
    },
    "SRDrugSensitivity": {
        "allergy_id": "tpp_id(x.id)",
        **_KNOWN,
        **_ENTERED,
        "substance_text": "d.drug_name",
        "sent": "concat_ws(', ', 'drug code ' || tpp_id(x.drug), "
        "'action group ' || tpp_id(x.action))",
        "onset_on": "coalesce(tpp_day(x.start), tpp_day(x.event))",
        "ended_on": "tpp_day(x.finish)",
    },
    "SRRecall": {
        "recall_id": "tpp_id(x.id)",
        **_KNOWN,
        **_ENTERED,
        "what_text": "x.what",
        "due_on": "tpp_day(x.due)",
        "recall_status": "CASE lower(trim(coalesce(m.words, x.status))) "
        + " ".join(f"WHEN '{old}' THEN '{new}'" for old, new in layout.RECALLS.items())
        + " ELSE coalesce(m.words, x.status, 'due') END",
    },
}
"""By source table, the typed columns of its stage; the first is the row's id."""

CHECKS: dict[str, list[Check]] = {
    "SROrganisation": [_id("row_id", "id", "RowIdentifier")],
    "SRPatient": [
        _id("patient_id", "id", "RowIdentifier"),
        *_REMOVED,
        _day("born", "DateBirth", True),
        _day("died", "DateDeath", True),
    ],
    "SRPatientRegistration": [
        _id("row_id", "id", "RowIdentifier"),
        _PATIENT,
        _day("start", "DateRegistration", True),
        _day("finish", "DateDeRegistration", True),
    ],
    "SRMapping": [_id("row_id", "id", "RowIdentifier")],
    "SRCtv3ToSnomed": [_id("ctv3_code", "ctv3", "Ctv3Code")],
    "SRMedicationReadCodeDetails": [_id("product_id", "product", "IDMultiLexProduct")],
    "SRProblem": [
        _id("problem_id", "id", "RowIdentifier"),
        _PATIENT,
        *_REMOVED,
        _day("finish", "DateEnd"),
        _day("entered", "DateEventRecorded"),
    ],
    "SRRepeatTemplate": [
        _id("plan_id", "id", "RowIdentifier"),
        _PATIENT,
        *_REMOVED,
        Check("product_text IS NULL", "NameOfMedication", "the medicine's name"),
        Check(
            _ROUNDED.format("product"),
            "IDMultiLexDMD",
            "a code, not a spreadsheet's rounding",
            "product",
        ),
        _day("start", "DateMedicationTemplateStart"),
        _day("finish", "DateMedicationTemplateEnd"),
        _day("review", "DateMedicationTemplateReview"),
        _day("entered", "DateEventRecorded"),
        Check(
            "most IS NOT NULL AND issues_authorised IS NULL", "MaxIssues", "a whole number", "most"
        ),
    ],
    "SRPrimaryCareMedication": [
        _id("issue_id", "id", "RowIdentifier"),
        _PATIENT,
        *_REMOVED,
        *_flags(
            ("repeat", "IsRepeatMedication"),
            ("is_other", "IsOtherMedication"),
            ("is_dental", "IsDentalMedication"),
            ("is_hospital", "IsHospitalMedication"),
        ),
        Check("product_text IS NULL", "NameOfMedication", "the medicine's name"),
        Check(
            _ROUNDED.format("product"),
            "IDMultiLexDMD",
            "a code, not a spreadsheet's rounding",
            "product",
        ),
        _day("start", "DateMedicationStart"),
        _day("finish", "DateMedicationEnd"),
        _day("entered", "DateEventRecorded"),
        Check(
            "elsewhere IS NULL AND usual(coalesce(start_date, event_on)) IS NULL",
            "DateMedicationStart",
            DAY,
            "start",
        ),
    ],
    "SRCode": [
        _id("entry_id", "id", "RowIdentifier"),
        _PATIENT,
        *_REMOVED,
        Check("term IS NULL", "CTV3Text", "the entry's words"),
        Check(
            _ROUNDED.format("concept"),
            "SNOMEDCode",
            "a code, not a spreadsheet's rounding",
            "concept",
        ),
        _day("event", "DateEvent"),
        _day("entered", "DateEventRecorded"),
    ],
    "SRDrugSensitivity": [
        _id("allergy_id", "id", "RowIdentifier"),
        _PATIENT,
        *_REMOVED,
        Check(
            "substance_text IS NULL AND sent = ''", "IDDrugCode", "a medicine or an action group"
        ),
        _day("start", "DateStarted"),
        _day("finish", "DateEnded"),
        _day("entered", "DateEventRecorded"),
    ],
    "SRRecall": [
        _id("recall_id", "id", "RowIdentifier"),
        _PATIENT,
        *_REMOVED,
        Check("what_text IS NULL", "RecallType", "what the recall is for"),
        _day("due", "DateRecall"),
        _day("entered", "DateEventRecorded"),
    ],
}
"""By source table, what a row must be."""

BLANKS = {
    "SRPatient": "x.born IS NULL AND x.family IS NULL",
    "SRPatientRegistration": "x.start IS NULL",
    "SRProblem": "x.code IS NULL",
    "SRRepeatTemplate": "x.name IS NULL",
    "SRPrimaryCareMedication": "x.name IS NULL",
    "SRCode": "x.ctv3 IS NULL AND coalesce(x.concept_text, x.ctv3_text) IS NULL",
    "SRDrugSensitivity": "x.drug IS NULL AND x.action IS NULL",
    "SRRecall": "x.due IS NULL",
}
"""What is missing in a row that only says it was removed."""

JOINS = {
    "SRPatientRegistration": " LEFT JOIN {words} AS m ON m.row_id = trim(x.status)",
    "SRProblem": " LEFT JOIN {words} AS m ON m.row_id = trim(x.weight)",
    "SRRepeatTemplate": " LEFT JOIN {words} AS m ON m.row_id = trim(x.drug_status)",
    "SRPrimaryCareMedication": " LEFT JOIN {plans} AS q ON q.plan_id = tpp_id(x.template)",
    "SRCode": " LEFT JOIN {snomed} AS t ON t.ctv3_code = trim(x.ctv3)"
    " LEFT JOIN {problems} AS p ON p.entry_id = tpp_id(x.id)",
    "SRDrugSensitivity": " LEFT JOIN {drugs} AS d ON d.product_id = tpp_id(x.drug)",
    "SRRecall": " LEFT JOIN {words} AS m ON m.row_id = trim(x.status)",
}
"""What the rows of a table are joined to: what was kept of tables read before it."""

NEEDED = {
    "SRPatient": ("patients", "patient_id", "patient_id"),
    "SRMapping": ("words", "row_id, any_value(mapped) AS words", "row_id"),
    "SRCtv3ToSnomed": (
        "snomed",
        "ctv3_code, CASE WHEN count(DISTINCT snomed) = 1 THEN any_value(snomed) END AS snomed",
        "ctv3_code",
    ),
    "SRMedicationReadCodeDetails": (
        "drugs",
        "product_id, any_value(drug_name) AS drug_name",
        "product_id",
    ),
    "SRProblem": ("problems", "entry_id", "entry_id"),
    "SRRepeatTemplate": ("plans", "plan_id, any_value(plan_type) AS plan_type", "plan_id"),
}
"""What later tables need of a table: its name there, its columns, and by what it is one row each.
A CTV3 code that means several SNOMED CT concepts means none for certain."""
