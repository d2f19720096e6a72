"""How each table of an EMIS extract becomes canonical rows: SQL, table by table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from counterfoil.records.importers import emis_layout as layout
from counterfoil.records.importers.concept import DEGRADED
from counterfoil.records.importers.staging import Check, Stage, same
from counterfoil.records.importers.taking import Taking

DAY = "a date written 2026-06-14"
NUMBER = "a number with at most 18 digits before and 6 after the point"

MACROS = """
CREATE MACRO emis_day(x) AS CASE
    WHEN x LIKE '____-__-__' THEN TRY_CAST(x AS DATE)
    WHEN x LIKE '____-__-__ 23:00:00%' AND regexp_matches(x, '(UTC|Z|[+]00(:?00)?)$')
        THEN CAST(timezone('Europe/London', TRY_CAST(replace(x, ' UTC', '+00') AS TIMESTAMPTZ))
            AS DATE)
    WHEN x LIKE '____-__-__ %' OR x LIKE '____-__-__T%' THEN TRY_CAST(left(x, 10) AS DATE) END;
CREATE MACRO code_of(x) AS CASE WHEN regexp_full_match(trim(x), '[0-9]{6,18}') THEN trim(x) END;
"""
"""SQL functions of this format. A time of 23:00 UTC in summer is midnight in London."""


def _pick(expression: str, mapping: Mapping[str, str], otherwise: str) -> str:
    whens = " ".join(
        "WHEN '{}' THEN '{}'".format(old.replace("'", "''"), new) for old, new in mapping.items()
    )
    return f"CASE {expression} {whens} ELSE {otherwise} END"


def _id(typed: str, raw: str, header: str) -> Check:
    return Check(f"{typed} IS NULL OR contains({raw}, 'E+')", header, "an id, whole")


def _day(typed: str, raw: str, header: str, personal: bool = False) -> Check:
    return Check(f"{raw} IS NOT NULL AND {typed} IS NULL", header, DAY, raw, personal)


def _number(typed: str, raw: str, header: str) -> Check:
    return Check(f"{raw} IS NOT NULL AND {typed} IS NULL", header, NUMBER, raw)


def _rounded(raw: str, header: str) -> Check:
    return Check(
        f"regexp_full_match(trim({raw}), '[0-9]([.][0-9]+)?[eE][+]?[0-9]+')",
        header,
        "a code, not a spreadsheet's rounding",
        raw,
    )


_PATIENT = Check(
    "NOT _known", "PatientGuid", "a patient of this extract (is it a delta? then say so)"
)
_CODE = Check("term IS NULL", "CodeId", "a code of Coding_ClinicalCode")
_DRUG = Check("product_text IS NULL", "CodeId", "a code of Coding_DrugCode")

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
        "quantity": "coalesce(exact(x.amount), CASE WHEN x.amount IS NULL "
        "THEN CAST(exact(x.times) * exact(x.multiplier) AS DECIMAL(24, 6)) END)",
        "quantity_unit": "x.unit",
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
        "quantity": "coalesce(exact(x.amount), CASE WHEN x.amount IS NULL "
        "THEN CAST(exact(x.times) * exact(x.multiplier) AS DECIMAL(24, 6)) END)",
        "quantity_unit": "x.unit",
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
        _day("start_date", "start", "EffectiveDate"),
        _day("cancelled_on", "cancelled", "CancellationDate"),
        _day("review_date", "review", "ReviewDate"),
        _day("authorised_until", "expiry", "ExpiryDate"),
        _day("recorded_on", "entered", "EnteredDate"),
        _number("quantity", "amount", "Quantity"),
        _number("issues_authorised", "authorised", "NumberOfIssuesAuthorised"),
        _number("issues_made", "issues", "NumberOfIssues"),
        _number("supply_days", "days", "CourseDurationInDays"),
    ],
    "Prescribing_IssueRecord": [
        _id("issue_id", "id", "IssueRecordGuid"),
        _PATIENT,
        _DRUG,
        Check("usual(issued_on) IS NULL", "EffectiveDate", DAY, "issued"),
        _day("recorded_on", "entered", "EnteredDate"),
        _number("quantity", "amount", "Quantity"),
        _number("supply_days", "days", "CourseDurationInDays"),
    ],
    "CareRecord_Observation": [
        _id("entry_id", "id", "ObservationGuid"),
        _PATIENT,
        _CODE,
        _day("happened_on", "happened", "EffectiveDate"),
        _day("recorded_on", "entered", "EnteredDate"),
    ],
    "CareRecord_Problem": [
        _id("problem_id", "id", "ObservationGuid"),
        _PATIENT,
        _day("ended_on", "ended", "EndDate"),
    ],
    "CareRecord_Diary": [
        _id("recall_id", "id", "DiaryGuid"),
        _PATIENT,
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


def canonical(taking: Taking, stages: Mapping[str, Stage]) -> None:
    """Every canonical table from its stages, in the order that they need each other."""
    _organisations(taking, stages["Admin_Organisation"])
    _patients(taking, stages["Admin_Patient"])
    _plans(taking, stages["Prescribing_DrugRecord"], stages["Prescribing_IssueRecord"])
    _issues(taking, stages["Prescribing_IssueRecord"])
    _entries(taking, stages["CareRecord_Observation"])
    _problems(taking, stages["CareRecord_Problem"], stages["CareRecord_Observation"])
    _recalls(taking, stages["CareRecord_Diary"])


def _organisations(taking: Taking, stage: Stage) -> None:
    kind = (
        "CASE WHEN contains(s.org_kind, 'dental') THEN 'other' "
        "WHEN contains(s.org_kind, 'gp') OR contains(s.org_kind, 'general practice') "
        "OR s.org_kind = 'main surgery' THEN 'practice' "
        "WHEN contains(s.org_kind, 'primary care network') THEN 'pcn' "
        "WHEN contains(s.org_kind, 'integrated care board') THEN 'icb' "
        "WHEN contains(s.org_kind, 'pharmacy') THEN 'pharmacy' "
        "WHEN contains(s.org_kind, 'trust') THEN 'trust' ELSE 'other' END"
    )
    taking.put(
        "organisation",
        {
            "org_code": "s.org_code",
            "kind": kind,
            "name": "coalesce(s.org_name, s.org_code)",
            "parent_code": "p.org_code",
            "opened_on": "usual(s.opened_on)",
            "closed_on": "usual(s.closed_on)",
        },
        f"{stage.good('s.org_code IS NOT NULL')} AS s LEFT JOIN "
        f"(SELECT guid, any_value(org_code) AS org_code FROM {stage.good()} GROUP BY guid) AS p "
        "ON p.guid = s.parent_guid",
    )
    taking.note_rows(stage, "org_code IS NULL", "organisations without an ODS code: not carried")


def _patients(taking: Taking, stage: Stage) -> None:
    days = ("birth_date", "death_date", "registered_from", "registered_to")
    taking.odd_days(stage, *days)
    columns = [c for c in stage.columns if c not in days]
    names = [part.path.name for part in taking.staging.extract.parts.values()]
    found = taking.staging.arrow(
        f"SELECT {', '.join(columns)}, {', '.join(f'usual({d}) AS {d}' for d in days)}, "
        f"_part, _row, _gone, nhs_valid(nhs_number) AS nhs_valid FROM {stage.good()} "
        "ORDER BY _part, _row"
    )
    rows: list[dict[str, Any]] = found.to_pylist()
    for row in rows:
        part, number, gone = row.pop("_part"), row.pop("_row"), row.pop("_gone")
        row |= {
            "practice": taking.practice,
            "source_system": taking.format,
            "source_id": row["patient_id"],
            "source_place": f"{names[part]} row {number}",
            "birth_precision": "day" if row["birth_date"] else "unknown",
            "deleted_on": taking.withdrawn_on if gone else None,
        }
    taking.put_patients(rows)
    gone = sum(1 for row in rows if row["deleted_on"])
    if gone:
        taking.notes.append(
            f"{gone} patients were withdrawn by the sender, as some time after they left or died: "
            "all that is held of them is withdrawn with them"
        )


def _plans(taking: Taking, stage: Stage, issues: Stage) -> None:
    taking.odd_days(
        stage, "start_date", "cancelled_on", "review_date", "authorised_until", "recorded_on"
    )
    known = "active" in stage.fields
    day = taking.withdrawn_on
    taking.note_rows(stage, "plan_type = 'other'", "medicines of a type not known, taken as other")
    if known:
        taking.note_rows(
            stage,
            f"is_active AND cancelled_on <= DATE '{day}'",
            "medicines are active and cancelled at once: taken as active, marked as inferred",
        )
        taking.note_rows(
            stage,
            "NOT coalesce(is_active, false) AND cancelled_on IS NULL",
            "medicines are not active and have no day of ending: it was inferred from the last "
            "issue and its days, and marked so",
        )
    taking.note_rows(stage, "issues_authorised = 0", "medicines have 0 issues authorised: missing")
    taking.note_rows(stage, "is_confidential", "confidential rows, loaded as the others")
    taking.note_rows(
        stage,
        "contains(lower(product_text), 'capsule') AND lower(quantity_unit) LIKE 'tab%' "
        "OR contains(lower(product_text), 'tablet') AND lower(quantity_unit) LIKE 'cap%'",
        "medicines whose unit of quantity is another form than the product: kept as sent",
    )
    active = (
        "coalesce(s.is_active, false)"
        if known
        else f"coalesce(s.cancelled_on > DATE '{day}', true)"
    )
    last = (
        f"(SELECT plan_id, max(issued_on) AS last_on, max_by(supply_days, issued_on) AS days "
        f"FROM {issues.good('s.cancelled_on IS NULL')} GROUP BY plan_id)"
    )
    inferred = (
        f"least(DATE '{day}', l.last_on + CAST(greatest(0, least(coalesce(l.days, s.supply_days, "
        "0), 3660)) AS INTEGER))"
    )
    contradicts = f"{active} AND usual(s.cancelled_on) <= DATE '{day}'"
    lacks = f"NOT {active} AND usual(s.cancelled_on) IS NULL"
    taking.put(
        "plan",
        {
            **same(
                "plan_id patient_id product_code product_text plan_type issues_made min_days "
                "max_days quantity quantity_unit supply_days dose_text problem_id"
            ),
            "status": f"CASE WHEN {active} THEN 'active' ELSE 'ended' END",
            "status_inferred": f"coalesce({contradicts}, false) OR ({lacks})",
            "start_date": "usual(s.start_date)",
            "end_date": f"CASE WHEN {contradicts} THEN NULL WHEN {lacks} THEN {inferred} "
            "ELSE usual(s.cancelled_on) END",
            "review_date": "usual(s.review_date)",
            "authorised_until": "usual(s.authorised_until)",
            "issues_authorised": "nullif(s.issues_authorised, 0)",
            "recorded_on": "usual(s.recorded_on)",
            "deleted_on": taking.deleted_on,
        },
        f"{stage.good()} AS s LEFT JOIN {last} AS l ON l.plan_id = s.plan_id",
    )


def _issues(taking: Taking, stage: Stage) -> None:
    taking.odd_days(stage, "recorded_on", "cancelled_on")
    taking.note_rows(stage, "is_confidential", "confidential rows, loaded as the others")
    taking.put(
        "issue",
        {
            **same(
                "issue_id patient_id plan_id product_code product_text issue_type issued_on "
                "quantity quantity_unit supply_days dose_text"
            ),
            "cancelled_on": "usual(s.cancelled_on)",
            "recorded_on": "usual(s.recorded_on)",
            "deleted_on": taking.deleted_on,
        },
        f"{stage.good()} AS s",
    )


def _entries(taking: Taking, stage: Stage) -> None:
    taking.odd_days(stage, "happened_on", "recorded_on")
    taking.note_rows(stage, "is_confidential", "confidential rows, loaded as the others")
    taking.note_rows(
        stage, "figure_text IS NOT NULL AND value IS NULL", "values are no numbers: text"
    )
    unit = taking.units(stage, "coalesce(sent_ucum, unit_text)")
    kind = (
        "CASE WHEN s.kind IN ('diagnosis', 'result', 'procedure', 'administrative') THEN s.kind "
        "WHEN s.type_name IN ('value', 'investigation', 'test request') OR s.value IS NOT NULL "
        "THEN 'result' WHEN s.type_name = 'immunisation' THEN 'procedure' "
        "WHEN s.is_problem THEN 'diagnosis' ELSE coalesce(s.kind, 'finding') END"
    )
    dated = "usual(s.happened_on) IS NOT NULL AND s.precision <> 'unknown'"
    taking.put(
        "coded_entry",
        {
            **same(
                "entry_id patient_id local_code term value unit_text range_low range_high parent_id"
            ),
            "code": "s.snomed",
            "kind": kind,
            "happened_on": f"CASE WHEN {dated} THEN s.happened_on END",
            "precision": f"CASE WHEN {dated} THEN s.precision ELSE 'unknown' END",
            "comparator": "CASE WHEN s.value IS NOT NULL THEN s.comparator END",
            "unit_ucum": "u.ucum",
            "value_text": "CASE WHEN s.value IS NULL AND s.figure_text IS NOT NULL "
            "THEN concat_ws(chr(10), s.figure_text, s.said) ELSE s.said END",
            "recorded_on": "usual(s.recorded_on)",
            "deleted_on": taking.deleted_on,
        },
        f"{stage.good('NOT s.is_allergy')} AS s LEFT JOIN {unit} AS u "
        "ON u.text = coalesce(s.sent_ucum, s.unit_text)",
    )
    words = "lower(s.term)"
    degraded = ", ".join(f"'{code}'" for code in DEGRADED)
    lost = f"coalesce(s.snomed IN ({degraded}), false)"
    taking.put(
        "allergy",
        {
            "allergy_id": "s.entry_id",
            "patient_id": "s.patient_id",
            "substance_code": f"CASE WHEN NOT {lost} THEN s.snomed END",
            "substance_text": f"CASE WHEN {lost} THEN coalesce(s.said, s.term) ELSE s.term END",
            "kind": f"CASE WHEN {words} LIKE 'h/o%' OR contains({words}, 'history of') "
            f"THEN 'history' WHEN contains({words}, 'intoleran') "
            f"OR contains({words}, 'adverse reaction') THEN 'intolerance' ELSE 'allergy' END",
            "status": "'active'",
            "reaction_text": f"CASE WHEN NOT {lost} THEN s.said END",
            "onset_on": f"CASE WHEN {dated} THEN s.happened_on END",
            "is_degraded": lost,
            "recorded_on": "usual(s.recorded_on)",
            "deleted_on": taking.deleted_on,
        },
        f"{stage.good('s.is_allergy')} AS s",
    )


def _problems(taking: Taking, stage: Stage, entries: Stage) -> None:
    taking.odd_days(stage, "ended_on")
    dated = "usual(e.happened_on) IS NOT NULL AND e.precision <> 'unknown'"
    taking.put(
        "problem",
        {
            "problem_id": "s.problem_id",
            "patient_id": "s.patient_id",
            "entry_id": "CASE WHEN NOT e.is_allergy THEN e.entry_id END",
            "code": "e.snomed",
            "term": "e.term",
            "onset_on": f"CASE WHEN {dated} THEN e.happened_on END",
            "ended_on": "usual(s.ended_on)",
            "significance": "s.significance",
            "status": "CASE WHEN s.state_name LIKE 'past%' THEN 'past' WHEN s.state_name LIKE "
            "'active%' THEN 'active' WHEN s.ended_on IS NOT NULL THEN 'past' ELSE 'active' END",
            "recorded_on": "usual(e.recorded_on)",
            "deleted_on": taking.deleted_on,
        },
        f"{entries.good()} AS e JOIN {stage.good()} AS s ON e.entry_id = s.problem_id",
    )


def _recalls(taking: Taking, stage: Stage) -> None:
    taking.odd_days(stage, "due_on", "recorded_on")
    taking.put(
        "recall",
        {
            "recall_id": "s.recall_id",
            "patient_id": "s.patient_id",
            "what_code": "s.what_code",
            "what_text": "s.what_text",
            "due_on": "usual(s.due_on)",
            "status": "s.recall_status",
            "recorded_on": "usual(s.recorded_on)",
            "deleted_on": taking.deleted_on,
        },
        f"{stage.good()} AS s",
    )
