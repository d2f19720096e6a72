"""Loaded sets: immutable versions, chosen with a reason and a last day, of one kind for ever."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from counterfoil.foundation.days import to_day
from counterfoil.foundation.errors import DataError, UsageError
from counterfoil.terminology import formulary
from counterfoil.terminology.codelists import read_codelist
from counterfoil.terminology.codesets import CodeSet, ProductSet, Source
from counterfoil.terminology.ids import check_digit
from counterfoil.terminology.sets import Choice, SetStore

LIST = Source("a list", "1")
BEFORE, AFTER = to_day(date(2026, 12, 31)), to_day(date(2027, 1, 1))


def concept(number: int, space: str = "") -> str:
    digits = f"{number}{space}{'10' if space else '00'}"
    return digits + check_digit(digits)


def add(store: SetStore, folder: Path, name: str, rows: dict[str, str]) -> str:
    path = folder / f"{name}.csv"
    lines = [f'{code},"{term.replace(chr(34), chr(34) * 2)}"' for code, term in rows.items()]
    path.write_text("code,term\n" + "\n".join(lines) + "\n", "utf-8")
    return store.add(read_codelist(path))[0].version


def products(*terms: str) -> ProductSet:
    ids = {concept(8000 + i, "1000001"): term for i, term in enumerate(terms)}
    return ProductSet("x", "1", "X", LIST, "read", frozenset(ids), ids)


def test_a_set_is_kept_by_name_and_version_and_the_same_again_changes_nothing(
    tmp_path: Path,
) -> None:
    store = SetStore(tmp_path)
    one = add(store, tmp_path, "asthma", {concept(7301): 'Asthma, "quoted"'})
    again, there = store.add(store.get("asthma").codelist())
    assert there
    assert again.version == one
    two = add(store, tmp_path, "asthma", {concept(7301): "Asthma", concept(7302): "More"})
    assert [s.version for s in store.versions("asthma")] == [two, one]
    assert store.get("asthma").version == two
    kept = store.get("asthma", one)
    assert kept.codelist().entries[0].term == 'Asthma, "quoted"'
    assert kept.manifest["licence"].startswith("SNOMED CT content")
    assert isinstance(kept.as_set(), CodeSet)
    assert store.names() == ["asthma"]


def test_what_is_not_loaded_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none yet"):
        SetStore(tmp_path).get("asthma")
    with pytest.raises(UsageError):
        SetStore(tmp_path).get("../../etc")


def test_a_loaded_set_counts_only_once_chosen_and_only_to_its_last_day(tmp_path: Path) -> None:
    store = SetStore(tmp_path)
    version = add(store, tmp_path, "our-list", {concept(7301): "Asthma"})
    assert store.chosen(BEFORE) == {}
    choice = Choice("diabetes", "our-list", version, 'agreed in "our" PCN', date(2026, 12, 31))
    store.choose(choice)
    assert store.choices() == {"diabetes": choice}
    found = store.chosen(BEFORE)["diabetes"]
    assert isinstance(found, CodeSet)
    assert (found.name, found.version, found.codes) == ("diabetes", version, {concept(7301)})
    assert store.chosen(AFTER) == {}
    store.unchoose("diabetes")
    assert store.chosen(BEFORE) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[x\n", "TOML"),
        ('[x]\nset = "a"\nversion = "b"\nuntil = 2027-01-01\n', "reason"),
        ('[x]\nset = "a"\nversion = "b"\nreason = "c"\nuntil = "soon"\n', "until"),
        ("x = 1\n", "a table with"),
    ],
)
def test_a_choice_that_is_not_whole_is_refused(tmp_path: Path, text: str, says: str) -> None:
    store = SetStore(tmp_path)
    store.folder.mkdir(parents=True)
    (store.folder / "chosen.toml").write_text(text, "utf-8")
    with pytest.raises(DataError, match=says):
        store.choices()


def test_a_choice_of_a_version_that_is_gone_is_refused(tmp_path: Path) -> None:
    store = SetStore(tmp_path)
    with pytest.raises(UsageError):
        store.choose(Choice("diabetes", "our-list", "0" * 12, "why", date(2027, 1, 1)))


def test_a_mixed_list_is_not_kept(tmp_path: Path) -> None:
    store = SetStore(tmp_path)
    with pytest.raises(DataError, match="dm\\+d ids only"):
        add(
            store,
            tmp_path,
            "mixed",
            {
                concept(8001, "1000001"): "a",
                concept(8002, "1000001"): "b",
                concept(7, "1000000"): "c",
            },
        )
    assert store.names() == []


class TestProducts:
    """A list of dm+d ids asked about a product, as sent."""

    def ask(self, found: ProductSet, text: str, code: str | None = None) -> bool | None:
        return found.truth(formulary().match(text, code), code, text, formulary())

    def test_an_id_or_the_exact_name_belongs(self) -> None:
        found = products("Lisinopril 10mg tablets", "Anything not in the formulary")
        assert self.ask(found, "what the practice typed", next(iter(found.ids))) is True
        assert self.ask(found, "LISINOPRIL 10mg  tablets") is True
        assert self.ask(found, "lisinopril 10 mg tabs") is True
        assert self.ask(found, "Lisinopril 20mg tablets") is False
        assert self.ask(found, "stockings") is False

    def test_a_brand_belongs_with_its_generic_product(self) -> None:
        found = products("Lisinopril 10mg tablets")
        generic = next(p for p in formulary().products if p.name == "Lisinopril 10mg tablets")
        brand = next(p for p in formulary().products if p.vmp_id == generic.id and p.brand)
        by_id = ProductSet("x", "1", "X", LIST, "read", frozenset({generic.id}), {})
        assert self.ask(by_id, brand.name) is True
        assert self.ask(found, brand.name) is True
        only_brand = products(brand.name)
        assert self.ask(only_brand, brand.name) is True
        assert self.ask(only_brand, generic.name) is False

    def test_a_name_without_its_strength_may_or_may_not_belong(self) -> None:
        assert self.ask(products("Lisinopril 10mg tablets"), "lisinopril") is None

    def test_a_generic_of_which_only_suppliers_products_are_listed_cannot_be_told(self) -> None:
        found = products("Lisinopril 10mg tablets (Teva UK Ltd)")
        assert self.ask(found, "Lisinopril 10mg tablets") is None
        assert self.ask(found, "Lisinopril 20mg tablets") is False
