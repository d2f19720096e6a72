"""Made-up records for the tests of this room: by hand, and by hypothesis."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck
from hypothesis import strategies as st

from counterfoil.records.importers.concept import DEGRADED
from counterfoil.records.importers.shown import EARLIEST, LATEST
from counterfoil.records.patient import PatientRecord
from counterfoil.records.schema import TABLES, VALUES, from_rows

PRACTICE = "X00001"
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
"""Whole records take a while to draw on a machine that is shared."""

UTC = timezone.utc  # noqa: UP017


def number(serial: int) -> str:
    """A valid NHS number of the test range, the *serial*-th that has a check digit."""
    found = -1
    stem = 999_000_000
    while True:
        digits = f"{stem:09d}"
        check = (
            11 - sum(int(d) * w for d, w in zip(digits, range(10, 1, -1), strict=True)) % 11
        ) % 11
        if check != 10:
            found += 1
            if found == serial:
                return f"{digits}{check}"
        stem += 1


def common(source_id: str, **more: Any) -> dict[str, Any]:
    return {"practice": PRACTICE, "source_system": "made up", "source_id": source_id, **more}


def patient(patient_id: str = "p1", **more: Any) -> dict[str, Any]:
    return {
        **common(patient_id),
        "patient_id": patient_id,
        "person_id": f"person-{patient_id}",
        "nhs_number": number(1),
        "nhs_status": "verified",
        "given_name": "Ada",
        "family_name": "Example",
        "birth_date": date(1950, 2, 28),
        "birth_precision": "day",
        "sex": "female",
        "registered_from": date(2001, 4, 1),
        "registration_type": "regular",
        "is_test": False,
        "is_sensitive": False,
        **more,
    }


def plan(plan_id: str = "pl1", patient_id: str = "p1", **more: Any) -> dict[str, Any]:
    return {
        **common(plan_id),
        "plan_id": plan_id,
        "patient_id": patient_id,
        "product_text": "Methotrexate 2.5mg tablets",
        "plan_type": "repeat",
        "status": "active",
        "status_inferred": False,
        "start_date": date(2024, 1, 15),
        "quantity": Decimal(24),
        "quantity_unit": "tablet",
        "dose_text": "Take six once a week on Mondays",
        **more,
    }


def issue(issue_id: str = "i1", patient_id: str = "p1", **more: Any) -> dict[str, Any]:
    return {
        **common(issue_id),
        "issue_id": issue_id,
        "patient_id": patient_id,
        "plan_id": "pl1",
        "product_text": "Methotrexate 2.5mg tablets",
        "issue_type": "repeat",
        "issued_on": date(2026, 5, 4),
        **more,
    }


def tables(**rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: from_rows(name, given) for name, given in rows.items()}


def whole() -> dict[str, Any]:
    """A small record with rows in most tables."""
    return tables(
        patient=[patient(), patient("p2", nhs_number=None, nhs_status="absent", sex="male")],
        plan=[
            plan(),
            plan("pl2", "p2", product_text='Thing "two", 5mg', end_date=date(2025, 1, 1)),
        ],
        issue=[issue(), issue("i2"), issue("i3", "p2", plan_id="pl2", quantity=Decimal("7.5"))],
        coded_entry=[
            {
                **common("e1", recorded_on=date(2026, 5, 2)),
                "entry_id": "e1",
                "patient_id": "p1",
                "kind": "result",
                "code": "1022431000000105",
                "term": "Haemoglobin estimation\nsecond line",
                "happened_on": date(2026, 5, 1),
                "precision": "day",
                "value": Decimal("121.5"),
                "comparator": "<",
                "unit_text": "g/L",
            }
        ],
        allergy=[
            {
                **common("a1"),
                "allergy_id": "a1",
                "patient_id": "p1",
                "substance_text": "Penicillin",
                "kind": "allergy",
                "status": "active",
                "is_degraded": False,
            }
        ],
        request=[
            {
                **common("q1"),
                "request_id": "q1",
                "patient_id": "p2",
                "channel": "app",
                "received_at": datetime(2026, 5, 1, 12, 30, tzinfo=UTC),
                "requester": "patient",
            }
        ],
    )


# --- by hypothesis ------------------------------------------------------------------------------

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
CODE = st.integers(100_000, 10**18 - 1).map(str).filter(lambda t: t not in DEGRADED)
IDS = st.text("ABCDEFabcdef0123456789-", min_size=1, max_size=12).map(lambda t: f"x{t}")
DAYS = st.dates(EARLIEST, LATEST)
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
DECIMALS = st.decimals(
    min_value=Decimal("-999999999999999999"),
    max_value=Decimal("999999999999999999"),
    places=6,
    allow_nan=False,
    allow_infinity=False,
)
COUNTS = st.integers(0, 2000)


def _cells(table: str, name: str, kind: str) -> st.SearchStrategy[Any]:
    if (table, name) in VALUES:
        return st.sampled_from(VALUES[table, name])
    if kind == "text":
        return IDS if name.endswith(("_id", "code")) else TEXT
    return {
        "date": DAYS,
        "time": TIMES,
        "dec": DECIMALS,
        "int": st.integers(-(2**31), 2**31),
        "bool": st.booleans(),
    }[kind]


@st.composite
def canonical(draw: st.DrawFn) -> dict[str, Any]:
    """Canonical tables of a few patients, every column of every table drawn."""
    people = draw(st.integers(1, 3))
    made: dict[str, list[dict[str, Any]]] = {}
    for name, table in TABLES.items():
        rows = []
        for index in range(people if name == "patient" else draw(st.integers(0, 3))):
            row: dict[str, Any] = {}
            for column in table.columns:
                cell = _cells(name, column.name, column.type)
                row[column.name] = draw(st.none() | cell if column.optional else cell)
            row[table.key] = f"{name}-{index}"
            row["practice"] = PRACTICE
            if name == "patient":
                row["nhs_number"] = draw(st.none() | st.just(number(index)))
            elif "patient_id" in row and row["patient_id"] is not None:
                row["patient_id"] = f"patient-{draw(st.integers(0, people - 1))}"
            rows.append(row)
        made[name] = rows
    return {name: from_rows(name, rows) for name, rows in made.items()}


USUAL = st.dates(date(1900, 1, 1), date(2100, 1, 1))
AMOUNTS = st.decimals(Decimal(0), Decimal(10**9), places=3)
SHOWN = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" "),
    min_size=1,
    max_size=12,
).map(lambda t: t if t.strip() else "x")


@st.composite
def gp_records(draw: st.DrawFn) -> PatientRecord:
    """One patient's record with everything that GP Connect carries."""
    optional = st.none()
    who = "p1"

    def medicine() -> dict[str, Any]:
        return {
            "product_code": draw(optional | CODE),
            "product_text": draw(SHOWN),
            "quantity": draw(optional | AMOUNTS),
            "quantity_unit": draw(st.sampled_from(["tablet", "capsule", "mls", "gram"])),
            "supply_days": draw(optional | st.integers(1, 365)),
            "dose_text": draw(optional | SHOWN),
            "recorded_on": draw(optional | USUAL),
        }

    entries = []
    for index in range(draw(st.integers(0, 4))):
        happened = draw(optional | USUAL)
        precision = draw(st.sampled_from(["day", "month", "year"])) if happened else "unknown"
        if happened and precision != "day":
            happened = happened.replace(day=1, month=1 if precision == "year" else happened.month)
        value = draw(optional | AMOUNTS)
        entries.append(
            {
                **common(f"e{index}", recorded_on=draw(optional | USUAL)),
                "entry_id": f"e{index}",
                "patient_id": who,
                "kind": draw(st.sampled_from(VALUES["coded_entry", "kind"])),
                "code": draw(optional | CODE),
                "local_code": draw(optional | CODE),
                "term": draw(SHOWN),
                "happened_on": happened,
                "precision": precision,
                "value": value,
                "comparator": draw(st.sampled_from([None, "<", ">="])) if value else None,
                "unit_text": "Banana" if value is not None else None,
                "range_low": draw(optional | AMOUNTS),
                "range_high": draw(optional | AMOUNTS),
                "value_text": draw(optional | SHOWN),
                "parent_id": f"e{index - 1}" if index and draw(st.booleans()) else None,
                "status": draw(st.sampled_from(["final", "amended", "preliminary"])),
            }
        )
    problems = [
        {
            **common(f"pr{index}", recorded_on=draw(optional | USUAL)),
            "problem_id": f"pr{index}",
            "patient_id": who,
            "entry_id": draw(st.sampled_from(entries))["entry_id"],
            "code": draw(optional | CODE),
            "term": draw(SHOWN),
            "onset_on": draw(optional | USUAL),
            "ended_on": draw(optional | USUAL),
            "significance": draw(st.sampled_from([None, "significant", "minor"])),
            "status": draw(st.sampled_from(["active", "past"])),
        }
        for index in range(draw(st.integers(0, 2)) if entries else 0)
    ]
    plans = []
    for index in range(draw(st.integers(0, 3))):
        status = draw(st.sampled_from(["active", "ended", "suspended"]))
        plans.append(
            {
                **common(f"pl{index}"),
                **medicine(),
                "plan_id": f"pl{index}",
                "patient_id": who,
                "plan_type": draw(st.sampled_from(["acute", "repeat", "erd", "other"])),
                "status": status,
                "status_inferred": False,
                "start_date": draw(USUAL),
                "end_date": draw(optional | USUAL),
                "end_reason": draw(optional | SHOWN),
                "authorised_until": draw(optional | USUAL),
                "issues_authorised": draw(optional | COUNTS),
                "issues_made": draw(optional | COUNTS),
                "dose_changed_on": draw(optional | USUAL),
                "problem_id": problems[0]["problem_id"]
                if problems and draw(st.booleans())
                else None,
                "note": draw(optional | SHOWN),
            }
        )
    issues = [
        {
            **common(f"i{index}"),
            **medicine(),
            "issue_id": f"i{index}",
            "patient_id": who,
            "plan_id": draw(st.sampled_from([None, "pl0", "pl-not-here"])),
            "issue_type": draw(st.sampled_from(["acute", "repeat", "erd", "other"])),
            "issued_on": draw(USUAL),
            "valid_to": draw(optional | USUAL),
            "cancelled_on": draw(optional | USUAL),
            "prescription_id": draw(optional | IDS),
        }
        for index in range(draw(st.integers(0, 4)))
    ]
    allergies = [
        {
            **common(f"a{index}", recorded_on=draw(optional | USUAL)),
            "allergy_id": f"a{index}",
            "patient_id": who,
            **draw(
                st.sampled_from(
                    [
                        {"substance_text": "H/O: penicillin allergy", "kind": "history"},
                        {"substance_text": "Penicillin", "kind": "allergy"},
                        {"substance_text": "Codeine", "kind": "intolerance"},
                    ]
                )
            ),
            **draw(
                st.sampled_from(
                    [
                        {"substance_code": "764146007", "is_degraded": False},
                        {"substance_code": None, "is_degraded": True},
                        {"substance_code": None, "is_degraded": False},
                    ]
                )
            ),
            "status": draw(st.sampled_from(VALUES["allergy", "status"])),
            "severity": draw(st.sampled_from([None, "mild", "severe"])),
            "reaction_text": draw(optional | SHOWN),
            "onset_on": draw(optional | USUAL),
        }
        for index in range(draw(st.integers(0, 2)))
    ]
    recalls = [
        {
            **common("r1", recorded_on=draw(optional | USUAL)),
            "recall_id": "r1",
            "patient_id": who,
            "what_code": draw(optional | CODE),
            "what_text": draw(SHOWN),
            "due_on": draw(optional | USUAL),
            "status": draw(st.sampled_from(["active", "completed"])),
        }
        for _ in range(draw(st.integers(0, 1)))
    ]
    registered = draw(optional | USUAL)
    made = tables(
        patient=[
            patient(
                who,
                nhs_status=draw(st.sampled_from(["verified", "present"])),
                registered_from=registered,
                registered_to=registered + timedelta(days=400) if registered else None,
                death_date=draw(optional | USUAL),
                sex=draw(st.sampled_from(VALUES["patient", "sex"])),
                registration_type=draw(st.sampled_from(VALUES["patient", "registration_type"])),
            )
        ],
        plan=plans,
        issue=issues,
        coded_entry=entries,
        problem=problems,
        allergy=allergies,
        recall=recalls,
    )
    return PatientRecord.from_tables(made, who)
