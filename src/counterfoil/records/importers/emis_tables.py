"""What each table of an EMIS extract holds: typed columns and what a row must be, as SQL."""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.records.importers import emis_layout as layout
from counterfoil.records.importers.staging import Check

DAY = "a date written 2026-06-14"
QUANTITY = "a number, or one with its unit such as '28 tablets' or '2 x 28'"
NUMBER = "a number with at most 18 digits before and 6 after the point"

MACROS = """
CREATE MACRO emis_day(x) AS CASE
    WHEN x LIKE '____-__-__' THEN TRY_CAST(x AS DATE)
    WHEN regexp_full_match(x, '....-..-..[ T]2[23]:.*(UTC|Z|[+]00(:?00)?)')
        THEN CAST(timezone('Europe/London', TRY_CAST(replace(x, ' UTC', '+00') AS TIMESTAMPTZ))
            AS DATE)
    WHEN x LIKE '____-__-__ %' OR x LIKE '____-__-__T%' THEN TRY_CAST(left(x, 10) AS DATE) END;
CREATE MACRO code_of(x) AS CASE
    WHEN regexp_full_match(trim(x), '[0-9]{6,18}') THEN trim(x)
    WHEN regexp_full_match(trim(x), '[0-9]{6,15}[.]0') THEN left(trim(x), length(trim(x)) - 2) END;
"""
"""SQL functions of this format. A time of 23:00 UTC in summer is midnight in London. A code of at most
15 digits comes whole through a program that takes it for a number; a longer one does not."""


def _pick(expression: str, mapping: Mapping[str, str], otherwise: str) -> str:
    whens = " ".join(
        "WHEN '{}' THEN '{}'".format(old.replace("'", "''"), new) for old, new in mapping.items()
    )
    return f"CASE {expression} {whens} ELSE {otherwise} END"


def _id(typed: str, raw: str, header: str) -> Check:
    return Check(f"{typed} IS NULL OR contains({raw}, 'E+')", header, "an id, whole")


def _day(typed: str, raw: str, header: str, personal: bool = False) -> Check:
    return Check(f"{raw} IS NOT NULL AND {typed} IS NULL", header, DAY, raw, personal)


def _flag(raw: str, header: str) -> Check:
    return Check(f"no_flag({raw})", header, "true or false", raw)


def _number(typed: str, raw: str, header: str) -> Check:
    return Check(f"{raw} IS NOT NULL AND {typed} IS NULL", header, NUMBER, raw)


def _rounded(raw: str, header: str) -> Check:
    return Check(
        f"regexp_full_match(trim({raw}), '[0-9]+([.][0-9]+)?[eE][+]?[0-9]+|[0-9]+[.][0-9]*') "
        f"AND code_of({raw}) IS NULL",
        header,
        "a code, not a spreadsheet's rounding",
        raw,
    )


_PATIENT = Check(
    "NOT _known", "PatientGuid", "a patient of this extract (is it a delta? then say so)"
)
_CODE = Check("term IS NULL", "CodeId", "a code of Coding_ClinicalCode")
_DRUG = Check("product_text IS NULL", "CodeId", "a code of Coding_DrugCode")

_QUANTITY = {
    "quantity": "CASE WHEN x.amount IS NULL "
    "THEN TRY(CAST(exact(x.times) * exact(x.multiplier) AS DECIMAL(24, 6))) "
    "WHEN exact(x.amount) IS NOT NULL THEN exact(x.amount) "
    "ELSE amount_in(x.amount, x.unit) END",
    "quantity_unit": "CASE WHEN x.unit IS NULL AND x.amount IS NOT NULL "
    "AND exact(x.amount) IS NULL THEN nullif(worded(x.amount).unit, '') ELSE x.unit END",
    "is_worded": "x.amount IS NOT NULL AND exact(x.amount) IS NULL",
}

VALUES: dict[str, dict[str, str]] = {
    "Admin_Organisation": {
        "guid": "identifier(x.id)",
        "org_code": "upper(nullif(trim(x.code), ''))",
        "org_name": "x.name",
        "parent_guid": "identifier(x.parent)",
        "org_kind": "lower(trim(x.kind))",
        "opened_on": "emis_day(x.opened)",
        "closed_on": "emis_day(x.closed)",
    },
    "Admin_Patient": {
        "patient_id": "identifier(x.id)",
        "nhs_number": "nullif(regexp_replace(x.number, '[ -]', '', 'g'), '')",
        "verified": "coalesce(contains(lower(x.number_state), 'verified') "
        "AND NOT contains(lower(x.number_state), 'not verified'), false)",
        "given_name": "x.given",
        "family_name": "x.family",
        "birth_date": "emis_day(x.born)",
        "death_date": "emis_day(x.died)",
        "sex": _pick(
            "lower(trim(x.gender))",
            {
                "f": "female",
                "female": "female",
                "m": "male",
                "male": "male",
                "i": "other",
                "indeterminate": "other",
                "other": "other",
            },
            "'unknown'",
        ),
        "registered_from": "emis_day(x.registered)",
        "registered_to": "emis_day(x.left_on)",
        "registration_type": "CASE WHEN x.type IS NULL OR contains(lower(x.type), 'regular') "
        "THEN 'regular' WHEN contains(lower(x.type), 'temporary') THEN 'temporary' "
        "ELSE 'other' END",
        "is_test": "coalesce(flag(x.dummy), false) OR coalesce(lower(x.type) = 'dummy', false)",
        "is_sensitive": "coalesce(flag(x.sensitive), false) OR coalesce(flag(x.confidential), "
        "false)",
    },
    "Coding_DrugCode": {
        "code_id": "nullif(trim(x.id), '')",
        "code_term": "x.term",
        "code": "code_of(x.product)",
    },
    "Coding_ClinicalCode": {
        "code_id": "nullif(trim(x.id), '')",
        "code_term": "x.term",
        "code": "code_of(x.concept)",
        "local_code": "CASE WHEN code_of(x.concept) IS NULL THEN coalesce(x.national, x.readv2, x.read) END",
        "category_name": "trim(x.category)",
    },
    "Prescribing_DrugRecord": {
        "plan_id": "identifier(x.id)",
        "patient_id": "identifier(x.patient)",
        "product_code": "coalesce(c.code, code_of(x.product))",
        "product_text": "coalesce(c.code_term, x.mixture)",
        "plan_type": _pick("lower(tidy(x.type))", layout.PLAN_TYPES, "'other'"),
        "is_active": "flag(x.active)",
        "start_date": "emis_day(x.start)",
        "cancelled_on": "emis_day(x.cancelled)",
        "review_date": "emis_day(x.review)",
        "authorised_until": "emis_day(x.expiry)",
        "issues_authorised": "whole(x.authorised)",
        "issues_made": "whole(x.issues)",
        "min_days": "whole(x.least)",
        "max_days": "whole(x.most)",
        **_QUANTITY,
        "supply_days": "whole(x.days)",
        "dose_text": "x.dosage",
        "problem_id": "identifier(x.problem)",
        "recorded_on": "emis_day(x.entered)",
        "is_confidential": "coalesce(flag(x.confidential), false)",
        "_known": "k.patient_id IS NOT NULL",
    },
    "Prescribing_IssueRecord": {
        "issue_id": "identifier(x.id)",
        "patient_id": "identifier(x.patient)",
        "plan_id": "identifier(x.plan)",
        "product_code": "coalesce(c.code, code_of(x.product))",
        "product_text": "coalesce(c.code_term, x.mixture)",
        "issue_type": "CASE WHEN x.type IS NOT NULL THEN "
        + _pick("lower(tidy(x.type))", layout.PLAN_TYPES, "'other'")
        + " ELSE coalesce(q.plan_type, 'other') END",
        "issued_on": "emis_day(x.issued)",
        **_QUANTITY,
        "supply_days": "whole(x.days)",
        "dose_text": "x.dosage",
        "cancelled_on": "CASE WHEN flag(x.is_cancelled) OR x.is_cancelled IS NULL "
        "THEN coalesce(emis_day(x.cancelled), CASE WHEN flag(x.is_cancelled) "
        "THEN emis_day(x.issued) END) END",
        "recorded_on": "emis_day(x.entered)",
        "is_confidential": "coalesce(flag(x.confidential), false)",
        "_known": "k.patient_id IS NOT NULL",
    },
    "CareRecord_Observation": {
        "entry_id": "identifier(x.id)",
        "patient_id": "identifier(x.patient)",
        "snomed": "coalesce(c.code, code_of(x.concept))",
        "local_code": "CASE WHEN x.concept IS NULL THEN c.local_code END",
        "term": "c.code_term",
        "kind": "c.kind",
        "type_name": "lower(tidy(x.type))",
        "is_allergy": "coalesce(c.is_allergy, false) OR coalesce(lower(tidy(x.type)) = 'allergy', "
        "false)",
        "happened_on": "emis_day(x.happened)",
        "precision": "CASE WHEN x.grain = 'YMD' THEN 'day' ELSE "
        + _pick("upper(trim(x.grain))", layout.PRECISIONS, "'day'")
        + " END",
        "value": "CASE WHEN x.figure IS NOT NULL THEN coalesce(exact(x.figure), exact("
        "regexp_extract(x.figure, '^\\s*(?:[<>]=?|~)\\s*([+-]?[0-9.]+)\\s*$', 1))) END",
        "comparator": "CASE WHEN x.operator IS NOT NULL THEN nullif(regexp_extract(x.operator, "
        "'^\\s*([<>]=?|~)\\s*$', 1), '') WHEN x.figure IS NOT NULL AND exact(x.figure) IS NULL "
        "THEN nullif(regexp_extract(x.figure, '^\\s*([<>]=?|~)', 1), '') END",
        "unit_text": "coalesce(x.unit, x.other_unit)",
        "sent_ucum": "x.ucum",
        "range_low": "CASE WHEN x.figure IS NOT NULL THEN exact(x.low) END",
        "range_high": "CASE WHEN x.figure IS NOT NULL THEN exact(x.high) END",
        "figure_text": "CASE WHEN x.figure IS NOT NULL AND exact(x.figure) IS NULL THEN x.figure END",
        "said": "x.text",
        "parent_id": "identifier(x.parent)",
        "recorded_on": "emis_day(x.entered)",
        "is_confidential": "coalesce(flag(x.confidential), false)",
        "is_problem": "p.patient_id IS NOT NULL",
        "_known": "k.patient_id IS NOT NULL",
    },
    "CareRecord_Problem": {
        "problem_id": "identifier(x.id)",
        "patient_id": "identifier(x.patient)",
        "ended_on": "emis_day(x.ended)",
        "state_name": "lower(trim(x.state))",
        "significance": "CASE lower(trim(x.weight)) WHEN 'significant problem' THEN "
        "'significant' WHEN 'minor problem' THEN 'minor' ELSE x.weight END",
        "_known": "k.patient_id IS NOT NULL",
    },
    "CareRecord_Diary": {
        "recall_id": "identifier(x.id)",
        "patient_id": "identifier(x.patient)",
        "what_code": "coalesce(c.code, code_of(x.concept))",
        "what_text": "coalesce(x.words, c.code_term)",
        "term": "c.code_term",
        "due_on": "emis_day(x.due)",
        "recall_status": "CASE WHEN flag(x.complete) THEN 'completed' WHEN flag(x.active) "
        "THEN 'due' ELSE 'inactive' END",
        "recorded_on": "emis_day(x.entered)",
        "_known": "k.patient_id IS NOT NULL",
    },
}
"""By source table, the typed columns of its stage."""

CHECKS: dict[str, list[Check]] = {
    "Admin_Organisation": [
        _id("guid", "id", "OrganisationGuid"),
        _day("opened_on", "opened", "OpenDate"),
        _day("closed_on", "closed", "CloseDate"),
    ],
    "Admin_Patient": [
        _id("patient_id", "id", "PatientGuid"),
        _flag("deleted", "Deleted"),
        _day("birth_date", "born", "DateOfBirth", True),
        _day("death_date", "died", "DateOfDeath", True),
        _day("registered_from", "registered", "DateOfRegistration", True),
        _day("registered_to", "left_on", "DateOfDeactivation", True),
    ],
    "Coding_DrugCode": [
        _id("code_id", "id", "CodeId"),
        _rounded("product", "DmdProductCodeId"),
        Check("code_term IS NULL", "Term", "the medicine's name"),
    ],
    "Coding_ClinicalCode": [
        _id("code_id", "id", "CodeId"),
        _rounded("concept", "SnomedCTConceptId"),
        Check("code_term IS NULL", "Term", "the code's words"),
    ],
    "Prescribing_DrugRecord": [
        _id("plan_id", "id", "DrugRecordGuid"),
        _PATIENT,
        _DRUG,
        _flag("active", "IsActive"),
        _flag("deleted", "Deleted"),
        _day("start_date", "start", "EffectiveDate"),
        _day("cancelled_on", "cancelled", "CancellationDate"),
        _day("review_date", "review", "ReviewDate"),
        _day("authorised_until", "expiry", "ExpiryDate"),
        _day("recorded_on", "entered", "EnteredDate"),
        Check("amount IS NOT NULL AND quantity IS NULL", "Quantity", QUANTITY, "amount"),
        _number("issues_authorised", "authorised", "NumberOfIssuesAuthorised"),
        _number("issues_made", "issues", "NumberOfIssues"),
        _number("supply_days", "days", "CourseDurationInDays"),
    ],
    "Prescribing_IssueRecord": [
        _id("issue_id", "id", "IssueRecordGuid"),
        _PATIENT,
        _DRUG,
        _flag("deleted", "Deleted"),
        Check("usual(issued_on) IS NULL", "EffectiveDate", DAY, "issued"),
        _day("recorded_on", "entered", "EnteredDate"),
        Check("amount IS NOT NULL AND quantity IS NULL", "Quantity", QUANTITY, "amount"),
        _number("supply_days", "days", "CourseDurationInDays"),
    ],
    "CareRecord_Observation": [
        _id("entry_id", "id", "ObservationGuid"),
        _PATIENT,
        _CODE,
        _flag("deleted", "Deleted"),
        _day("happened_on", "happened", "EffectiveDate"),
        _day("recorded_on", "entered", "EnteredDate"),
    ],
    "CareRecord_Problem": [
        _id("problem_id", "id", "ObservationGuid"),
        _PATIENT,
        _flag("deleted", "Deleted"),
        _day("ended_on", "ended", "EndDate"),
    ],
    "CareRecord_Diary": [
        _id("recall_id", "id", "DiaryGuid"),
        _PATIENT,
        _flag("deleted", "Deleted"),
        Check("what_text IS NULL", "CodeId", "a code of Coding_ClinicalCode"),
        _day("due_on", "due", "EffectiveDate"),
        _day("recorded_on", "entered", "EnteredDate"),
    ],
}
"""By source table, what a row must be."""

BLANKS = {
    "Admin_Patient": "x.born IS NULL",
    "Prescribing_DrugRecord": "x.code IS NULL",
    "Prescribing_IssueRecord": "x.code IS NULL",
    "CareRecord_Observation": "x.code IS NULL",
    "CareRecord_Problem": "x.state IS NULL AND x.weight IS NULL",
    "CareRecord_Diary": "x.code IS NULL",
}
"""What is missing in a row that only says it is deleted."""


def kinds() -> str:
    """SQL for the code table's rows with the kind of entry each makes, over a stage's good rows."""
    kind = _pick("s.category_name", layout.KINDS, "NULL")
    allergies = ", ".join(f"'{name}'" for name in layout.ALLERGIES)
    return (
        f"s.code_id, s.code_term, s.code, s.local_code, {kind} AS kind, "
        f"coalesce(s.category_name IN ({allergies}), false) AS is_allergy"
    )
