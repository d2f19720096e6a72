"""Chosen sets and gates reach the rules through the home, and only once they are put in force."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from counterfoil.foundation.days import to_day
from counterfoil.foundation.errors import DataError
from counterfoil.records import schema
from counterfoil.rules.gates import decide
from counterfoil.rules.prevalence import Prevalence
from counterfoil.service.casework import sets_in_use
from counterfoil.terminology.codelists import read_codelist
from counterfoil.terminology.sets import Choice, SetStore

DAY = date(2026, 11, 20)
NSAID, PPI = "Ibuprofen 400mg tablets", "Omeprazole 20mg gastro-resistant capsules"


def row(practice: str, system: str, found: int) -> Prevalence:
    return Prevalence("gastroprotection", "drugs", "1", practice, system, 10_000, found)


def choose(root: Path, until: date) -> None:
    """A list of one product stands for the drugs that protect the stomach."""
    path = root / "one.csv"
    path.write_text(f"dmd_id,term\n42356411000001102,{PPI}\n", "utf-8")
    store = SetStore(root / "terminology")
    kept, _ = store.add(read_codelist(path))
    store.choose(Choice("gastroprotection", "one", kept.version, "a test", until))


def test_gates_are_none_until_kept_and_then_by_practice(home: Any) -> None:
    assert sets_in_use.weak() == {}
    decided = decide([row("X1", "emis", 3400), row("X2", "tpp", 787)], to_day(DAY))
    sets_in_use.keep(decided)
    assert sets_in_use.gates() == decided
    assert sets_in_use.weak() == {"X2": {"gastroprotection"}}
    alone = decide([row("X1", "emis", 3300)], to_day(DAY) + 7, before=decided)
    sets_in_use.keep(alone)
    assert {g.practice: g.status for g in sets_in_use.gates()} == {"X1": "plausible", "X2": "rare"}


def test_gates_that_cannot_be_read_are_said(home: Any) -> None:
    folder = home.folder / "terminology"
    folder.mkdir(exist_ok=True)
    (folder / "gates.json").write_text('[{"name": 1}]', "utf-8")
    with pytest.raises(DataError, match="prevalence --keep"):
        sets_in_use.gates()


def test_a_chosen_set_is_read_to_its_last_day(home: Any) -> None:
    own = sets_in_use.sets_on(DAY).version("gastroprotection")
    choose(home.folder, date(2026, 11, 20))
    assert sets_in_use.sets_on(DAY).version("gastroprotection") != own
    assert sets_in_use.sets_on(date(2026, 11, 21)).version("gastroprotection") == own


@pytest.mark.slow
def test_publishing_reads_both(world: Any, home: Any) -> None:
    """Someone over 65 on an NSAID with famotidine: covered, unless the chosen list lacks it."""
    import service_world
    from counterfoil.records.load import of_tables
    from counterfoil.service.casework import from_rules
    from counterfoil.service.casework.models import Finding
    from counterfoil.service.records import publishing

    person = service_world.patient("X1", "1", "person-1", "9990000018", birth_date=date(1945, 1, 1))
    issues = [
        {
            "issue_id": f"i{n}",
            "patient_id": "1",
            "product_text": text,
            "issue_type": "repeat",
            "issued_on": date(2026, 11, 1),
            "practice": "X1",
            "source_system": "synthetic",
            "source_id": f"i{n}",
        }
        for n, text in enumerate((NSAID, "Famotidine 20mg tablets"))
    ]
    load = of_tables(
        "X1",
        {
            "patient": schema.from_rows("patient", [person]),
            "issue": schema.from_rows("issue", issues),
        },
    )

    def states() -> list[str]:
        publishing.publish(load, DAY, from_rules.findings_of, accept_loss=True)
        rows = Finding.objects.filter(rule="safety.nsaid_65_no_gastroprotection")
        return [r.state for r in rows]

    assert states() in ([], ["clear"])
    choose(home.folder, date(2027, 1, 1))
    assert states() == ["open"]
    sets_in_use.keep(decide([row("X1", "tpp", 7), row("X2", "emis", 3400)], to_day(DAY)))
    assert states() == ["cannot_tell"]
