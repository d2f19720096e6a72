"""How the tables of an EMIS extract become canonical rows: SQL over their stages, table by table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from counterfoil.records.importers.concept import DEGRADED
from counterfoil.records.importers.staging import Stage, same
from counterfoil.records.importers.taking import Taking

WORDED = "quantities are written out, such as '28 tablets': the number in them was read"


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
    taking.ahead(stage, "birth_date", "patients are born")
    columns = [c for c in stage.columns if c not in days]
    found = taking.staging.arrow(
        f"SELECT {', '.join(columns)}, {', '.join(f'usual({d}) AS {d}' for d in days)}, "
        f"_part, _row, _gone, nhs_valid(nhs_number) AS nhs_valid FROM {stage.good()} "
        "ORDER BY _part, _row"
    )
    rows: list[dict[str, Any]] = found.to_pylist()
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
    taking.note_rows(stage, "is_worded", WORDED)
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
    taking.note_rows(stage, "is_worded", WORDED)
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
    taking.ahead(stage, "happened_on", "entries happened")
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
