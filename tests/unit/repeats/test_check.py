"""The worked vectors of the notes on repeats, and each check at its edge."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from counterfoil.foundation.days import to_day
from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import (
    Admission,
    CodedEntry,
    Document,
    Issue,
    Patient,
    Plan,
    Request,
    RequestItem,
)
from counterfoil.repeats import Check, Context, ItemOutcome, check_request, suitability
from counterfoil.repeats.erd import most_issues
from counterfoil.rules import load

COMMON: dict[str, Any] = {"practice": "X00001", "source_system": "test", "source_id": "1"}
RULES = load()
TODAY = date(2026, 11, 22)


def patient(**more: Any) -> Patient:
    return Patient(
        **{
            **COMMON,
            "patient_id": "a",
            "person_id": "a",
            "nhs_number": "9990000018",
            "nhs_status": "verified",
            "birth_date": date(1960, 1, 1),
            "birth_precision": "day",
            "sex": "female",
            "registered_from": date(2000, 1, 1),
            "registration_type": "regular",
            "is_test": True,
            "is_sensitive": False,
            **more,
        }
    )


def plan(
    product: str = "Amlodipine 5mg tablets",
    dose: str | None = "One To Be Taken Each Day",
    quantity: int = 28,
    **more: Any,
) -> Plan:
    return Plan(
        **{
            **COMMON,
            "plan_id": "p",
            "patient_id": "a",
            "product_text": product,
            "plan_type": "repeat",
            "status": "active",
            "status_inferred": False,
            "start_date": date(2025, 1, 1),
            "review_date": date(2027, 1, 1),
            "issues_authorised": 12,
            "issues_made": 3,
            "quantity": Decimal(quantity),
            "quantity_unit": "tablet",
            "supply_days": None,
            "dose_text": dose,
            **more,
        }
    )


def issued(of: Plan, *days: date) -> tuple[Issue, ...]:
    return tuple(
        Issue(
            **COMMON,
            issue_id=f"i{n}",
            patient_id="a",
            plan_id=of.plan_id,
            product_text=of.product_text,
            issue_type="repeat",
            issued_on=day,
            quantity=of.quantity,
            quantity_unit=of.quantity_unit,
            dose_text=of.dose_text,
        )
        for n, day in enumerate(days)
    )


def ask(
    of: Plan,
    *issues: date,
    on: date = TODAY,
    note: str | None = None,
    text: str | None = None,
    person: Patient | None = None,
    **more: Any,
) -> ItemOutcome:
    record = PatientRecord(
        patient=person or patient(), plans=(of,), issues=issued(of, *issues), **more
    )
    context = Context(record, to_day(on), RULES)
    request = Request(
        **COMMON,
        request_id="r",
        patient_id="a",
        channel="app",
        received_at=datetime(on.year, on.month, on.day, 9, tzinfo=UTC),
        requester="patient",
        note=note,
    )
    item = RequestItem(
        **COMMON,
        request_item_id="r1",
        request_id="r",
        patient_id="a",
        item_text=text or of.product_text,
    )
    return check_request(context, request, [item])[0]


def check(outcome: ItemOutcome, name: str) -> Check:
    return next(c for c in outcome.checks if c.id == name)


def test_every_check_is_made_of_every_item() -> None:
    found = ask(plan(), date(2026, 11, 1))
    assert [c.id for c in found.checks] == [
        "R01",
        "R03",
        "R04",
        "R07",
        "R08",
        "R09",
        "R10",
        "R12",
        "R15",
        "R16",
        "R18",
        "R24",
        "R33",
    ]


def test_v1_seven_days_left_is_due() -> None:
    found = ask(plan(), date(2026, 11, 1))
    assert check(found, "R07").inputs["covered_until"] == "2026-11-29"
    assert check(found, "R07").inputs["days_left"] == 7
    assert (check(found, "R07").outcome, check(found, "R08").outcome) == ("ok", "ok")
    assert found.outcome == "ok"


def test_v2_nine_days_left_is_early() -> None:
    found = ask(plan(), date(2026, 11, 1), on=date(2026, 11, 20))
    assert check(found, "R07").inputs["days_left"] == 9
    assert check(found, "R07").outcome == "technician"
    assert found.outcome == "technician"


def test_v3_twenty_four_days_over_is_late_and_no_missed_cycle() -> None:
    of = plan(dose="One To Be Taken Twice A Day", quantity=56)
    found = check(ask(of, date(2026, 10, 1)), "R08")
    assert (found.inputs["days_left"], found.inputs["state"]) == (-24, "late")
    assert check(ask(of, date(2026, 9, 25)), "R08").inputs["state"] == "missed_cycle"


def test_v6_thirty_tablets_stated_as_twenty_eight_days() -> None:
    found = check(ask(plan(quantity=30, supply_days=28), date(2026, 11, 1)), "R12")
    assert found.outcome == "technician"
    assert found.inputs["days_low"] == "30"


def test_v8_methotrexate_six_once_weekly_lasts_four_weeks() -> None:
    of = plan("Methotrexate 2.5mg tablets", "SIX tablets ONCE a WEEK", 24)
    found = check(ask(of, date(2026, 11, 1)), "R12")
    assert (found.inputs["days_low"], found.outcome) == ("28", "ok")
    daily = ask(replace(of, dose_text="Take SIX tablets DAILY"), date(2026, 11, 1))
    assert check(daily, "R15").outcome == "same_day"


def test_v9_a_dose_when_required_is_never_late() -> None:
    of = plan("Paracetamol 500mg tablets", "One or two four times a day when required", 100)
    for days in (40, 400):
        found = ask(of, TODAY - timedelta(days=days))
        assert check(found, "R08").outcome == "ok"
    early = check(ask(of, TODAY - timedelta(days=2)), "R07")
    assert (early.outcome, early.inputs["days_left"]) == ("technician", 10)


def test_v12_a_review_fifty_two_days_over_is_the_pharmacists() -> None:
    found = check(ask(plan(review_date=date(2026, 10, 1)), date(2026, 11, 1)), "R09")
    assert (found.outcome, found.inputs["days_over"]) == ("pharmacist", 52)
    found = check(ask(plan(review_date=date(2026, 10, 25)), date(2026, 11, 1)), "R09")
    assert (found.outcome, found.inputs["days_over"]) == ("technician", 28)
    assert check(ask(plan(review_date=None), date(2026, 11, 1)), "R09").outcome == "cannot_check"


@pytest.mark.parametrize("dose", ["1", "n/a", "As Directed"])
def test_v13_without_an_amount_a_day_nothing_is_said_of_early_or_late(dose: str) -> None:
    found = ask(plan(dose=dose), date(2026, 11, 1))
    assert check(found, "R15").outcome == "technician"
    for name in ("R07", "R08", "R12"):
        assert check(found, name).outcome == "cannot_check"
        assert check(found, name).missing
    assert found.outcome == "technician"


def test_v11_the_most_issues_of_a_year() -> None:
    assert [most_issues(days) for days in (28, 30, 56, 84)] == [13, 12, 6, 4]


def test_an_unknown_patient_is_found_out_before_anything_else() -> None:
    request = Request(
        **COMMON,
        request_id="r",
        patient_id="?",
        channel="app",
        received_at=datetime(2026, 11, 22, tzinfo=UTC),
        requester="patient",
    )
    item = RequestItem(
        **COMMON,
        request_item_id="r1",
        request_id="r",
        patient_id="?",
        item_text="Amlodipine 5mg tablets",
    )
    found = check_request(Context(None, to_day(TODAY), RULES), request, [item])[0]
    assert found.outcome == "technician"
    assert {c.outcome for c in found.checks} == {"technician", "cannot_check", "ok"}


def test_words_that_are_no_medicine_are_asked_about() -> None:
    found = check(ask(plan(), date(2026, 11, 1), text="the blue ones"), "R03")
    assert found.outcome == "contact"


def test_an_item_not_on_the_list_is_the_prescribers() -> None:
    assert check(ask(plan(), text="Sertraline 50mg tablets"), "R03").outcome == "prescriber"
    acute = ask(plan(plan_type="acute"), date(2026, 11, 1))
    assert check(acute, "R03").outcome == "prescriber"


def test_a_stopped_item_is_never_put_back() -> None:
    of = plan(status="ended", end_date=date(2026, 9, 1), end_reason="swollen ankles")
    found = check(ask(of, date(2026, 8, 1)), "R04")
    assert found.outcome == "pharmacist"
    assert "swollen ankles" in found.text


def test_one_item_held_does_not_hold_the_rest() -> None:
    one, other = (
        plan(),
        replace(
            plan("Ramipril 5mg capsules"), plan_id="q", review_date=None, quantity_unit="capsule"
        ),
    )
    record = PatientRecord(
        patient=patient(),
        plans=(one, other),
        issues=issued(one, date(2026, 11, 1)) + issued(other, date(2026, 11, 1)),
    )
    request = Request(
        **COMMON,
        request_id="r",
        patient_id="a",
        channel="app",
        received_at=datetime(2026, 11, 22, tzinfo=UTC),
        requester="patient",
    )
    items = [
        RequestItem(
            **COMMON,
            request_item_id=str(n),
            request_id="r",
            patient_id="a",
            item_text=p.product_text,
        )
        for n, p in enumerate((one, other))
    ]
    outcomes = check_request(Context(record, to_day(TODAY), RULES), request, items)
    assert [o.outcome for o in outcomes] == ["ok", "cannot_check"]


def test_a_critical_medicine_late_is_for_the_same_day() -> None:
    of = plan("Apixaban 5mg tablets", "One To Be Taken Twice A Day", 56)
    assert check(ask(of, date(2026, 10, 1)), "R08").outcome == "same_day"


def test_all_authorised_issues_made() -> None:
    assert check(ask(plan(issues_made=12)), "R10").outcome == "pharmacist"
    nothing = plan(issues_authorised=None, issues_made=None)
    assert check(ask(nothing), "R10").outcome == "cannot_check"
    assert (
        check(ask(replace(nothing, authorised_until=date(2026, 11, 1))), "R10").outcome
        == "pharmacist"
    )


def test_overdue_monitoring_goes_through_the_rule_engine() -> None:
    of = plan("Methotrexate 2.5mg tablets", "SIX tablets ONCE a WEEK", 24)
    days = [date(2026, 3, 1) + timedelta(days=28 * n) for n in range(10)]
    found = check(ask(of, *days), "R16")
    assert found.outcome == "pharmacist"
    assert "Full blood count" in found.text
    assert found.inputs["rule"] == "monitoring.methotrexate"
    from counterfoil.rules.sets import TerminologySets

    tests = tuple(
        CodedEntry(
            **COMMON,
            entry_id=name,
            patient_id="a",
            kind="result",
            term=name,
            code=min(TerminologySets().codes(name)),
            happened_on=date(2026, 11, 1),
            precision="day",
        )
        for name in ("fbc", "lft", "renal_function")
    )
    assert check(ask(of, *days, entries=tests), "R16").outcome == "ok"


def test_controlled_drugs_of_schedule_two_and_three() -> None:
    of = plan(
        "Pregabalin 75mg capsules", "One To Be Taken Twice A Day", 112, quantity_unit="capsule"
    )
    found = check(ask(of, date(2026, 11, 1)), "R18")
    assert found.outcome == "pharmacist"
    assert "56 days" in found.text
    assert check(ask(replace(of, plan_type="erd")), "R18").outcome == "prescriber"


def test_a_discharge_nobody_has_reconciled_holds_the_item() -> None:
    letter = Document(
        **COMMON,
        document_id="d",
        patient_id="a",
        kind="discharge",
        event_on=date(2026, 11, 18),
        media_type="text/plain",
        sha256="0",
        received_at=datetime(2026, 11, 19, tzinfo=UTC),
    )
    found = check(ask(plan(), date(2026, 11, 1), documents=(letter,)), "R24")
    assert found.outcome == "technician"
    changed = plan(dose_changed_on=date(2026, 11, 20))
    assert check(ask(changed, date(2026, 11, 1), documents=(letter,)), "R24").outcome == "ok"
    stay = Admission(
        **COMMON,
        admission_id="s",
        patient_id="a",
        kind="emergency",
        admitted_on=date(2026, 11, 10),
        discharged_on=date(2026, 11, 14),
    )
    assert (
        "no letter is on record"
        in check(ask(plan(), date(2026, 11, 1), admissions=(stay,)), "R24").text
    )


@pytest.mark.parametrize(
    ("note", "outcome"),
    [
        ("Please can you help, I have had chest pain", "same_day"),
        ("these give me a rash", "pharmacist"),
        ("I have run out", "contact"),
        ("going on holiday on Friday", "technician"),
        ("thank you!", "technician"),
    ],
)
def test_a_note_is_never_dropped_and_blocks_ok(note: str, outcome: str) -> None:
    found = ask(plan(), date(2026, 11, 1), note=note)
    assert check(found, "R33").outcome == outcome
    assert note in check(found, "R33").text
    assert found.outcome == outcome


def test_erd_gives_a_reason_for_every_no() -> None:
    of = (
        plan(),
        replace(plan("Diazepam 2mg tablets"), plan_id="q"),
        replace(plan("Pregabalin 75mg capsules"), plan_id="s"),
    )
    record = PatientRecord(patient=patient(), plans=of)
    found = suitability(Context(record, to_day(TODAY), RULES))
    by_text = {text: criteria for _, text, criteria in found.items}
    assert all(c.met is not False for c in by_text["Amlodipine 5mg tablets"])
    for text in ("Diazepam 2mg tablets", "Pregabalin 75mg capsules"):
        against = [c for c in by_text[text] if c.met is False]
        assert against
        assert all(c.text for c in against)
    assert found.answer == "cannot_tell"


def test_erd_after_an_unplanned_admission_is_no() -> None:
    stay = Admission(
        **COMMON,
        admission_id="s",
        patient_id="a",
        kind="emergency",
        admitted_on=date(2026, 9, 10),
        discharged_on=date(2026, 9, 14),
    )
    record = PatientRecord(patient=patient(), plans=(plan(),), admissions=(stay,))
    assert suitability(Context(record, to_day(TODAY), RULES)).answer == "no"
