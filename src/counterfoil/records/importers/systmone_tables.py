"""How each table of a SystmOne extract becomes canonical rows: SQL, table by table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from counterfoil.records.importers import systmone_layout as layout
from counterfoil.records.importers.staging import Check, Stage, same
from counterfoil.records.importers.taking import Taking

DAY = "a date written 14 Jun 2026"

MACROS = """
CREATE MACRO tpp_day(x) AS nullif(CASE
    WHEN x LIKE '____-__-__%' THEN TRY_CAST(left(x, 10) AS DATE)
    WHEN substr(x, 3, 1) = ' ' AND substr(x, 7, 1) = ' '
        THEN CAST(try_strptime(left(x, 11), '%d %b %Y') AS DATE) END, DATE '1900-01-01');
CREATE MACRO tpp_odd(x) AS x IS NOT NULL AND tpp_day(x) IS NULL AND NOT x LIKE '01 Jan 1900%'
    AND NOT x LIKE '1900-01-01%';
CREATE MACRO tpp_id(x) AS CASE WHEN trim(x) IN ('', '-1', '0') THEN NULL ELSE trim(x) END;
CREATE MACRO snomed_of(x) AS CASE WHEN regexp_full_match(trim(x), '[0-9]{6,18}') THEN trim(x) END;
CREATE MACRO twice_of(x) AS regexp_extract(x,
    '^\\s*([0-9]+(?:[.][0-9]+)?)\\s*[xX*\u00d7]\\s*([0-9]+(?:[.][0-9]+)?)\\s*([A-Za-z(].*)?$',
    ['one', 'other', 'unit']);
CREATE MACRO once_of(x) AS regexp_extract(x,
    '^\\s*([0-9]+(?:[.][0-9]+)?|[.][0-9]+)\\s*([A-Za-z(%].*)?$', ['one', 'unit']);
CREATE MACRO quantity_of(x) AS coalesce(
    CAST(exact(twice_of(x).one) * exact(twice_of(x).other) AS DECIMAL(24, 6)),
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


_PATIENT = Check(
    "NOT _known", "IDPatient", "a patient of this extract (is it a delta? then say so)"
)
_ROUNDED = "regexp_full_match(trim({}), '[0-9]([.][0-9]+)?[eE][+]?[0-9]+')"
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
        _day("finish", "DateEnd"),
        _day("entered", "DateEventRecorded"),
    ],
    "SRRepeatTemplate": [
        _id("plan_id", "id", "RowIdentifier"),
        _PATIENT,
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
    here = f"coalesce(s.org_code = '{taking.practice}', true)"
    spell = (
        "(SELECT patient_id, arg_max(struct_pack(start_date := start_date, end_date := end_date, "
        "registration := registration), struct_pack(here := "
        f"{here}, day := coalesce(s.start_date, DATE '1850-01-01'), at := -s._row)) AS spell "
        f"FROM {spells.good('NOT s._deleted')} AS s GROUP BY patient_id)"
    )
    names = [part.path.name for part in taking.staging.extract.parts.values()]
    rows: list[dict[str, Any]] = taking.staging.arrow(
        f"SELECT s.patient_id, nhs_number, verified, given_name, family_name, sex, is_test, "
        "usual(birth_date) AS birth_date, usual(death_date) AS death_date, "
        "usual(r.spell.start_date) AS registered_from, usual(r.spell.end_date) AS registered_to, "
        "CASE WHEN r.spell.registration LIKE '%temporary%' THEN 'temporary' "
        "WHEN r.spell.registration IS NULL OR r.spell.registration LIKE '%gms%' "
        "THEN 'regular' ELSE 'other' END AS registration_type, _part, _row, _gone, "
        f"nhs_valid(nhs_number) AS nhs_valid FROM {stage.good()} AS s "
        f"LEFT JOIN {spell} AS r ON r.patient_id = s.patient_id ORDER BY _part, _row"
    ).to_pylist()
    for row in rows:
        part, number, gone = row.pop("_part"), row.pop("_row"), row.pop("_gone")
        row |= {
            "practice": taking.practice,
            "source_system": taking.format,
            "source_id": row["patient_id"],
            "source_place": f"{names[part]} row {number}",
            "birth_precision": "day" if row["birth_date"] else "unknown",
            "is_sensitive": False,
            "deleted_on": taking.withdrawn_on if gone else None,
        }
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
