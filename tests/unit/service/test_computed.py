"""Findings after a delta equal those of a full run, published through the service."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

import service_world as sw
from counterfoil.records.load import Load, of_tables
from counterfoil.records.schema import from_rows
from counterfoil.rules import incremental
from counterfoil.service.casework import computed, from_rules, sets_in_use
from counterfoil.service.casework.models import Finding
from counterfoil.service.config import home as homes
from counterfoil.service.records import publishing
from counterfoil.service.records.renewing import renew
from counterfoil.terminology.codesets import load_codeset

DAY = date(2026, 11, 20)
PEOPLE = 30
CONTENT = ("state", "since", "until", "due", "reasons", "summary", "episode", "fingerprint", "work")


def issued(patient: int, day: date, text: str = "Methotrexate 2.5mg tablets") -> dict[str, Any]:
    key = f"i-{patient}-{text[:4]}-{day.isoformat()}"
    return {
        "practice": "X1",
        "source_system": "synthetic",
        "source_id": key,
        "issue_id": key,
        "patient_id": f"p{patient:02}",
        "product_text": text,
        "issue_type": "repeat",
        "issued_on": day,
    }


def a_test(patient: int, name: str, day: date) -> dict[str, Any]:
    key = f"e-{patient}-{name}-{day.isoformat()}"
    return {
        "practice": "X1",
        "source_system": "synthetic",
        "source_id": key,
        "entry_id": key,
        "patient_id": f"p{patient:02}",
        "kind": "result",
        "code": min(load_codeset(name).codes),
        "term": name,
        "happened_on": day,
        "precision": "day",
    }


def all_tests(patient: int, day: date) -> list[dict[str, Any]]:
    return [a_test(patient, name, day) for name in ("fbc", "lft", "renal_function")]


def load(issues: list[dict[str, Any]], entries: list[dict[str, Any]], patients: int = 0) -> Load:
    people = [sw.patient("X1", f"p{n:02}", f"person-{n:02}", birth_date=date(1950, 1, 1 + n))
              for n in range(patients)]  # fmt: skip
    tables = {"issue": from_rows("issue", issues), "coded_entry": from_rows("coded_entry", entries)}
    if people:
        tables["patient"] = from_rows("patient", people)
    found = of_tables("X1", tables)
    return found if people else replace(found, scope="delta")


def base() -> Load:
    """Thirty people on methotrexate, tested from 1 to 30 weeks ago; every third has an NSAID."""
    issues = [issued(n, DAY - timedelta(28 * k + 3)) for n in range(PEOPLE) for k in range(13)]
    issues += [
        issued(n, DAY - timedelta(60 + n), "Naproxen 500mg tablets") for n in range(0, 30, 3)
    ]
    entries = [e for n in range(PEOPLE) for e in all_tests(n, DAY - timedelta(7 * n + 7))]
    return load(issues, entries, PEOPLE)


def deltas() -> Iterator[tuple[Load, date]]:
    """Tests of two people; then, days later, another's NSAID and a withdrawn one; then a month."""
    yield load([], [*all_tests(20, DAY), a_test(21, "fbc", DAY)]), DAY
    day = DAY + timedelta(2)
    gone = issued(0, DAY - timedelta(60), "Naproxen 500mg tablets") | {"deleted_on": day}
    yield load([issued(4, day, "Naproxen 500mg tablets"), gone], []), day
    yield load([], all_tests(25, day + timedelta(20))), day + timedelta(20)
    yield load([issued(20, day + timedelta(24))], []), day + timedelta(60)


def found() -> list[tuple[Any, ...]]:
    rows = Finding.objects.order_by("pk")
    return [(row.pk, row.snapshot, *(getattr(row, name) for name in CONTENT)) for row in rows]


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many patients each publication looked at; -1 for everybody."""
    seen: list[int] = []
    real = computed._write

    def write(path: Path, key: str, done: incremental.Work) -> None:
        seen.append(-1 if done.looked_at is None else len(done.looked_at))
        real(path, key, done)

    monkeypatch.setattr(incremental, "MOST", 2)
    monkeypatch.setattr(computed, "_write", write)
    return seen


def forget() -> None:
    shutil.rmtree(homes.current().folder / "computed", ignore_errors=True)


def published(always_from_nothing: bool) -> list[list[tuple[Any, ...]]]:
    states = []
    for given, day in ((base(), DAY), *deltas()):
        if always_from_nothing:
            forget()
        publishing.publish(given, day, from_rules.findings_of)
        states.append(found())
    return states


@pytest.mark.slow
def test_deltas_give_the_same_findings_and_episodes_as_full_runs(
    world: Any, looked_at: list[int]
) -> None:
    with_deltas = published(always_from_nothing=False)
    assert looked_at[0] == -1
    assert 0 < max(looked_at[1:4]) < PEOPLE / 2, "a delta looks at few"
    Finding.objects.all().delete()
    publishing.Snapshot.objects.all().delete()
    forget()
    looked_at.clear()
    from_nothing = published(always_from_nothing=True)
    assert set(looked_at) == {-1}
    for one, other in zip(with_deltas, from_nothing, strict=True):
        assert one == other
    assert any(row[CONTENT.index("episode") + 2] == 2 for row in with_deltas[-1])


@pytest.mark.slow
def test_the_next_day_looks_at_those_whose_day_has_come(world: Any, looked_at: list[int]) -> None:
    publishing.publish(base(), DAY, from_rules.findings_of)
    renew("X1", DAY + timedelta(1))
    later = found()
    assert looked_at[0] == -1
    assert 0 <= looked_at[1] < PEOPLE
    forget()
    renew("X1", DAY + timedelta(1))
    assert looked_at[2] == -1
    assert found() == later


@pytest.mark.slow
def test_other_gates_another_rule_or_a_broken_file_are_worked_out_from_nothing(
    world: Any, looked_at: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    publishing.publish(base(), DAY, from_rules.findings_of)
    renew("X1", DAY)
    assert looked_at == [-1, 0]
    monkeypatch.setattr(
        sets_in_use, "weak", lambda: {"X1": frozenset({"fbc", "lft", "renal_function"})}
    )
    renew("X1", DAY)
    assert looked_at[2] == -1
    assert set(Finding.objects.values_list("state", flat=True)) >= {"cannot_tell"}
    [path] = (homes.current().folder / "computed" / "X1").glob("*.zip")
    path.write_bytes(b"no longer a file of ours")
    renew("X1", DAY)
    assert looked_at[3] == -1
    shipped = from_rules.force.shipped()
    monkeypatch.setattr(from_rules.force, "shipped", lambda: shipped[:3])
    renew("X1", DAY)
    assert looked_at[4] == -1


@pytest.mark.slow
def test_a_compacted_record_keeps_what_was_found_in_it(world: Any, looked_at: list[int]) -> None:
    publishing.publish(base(), DAY, from_rules.findings_of)
    given, day = next(deltas())
    publishing.publish(given, day, from_rules.findings_of)
    new = publishing.compact("X1")
    renew("X1", day)
    assert looked_at[-1] == 0
    [path] = (homes.current().folder / "computed" / "X1").glob("*.zip")
    assert path.stem == new
