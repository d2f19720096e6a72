"""Other changes of setting: whose lists are compared, and what an item that one of them lacks means."""

from __future__ import annotations

import pytest

from counterfoil.documents import SETTINGS, Setting, read_text
from counterfoil.foundation.days import to_day
from counterfoil.reconciliation import Outcome, call_script, draft_query, reconcile
from counterfoil.reconciliation.knowledge import data, frame
from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import Plan
from made_up_patient import COMMON, PATIENT

HEAD = "Patient: Amina Sample   NHS number: 999 000 0026   DOB: 14/03/1948\n"
CLINIC = f"""Rheumatology Outpatient Clinic
{HEAD}Clinic date: 02/11/2026

Medication changes
Methotrexate increased from 15mg to 20mg once weekly
Naproxen 250mg tablets stopped (kidney function)
Hydroxychloroquine 200mg tablets one twice a day, new
"""
WARD = f"""Ward drug chart, medicines reconciliation on admission
{HEAD}Date: 02/11/2026

Medicines
Ramipril 5mg capsules one daily
Enoxaparin 40mg injection once daily
"""
OLD_PRACTICE = f"""Medicines list of the previous practice (GP2GP)
{HEAD}Date of letter: 02/11/2026

Repeat medication
Ramipril 10mg capsules one daily
Latanoprost 50micrograms/ml eye drops one drop at night in both eyes
"""
HOME = f"""Care home MAR chart
{HEAD}Date of letter: 02/11/2026

Medicines
Ramipril 5mg capsules one daily
"""
WHICH: dict[Setting, str] = {
    "outpatient": CLINIC,
    "admission": WARD,
    "registration": OLD_PRACTICE,
    "care_home": HOME,
    "discharge": f"Discharge summary\n{HEAD}Discharged: 02/11/2026\n\nMedicines\nRamipril 5mg capsules one daily\n",
}
PLANS = (
    ("a", "Ramipril 5mg capsules", "One daily"),
    ("b", "Methotrexate 2.5mg tablets", "6 tablets once a week on Monday"),
    ("c", "Naproxen 250mg tablets", "One twice a day"),
    ("d", "Omeprazole 20mg gastro-resistant capsules", "One daily"),
)


def record() -> PatientRecord:
    plans = tuple(
        Plan(
            plan_id=plan_id,
            patient_id="p1",
            product_text=product,
            dose_text=dose,
            plan_type="repeat",
            status="active",
            status_inferred=False,
            **COMMON,
        )
        for plan_id, product, dose in PLANS
    )
    return PatientRecord(PATIENT, plans=plans)


def outcome(text: str, setting: Setting | None = None) -> Outcome:
    from datetime import date

    return reconcile(read_text(text), record(), to_day(date(2026, 11, 2)), setting)


def classes(found: Outcome) -> dict[str, str]:
    return {(line.plans or line.letter_lines)[0].text.split()[0]: line.cls for line in found.lines}


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_head_says_which_setting_it_is(setting: Setting) -> None:
    found = outcome(WHICH[setting])
    assert found.status == "done", found.reason
    assert found.setting == setting
    assert found.to_json()["setting"] == setting


def test_what_names_a_discharge_is_never_taken_for_less() -> None:
    both = "Outpatient clinic follow up of your discharge summary\n" + CLINIC
    assert read_text(both).setting == "discharge"
    assert read_text(CLINIC + "\nDischarged: 01/11/2026\n").setting == "discharge"
    assert read_text(HEAD + "Ramipril 5mg capsules one daily").setting == "discharge"


def test_an_item_a_clinic_does_not_mention_is_left_and_not_missing() -> None:
    found = outcome(CLINIC)
    assert classes(found) == {
        "Ramipril": "done",
        "Omeprazole": "done",
        "Methotrexate": "changed",
        "Naproxen": "stopped",
        "Hydroxychloroquine": "new",
    }
    assert {line.plans[0].id for line in found.left_alone} == {"a", "d"}
    assert not found.of("missing")
    assert "Omeprazole" not in draft_query(found)
    assert "clinic" in call_script(found)


@pytest.mark.parametrize("setting", [s for s in SETTINGS if s != "outpatient"])
def test_in_every_other_setting_an_item_on_one_list_only_is_asked_about(setting: Setting) -> None:
    found = outcome(WHICH[setting])
    missing = {line.plans[0].id for line in found.of("missing")}
    assert missing >= {"b", "c", "d"}
    assert not found.left_alone
    assert "Omeprazole" in draft_query(found)


def test_each_setting_has_its_own_words() -> None:
    ward, old = outcome(WARD), outcome(OLD_PRACTICE)
    assert any("charted" in line for line in draft_query(ward).splitlines())
    assert "previous practice" in old.of("missing")[0].proposal
    assert {frame(s)["title"] for s in SETTINGS} == {f["title"] for f in data()["frame"].values()}
    assert len({frame(s)["opening"] for s in SETTINGS}) == len(SETTINGS)


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_line_and_plan_once_in_every_setting(setting: Setting) -> None:
    for text in WHICH.values():
        found = outcome(text, setting)
        plans = sorted(item.id for line in found.lines for item in line.plans)
        assert plans == ["a", "b", "c", "d"]
        lines = sorted(item.id for line in found.lines for item in line.letter_lines)
        assert lines == sorted(line.id for line in read_text(text).lines)
