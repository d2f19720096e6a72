"""Made-up values of the shapes that queries give, for tests of presenters and templates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import Admission, Allergy, CodedEntry, Issue, Patient, Plan
from counterfoil.service.casework import shapes

TODAY = date(2026, 11, 21)
CASE = "11111111-1111-4111-8111-111111111111"
LETTER = "22222222-2222-4222-8222-222222222222"
HANDOVER = "33333333-3333-4333-8333-333333333333"
AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
FBC_CODE = "1022431000000105"

PERSON = shapes.PersonLine(
    given_name="Mary",
    family_name="Test",
    birth_date=date(1955, 3, 3),
    age=71,
    sex="female",
    nhs_number="9990000018",
    practice_code="Y90001",
    practice_name="Mill Lane",
)
COMMON: dict[str, Any] = {"practice": "Y90001", "source_system": "test", "source_id": "x"}


def plan(name: str, dose: str, *, plan_id: str = "p1", **more: Any) -> Plan:
    """A repeat plan."""
    values: dict[str, Any] = {
        "plan_id": plan_id,
        "patient_id": "1",
        "product_text": name,
        "plan_type": "repeat",
        "status": "active",
        "status_inferred": False,
        "dose_text": dose,
        "supply_days": 28,
        "start_date": date(2025, 1, 5),
    }
    return Plan(**COMMON, **{**values, **more})


def issue(day: date, *, plan_id: str | None = "p1", **more: Any) -> Issue:
    """An issue of 28 days."""
    values: dict[str, Any] = {
        "issue_id": f"{plan_id}-{day}",
        "patient_id": "1",
        "plan_id": plan_id,
        "product_text": "Methotrexate 2.5mg tablets",
        "issue_type": "repeat",
        "issued_on": day,
        "quantity": Decimal("24.000000"),
        "quantity_unit": "tablet",
        "supply_days": 28,
    }
    return Issue(**COMMON, **{**values, **more})


def entry(day: date, term: str, code: str = FBC_CODE, **more: Any) -> CodedEntry:
    """A result."""
    values: dict[str, Any] = {
        "entry_id": f"{term}-{day}",
        "patient_id": "1",
        "kind": "result",
        "code": code,
        "term": term,
        "happened_on": day,
        "precision": "day",
    }
    return CodedEntry(**COMMON, **{**values, **more})


def record(**more: Any) -> PatientRecord:
    """A patient on methotrexate with one late gap, one test, one stay in hospital."""
    patient = Patient(
        **COMMON,
        patient_id="1",
        person_id="person",
        nhs_number="9990000018",
        nhs_status="verified",
        given_name="Mary",
        family_name="Test",
        birth_date=date(1955, 3, 3),
        birth_precision="day",
        sex="female",
        registration_type="regular",
        is_test=False,
        is_sensitive=False,
    )
    values: dict[str, Any] = {
        "plans": (plan("Methotrexate 2.5mg tablets", "6 tablets weekly Mon"),),
        "issues": (
            issue(date(2026, 8, 1)),
            issue(date(2026, 8, 29)),
            issue(date(2026, 11, 12)),
        ),
        "entries": (entry(date(2026, 7, 2), "Full blood count"),),
        "admissions": (
            Admission(
                **COMMON,
                admission_id="a1",
                patient_id="1",
                admitted_on=date(2026, 10, 1),
                discharged_on=date(2026, 10, 8),
                kind="emergency",
            ),
        ),
        "allergies": (
            Allergy(
                **COMMON,
                allergy_id="al1",
                patient_id="1",
                substance_text="penicillin",
                kind="allergy",
                status="active",
                reaction_text="rash",
                is_degraded=False,
            ),
        ),
    }
    return PatientRecord(patient=patient, **{**values, **more})


def option(name: str, label: str, effect: str = "waiting", *needs: str) -> shapes.ActionOption:
    """Something that may be done."""
    return shapes.ActionOption(name, label, effect, tuple(needs))


def finding(**more: Any) -> shapes.FindingCard:
    """An overdue methotrexate test."""
    values: dict[str, Any] = {
        "ref": "f1",
        "kind": "rule",
        "klass": "monitoring",
        "rule": "monitoring.methotrexate",
        "rule_version": "1",
        "approved_by": "Phil Pharmacist (made up), 21 November 2026",
        "title": "Methotrexate: blood tests overdue",
        "summary": "Full blood count: last done 2 July 2026; every 12 weeks, so due 24 September",
        "state": "open",
        "cause": "",
        "since": date(2026, 9, 24),
        "until": None,
        "due": date(2026, 9, 24),
        "days_left": -58,
        "owner": "technician",
        "urgency": "week",
        "reasons": (
            {
                "clause": "fbc_overdue",
                "holds": True,
                "text": "full blood count: last done 2 July 2026, so due 24 September 2026",
                "rows": [{"table": "coded_entry", "id": "Full blood count-2026-07-02"}],
                "values": {"due": "2026-09-24"},
                "since": "2026-09-24",
                "until": None,
            },
            {"clause": "with_leflunomide", "holds": False, "text": "No issue", "rows": []},
            {"clause": "renal_overdue", "holds": None, "text": "Renal function", "rows": []},
        ),
        "work": "todo",
        "waiting_until": None,
        "with_role": "",
        "must_hand_over": False,
        "high_risk": True,
        "issued_on": date(2026, 11, 12),
        "verification": "",
        "makes_work": True,
        "subject": "methotrexate",
        "actions": (option("book_test", "Record test booked", "waiting", "until"),),
        "hand_over_to": (shapes.HandoverTarget("pharmacist", "Hand over to pharmacist"),),
        "blocked": "",
        "decisions": (),
        "handovers": (),
    }
    return shapes.FindingCard(**{**values, **more})


def case_line(**more: Any) -> shapes.CaseLine:
    """A line of Today."""
    values: dict[str, Any] = {
        "case_ref": CASE,
        "letter_ref": None,
        "person": PERSON,
        "practice_code": "Y90001",
        "practice_name": "Mill Lane",
        "kind": "monitoring",
        "what": "Methotrexate: blood tests overdue",
        "why": "last done 2 July 2026",
        "urgency": "week",
        "due": date(2026, 9, 24),
        "days_left": -58,
        "state": "open",
        "work": "todo",
        "with_whom": "",
        "mine": False,
        "others": 2,
        "owner": "technician",
    }
    return shapes.CaseLine(**{**values, **more})


def today(**more: Any) -> shapes.Today:
    """Today with one line."""
    values: dict[str, Any] = {
        "lines": (case_line(),),
        "total": 1,
        "pages": 1,
        "counts": shapes.Counts(12, 148, 7, 2, 31, 5, 9),
        "filters": shapes.Filters(),
        "practices": (shapes.Choice("Y90001", "Mill Lane", 1),),
        "kinds": (shapes.Choice("monitoring", "Monitoring", 1),),
        "owners": (shapes.Choice("technician", "technician", 1),),
        "data": (),
        "today": TODAY,
    }
    return shapes.Today(**{**values, **more})


def summary(**more: Any) -> shapes.LetterSummary:
    """A letter received yesterday."""
    values: dict[str, Any] = {
        "ref": LETTER,
        "case_ref": CASE,
        "person": PERSON,
        "practice_code": "Y90001",
        "practice_name": "Mill Lane",
        "sender": "Northgate Hospital",
        "ward": "ward 7",
        "discharged_on": date(2026, 11, 19),
        "received_at": AT,
        "due_on": date(2026, 11, 27),
        "days_left": 6,
        "status": "new",
        "reason": "",
        "lines": 3,
        "decided": 0,
        "by_class": {"conflict": 1, "same": 2},
    }
    return shapes.LetterSummary(**{**values, **more})


def letter_line(ref: str, klass: str, **more: Any) -> shapes.LetterLine:
    """A line of a letter; ``same`` ones may be confirmed."""
    same = klass == "same"
    values: dict[str, Any] = {
        "finding": finding(
            ref=ref,
            kind="letter_line",
            klass=f"letter.{klass}",
            actions=(option("confirm_same", "Confirm same", "done"),) if same else (),
        ),
        "line_id": ref,
        "klass": klass,
        "subclass": "",
        "stated": "continued",
        "found": "" if same else "dose up, 2.5 mg to 5 mg a day",
        "letter_lines": ({"id": "l1", "text": "Ramipril 5mg caps 1 om", "start": 11, "end": 33},),
        "plans": ({"id": "p1", "text": "Ramipril 2.5mg caps 1 om"},),
        "owner": "technician" if same else "pharmacist",
        "why": ({"text": "the dose is doubled", "source": "NG5"},),
        "proposal": "Ask which dose is meant.",
    }
    return shapes.LetterLine(**{**values, **more})


def letter_view(*lines: shapes.LetterLine, **more: Any) -> shapes.LetterView:
    """A letter with these lines."""
    values: dict[str, Any] = {
        "summary": summary(),
        "version": 3,
        "text": "Medicines: Ramipril 5mg caps 1 om\nA smudge <b>\n",
        "unread": ({"text": "A smudge <b>", "start": 34, "end": 46},),
        "lines": lines,
        "decided": 0,
        "total": len(lines),
        "finishable": False,
        "to_finish_because": "3 of 3 lines are still to decide",
        "mine": False,
        "claimed_by": "",
        "as_of": date(2026, 11, 19),
        "document_name": "letter.txt",
    }
    return shapes.LetterView(**{**values, **more})
