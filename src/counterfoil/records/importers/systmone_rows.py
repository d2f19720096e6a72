"""How the tables of a SystmOne extract become canonical rows: SQL over their stages, table by table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from counterfoil.records.importers.staging import Stage, same
from counterfoil.records.importers.taking import Taking


def canonical(taking: Taking, stages: Mapping[str, Stage]) -> None:
    """Every canonical table from its stages."""
    organisations = stages["SROrganisation"]
    taking.put(
        "organisation",
        {
            "org_code": "s.org_code",
            "kind": f"CASE WHEN s.org_code = '{taking.practice}' THEN 'practice' ELSE 'other' END",
            "name": "coalesce(s.org_name, s.org_code)",
        },
        f"{organisations.good('s.org_code IS NOT NULL')} AS s",
    )
    taking.note_rows(organisations, "org_code IS NULL", "organisations without a code: not carried")
    _patients(taking, stages["SRPatient"], stages["SRPatientRegistration"])
    _templates(taking, stages["SRRepeatTemplate"], stages["SRPrimaryCareMedication"])
    _medication(taking, stages["SRPrimaryCareMedication"])
    _entries(taking, stages["SRCode"])
    _sensitivities(taking, stages["SRDrugSensitivity"])
    _problems(taking, stages["SRProblem"], stages["SRCode"])
    recalls = stages["SRRecall"]
    taking.odd_days(recalls, "due_on", "recorded_on")
    taking.put(
        "recall",
        {
            **same("recall_id patient_id what_text"),
            "status": "s.recall_status",
            "due_on": "usual(s.due_on)",
            "recorded_on": "usual(s.recorded_on)",
            "deleted_on": taking.deleted_on,
        },
        f"{recalls.good()} AS s",
    )


def _patients(taking: Taking, stage: Stage, spells: Stage) -> None:
    taking.odd_days(stage, "birth_date", "death_date")
    taking.ahead(stage, "birth_date", "patients are born")
    here = f"coalesce(s.org_code = '{taking.practice}', true)"
    spell = (
        "(SELECT patient_id, arg_max(struct_pack(start_date := start_date, end_date := end_date, "
        "registration := registration), struct_pack(here := "
        f"{here}, day := coalesce(s.start_date, DATE '1850-01-01'), at := -s._row)) AS spell "
        f"FROM {spells.good('NOT s._deleted')} AS s GROUP BY patient_id)"
    )
    rows: list[dict[str, Any]] = taking.staging.arrow(
        f"SELECT s.patient_id, nhs_number, verified, given_name, family_name, sex, is_test, "
        "usual(birth_date) AS birth_date, usual(death_date) AS death_date, "
        "usual(r.spell.start_date) AS registered_from, usual(r.spell.end_date) AS registered_to, "
        "CASE WHEN r.spell.registration LIKE '%temporary%' THEN 'temporary' "
        "WHEN r.spell.registration IS NULL OR r.spell.registration LIKE '%gms%' "
        "THEN 'regular' ELSE 'other' END AS registration_type, _part, _row, _gone, "
        f"false AS is_sensitive, nhs_valid(nhs_number) AS nhs_valid FROM {stage.good()} AS s "
        f"LEFT JOIN {spell} AS r ON r.patient_id = s.patient_id ORDER BY _part, _row"
    ).to_pylist()
    taking.put_patients(rows)
    without = sum(1 for row in rows if row["registered_from"] is None)
    if without and rows:
        taking.notes.append(f"{without} patients have no day of registration")


def _templates(taking: Taking, stage: Stage, medication: Stage) -> None:
    taking.odd_days(stage, "start_date", "end_date", "review_date", "recorded_on")
    taking.note_rows(stage, "issues_authorised = 0", "templates have 0 issues at most: missing")
    taking.note_rows(
        stage,
        "contains(lower(product_text), 'capsule') AND lower(quantity_unit) LIKE 'tab%' "
        "OR contains(lower(product_text), 'tablet') AND lower(quantity_unit) LIKE 'cap%'",
        "medicines whose unit of quantity is another form than the product: kept as sent",
    )
    ended = f"coalesce(usual(s.end_date) <= DATE '{taking.withdrawn_on}', false)"
    made = (
        "(SELECT template_id, count(*) AS n FROM "
        f"{medication.good('NOT s._deleted')} AS s GROUP BY template_id)"
    )
    taking.put(
        "plan",
        {
            **same(
                "plan_id patient_id product_code product_text plan_type quantity quantity_unit "
                "supply_days dose_text"
            ),
            "status": f"CASE WHEN {ended} THEN 'ended' ELSE 'active' END",
            "status_inferred": "false",
            "start_date": "usual(s.start_date)",
            "end_date": "usual(s.end_date)",
            "review_date": "usual(s.review_date)",
            "issues_authorised": "nullif(s.issues_authorised, 0)",
            "issues_made": "coalesce(m.n, 0)",
            "recorded_on": "usual(s.recorded_on)",
            "deleted_on": taking.deleted_on,
        },
        f"{stage.good()} AS s LEFT JOIN {made} AS m ON m.template_id = s.plan_id",
    )


def _medication(taking: Taking, stage: Stage) -> None:
    """Issues; what stands alone is a plan too, and what others prescribe is only a plan."""
    taking.odd_days(stage, "start_date", "end_date", "recorded_on")
    alone = "s.template_id IS NULL AND s.issue_type = 'acute' AND s.elsewhere IS NULL"
    plan_id = "'medication-' || s.issue_id"
    common = {
        **same("patient_id product_code product_text quantity quantity_unit dose_text"),
        "recorded_on": "usual(s.recorded_on)",
        "source_id": "s.issue_id",
        "deleted_on": taking.deleted_on,
    }
    start = "usual(coalesce(s.start_date, s.event_on))"
    length = f"datediff('day', {start}, usual(s.end_date))"
    days = f"CASE WHEN {length} BETWEEN 1 AND 399 THEN {length} END"
    taking.put(
        "issue",
        {
            **common,
            "issue_id": "s.issue_id",
            "plan_id": f"CASE WHEN {alone} THEN {plan_id} ELSE s.template_id END",
            "issue_type": "s.issue_type",
            "issued_on": start,
            "supply_days": days,
        },
        f"{stage.good('s.elsewhere IS NULL')} AS s",
    )
    ended = f"coalesce(usual(s.end_date) <= DATE '{taking.withdrawn_on}', false)"
    plan = {
        **common,
        "plan_id": plan_id,
        "plan_type": "coalesce(s.elsewhere, 'acute')",
        "status": f"CASE WHEN {ended} THEN 'ended' ELSE 'active' END",
        "status_inferred": "true",
        "start_date": start,
        "end_date": "usual(s.end_date)",
        "supply_days": days,
    }
    taking.put("plan", plan, f"{stage.good(alone)} AS s", counted=False)
    taking.put("plan", plan, f"{stage.good('s.elsewhere IS NOT NULL')} AS s")


_ALLERGIC = (
    "(regexp_matches(lower(s.term), '^(h/o:? *)?(allergy|allergic|adverse reaction|intolerance) "
    "(to|caused by) ') OR regexp_matches(lower(s.term), ' (allergy|intolerance)$')) "
    "AND NOT regexp_matches(lower(s.term), '^(no |nil|family|fh|risk|suspected|screening|not )')"
)
"""Words that make a coded entry an allergy. This is the project's own choice: it errs towards
showing an allergy, and the entry itself is loaded as well."""


def _entries(taking: Taking, stage: Stage) -> None:
    taking.odd_days(stage, "happened_on", "recorded_on")
    taking.ahead(stage, "happened_on", "entries happened")
    taking.note_rows(stage, "value_text IS NOT NULL", "values are no numbers: text")
    unit = taking.units(stage, "unit_text")
    dated = "usual(s.happened_on)"
    taking.put(
        "coded_entry",
        {
            **same("entry_id patient_id code local_code term value value_text"),
            "kind": "CASE WHEN s.value IS NOT NULL THEN 'result' WHEN s.is_problem "
            "THEN 'diagnosis' ELSE 'finding' END",
            "happened_on": dated,
            "precision": f"CASE WHEN {dated} IS NULL THEN 'unknown' ELSE 'day' END",
            "comparator": "CASE WHEN s.value IS NOT NULL THEN s.comparator END",
            "unit_text": "s.unit_text",
            "unit_ucum": "u.ucum",
            "recorded_on": "usual(s.recorded_on)",
            "deleted_on": taking.deleted_on,
        },
        f"{stage.good()} AS s LEFT JOIN {unit} AS u ON u.text = s.unit_text",
    )
    taking.put(
        "allergy",
        {
            "allergy_id": "'code-' || s.entry_id",
            "patient_id": "s.patient_id",
            "substance_code": "s.code",
            "substance_text": "s.term",
            "kind": "CASE WHEN lower(s.term) LIKE 'h/o%' THEN 'history' "
            "WHEN contains(lower(s.term), 'intoleran') OR contains(lower(s.term), "
            "'adverse reaction') THEN 'intolerance' ELSE 'allergy' END",
            "status": "'active'",
            "onset_on": dated,
            "is_degraded": "false",
            "source_id": "s.entry_id",
            "recorded_on": "usual(s.recorded_on)",
            "deleted_on": taking.deleted_on,
        },
        f"{stage.good(_ALLERGIC)} AS s",
        counted=False,
    )


def _sensitivities(taking: Taking, stage: Stage) -> None:
    taking.odd_days(stage, "onset_on", "ended_on", "recorded_on")
    taking.note_rows(
        stage,
        "substance_text IS NULL",
        "sensitivities name a medicine by a number of the system's own: they cannot be checked",
    )
    taking.put(
        "allergy",
        {
            "allergy_id": "s.allergy_id",
            "patient_id": "s.patient_id",
            "substance_text": "coalesce(s.substance_text, s.sent)",
            "kind": "'allergy'",
            "status": "CASE WHEN s.ended_on IS NULL THEN 'active' ELSE 'ended' END",
            "onset_on": "usual(s.onset_on)",
            "is_degraded": "s.substance_text IS NULL",
            "recorded_on": "usual(s.recorded_on)",
            "deleted_on": taking.deleted_on,
        },
        f"{stage.good()} AS s",
    )


def _problems(taking: Taking, stage: Stage, entries: Stage) -> None:
    taking.odd_days(stage, "ended_on")
    taking.put(
        "problem",
        {
            **same("problem_id patient_id entry_id significance"),
            "code": "e.code",
            "term": "e.term",
            "onset_on": "usual(e.happened_on)",
            "ended_on": "usual(s.ended_on)",
            "status": "CASE WHEN s.ended_on IS NULL THEN 'active' ELSE 'past' END",
            "recorded_on": "usual(s.recorded_on)",
            "deleted_on": taking.deleted_on,
        },
        f"{entries.good()} AS e JOIN {stage.good()} AS s ON e.entry_id = s.entry_id",
    )
