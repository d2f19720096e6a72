"""Products from a release's names: a small release, every path of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.terminology import (
    Formulary,
    formulary,
    own_formulary,
    prepare,
    use,
    use_home,
)
from counterfoil.terminology.catalogue import Catalogue
from counterfoil.terminology.catalogue_tables import Facts, build
from counterfoil.terminology.codesets import DrugSet, Source
from counterfoil.terminology.from_release import Grammar, made_by, pack_parts, shape, supplied
from counterfoil.terminology.model import Product

OWN = own_formulary().products
GRAMMAR = Grammar.of(OWN)

ROWS = [
    ("101", "VMP", "Amlodipine 5mg tablets", None, None),
    ("102", "VMP", "Magnesium oxide 160mg capsules", None, None),
    ("103", "VMP", "Foldine hydrochloride 20mg/5ml oral solution sugar free", None, None),
    ("104", "VMP", "Generic Wonderbalm ointment", None, None),
    ("105", "VMP", "Pitavastatin 1mg tablets", None, None),
    ("106", "VMP", "Prednisolone 10mg modified-release tablets", None, None),
    ("201", "VMPP", "", "102", None),
    ("301", "AMPP", "Amlodipine 5mg tablets (Teva UK Ltd) 28 tablet 2 x 14 tablets", "101", None),
    ("302", "AMPP", "Amlodipine 5mg tablets (A A H Pharmaceuticals Ltd) 28 tablet", "101", None),
    ("303", "AMPP", "Magplus 160mg capsules (Somebody (UK) Ltd) 30 capsule", "102", None),
    ("304", "AMPP", "Magplus 160mg capsules (Somebody (UK) Ltd) 60 capsule", "102", None),
    ("305", "AMPP", "Wonderbalm ointment (Somebody (UK) Ltd) 50 gram", "104", None),
]
FACTS = {"105": Facts(atc="C10AA08", section="02120000"), "101": Facts(atc="C08CA01")}


@pytest.fixture(scope="module")
def small() -> Formulary:
    return Formulary(OWN, Catalogue(build(ROWS, OWN, FACTS), {p.id: p for p in OWN}))


def name_of(found: Product | None) -> str | None:
    return found.name if found else None


# --- the grammar ---------------------------------------------------------------------------------


def test_the_grammar_reads_our_own_names_as_they_were_written_by_hand() -> None:
    """The route of an injection and a few names after brands it cannot know, and says so."""
    unread, differ = [], []
    for p in OWN:
        if p.level != "VMP":
            continue
        found = GRAMMAR.read(p.name)
        if found is None:
            if not p.name.startswith("Generic "):  # a preparation that has a brand's name only
                unread.append(p.name)
            continue
        s = found.shape
        by_needle = s.route == "parenteral"
        hand = (p.ingredients, p.strengths, p.form, p.release, p.qualifiers)
        read = (found.ingredients, found.strengths, s.form, s.release, s.qualifiers)
        if (hand != read or (p.route != s.route and not by_needle)) and "980" not in p.name:
            differ.append((p.name, hand, read))
    assert not differ
    assert len(unread) <= 12, unread


@pytest.mark.parametrize(
    "name",
    [
        "Menthol 1% in Aqueous cream",
        "Generic Fostair 100micrograms/dose / 6micrograms/dose inhaler",
        "Zinc paste 15% bandage BP 1993 7.5cm x 6m",
        "Amlodipine 5mg wonder tablets",
        "Aqueous cream",
        "5mg tablets",
    ],
)
def test_nothing_is_inferred_from_a_name_that_is_not_read_to_its_end(name: str) -> None:
    assert GRAMMAR.read(name) is None


def test_a_salt_is_told_from_the_drug_and_a_mineral_is_not_split() -> None:
    assert GRAMMAR.ingredient("Quinine sulfate") == ("quinine", "sulfate")
    assert GRAMMAR.ingredient("Dexamethasone sodium phosphate") == (
        "dexamethasone",
        "sodium phosphate",
    )
    assert GRAMMAR.ingredient("Calcium carbonate") == ("calcium carbonate", "")
    assert GRAMMAR.ingredient("Lithium carbonate") == ("lithium carbonate", "")


def test_the_end_of_a_name_says_form_route_release_container_and_qualifiers() -> None:
    found = shape("modified-release granules sachets sugar free")
    assert found is not None
    assert (found.form, found.release) == ("granules sachet", "modified-release")
    assert found.qualifiers == {"sugar free"}
    found = shape("solution for injection 3ml pre-filled disposable devices")
    assert found is not None
    assert (found.form, found.device) == ("injection", "pre-filled pen")
    assert shape("tablets and Sodium chloride") is None


def test_a_pack_is_its_product_and_its_supplier() -> None:
    name = "Baclofen 10mg/5ml oral solution (Alliance Healthcare (Distribution) Ltd) 150 ml"
    assert pack_parts(name) == (
        "Baclofen 10mg/5ml oral solution",
        "Alliance Healthcare (Distribution) Ltd",
    )
    assert pack_parts("Nothing in brackets 28 tablet") is None
    assert supplied("Emla 5% cream (CST Pharma Ltd)") == ("Emla 5% cream", "CST Pharma Ltd")
    assert supplied("Emla 5% cream") is None
    assert [amp.level for amp in made_by(ROWS)] == ["AMPP"] * 5


@given(st.text(max_size=80))
def test_the_grammar_takes_any_text(name: str) -> None:
    found = GRAMMAR.read(name)
    assert found is None or len(found.ingredients) == len(found.strengths)
    pack_parts(name)


# --- the catalogue -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Amlodipine 5mg tablets", "Amlodipine 5mg tablets"),
        ("amlodipine 5mg tabs (Teva)", "Amlodipine 5mg tablets (Teva UK Ltd)"),
        ("Amlodipine 5mg tablets (Teva UK Ltd)", "Amlodipine 5mg tablets (Teva UK Ltd)"),
        ("Amlodipine 5mg tablets (Nobody Ltd)", "Amlodipine 5mg tablets"),
        ("Mag Ox_Cap 160mg", "Magnesium oxide 160mg capsules"),
        ("magnesium oxide 0.16g caps", "Magnesium oxide 160mg capsules"),
        ("Magplus 160mg capsules", "Magplus 160mg capsules"),
        ("Magplus caps 160mg", "Magplus 160mg capsules"),
        ("Foldine 4mg/ml oral soln sf", "Foldine hydrochloride 20mg/5ml oral solution sugar free"),
        ("WONDERBALM  ointment", "Wonderbalm ointment"),
        ("Generic wonderbalm ointment", "Generic Wonderbalm ointment"),
    ],
)
def test_names_of_a_release_are_matched(small: Formulary, text: str, name: str) -> None:
    assert name_of(small.match(text).product) == name


def test_short_words_are_read_in_the_older_lists_notation_only(small: Formulary) -> None:
    assert small.match("Mag Ox Cap 160mg").product is None
    found = small.match("Mag Ox_Cap 160mg")
    assert "read as magnesium oxide" in found.reasons[-1]


def test_ids_of_products_packs_and_our_own_lead_to_the_product(small: Formulary) -> None:
    own = next(p for p in OWN if p.name == "Amlodipine 5mg tablets")
    assert small.by_id("101") is own
    assert name_of(small.by_id("201")) == "Magnesium oxide 160mg capsules"
    assert name_of(small.by_id("303")) == name_of(small.by_id("304")) == "Magplus 160mg capsules"
    made = small.by_id("302")
    assert made is not None
    assert (made.level, made.supplier, made.vmp_id) == ("AMP", "A A H Pharmaceuticals Ltd", own.id)
    assert small.by_id("999") is None


def test_a_code_decides_where_the_name_of_its_product_was_not_read(small: Formulary) -> None:
    assert name_of(small.match("Amlodipine 5mg tablets", "305").product) == "Wonderbalm ointment"
    assert small.match("Magnesium oxide 160mg capsules", "101").conflict


def test_class_and_flags_come_from_our_own_and_are_unknown_elsewhere(small: Formulary) -> None:
    statin, steroid, other = (small.by_id(i) for i in ("105", "106", "103"))
    assert statin is not None
    assert steroid is not None
    assert other is not None
    assert steroid.drug_class == "oral corticosteroid"
    assert {"steroid", "critical"} <= steroid.flags
    assert other.drug_class == ""
    assert not other.flags


def drug_set(**lists: Any) -> DrugSet:
    source = Source("test", "1")
    head = {"name": "t", "version": "1", "title": "t", "source": source, "status": "read"}
    return DrugSet(**head, **{k: frozenset(v) for k, v in lists.items()})


def test_a_set_by_class_cannot_tell_of_a_product_whose_class_is_unknown(small: Formulary) -> None:
    other, balm = small.by_id("103"), small.by_id("104")
    assert other is not None
    assert balm is not None
    by_class = drug_set(classes={"statin"})
    assert by_class.truth(other) is None
    assert by_class.truth(small.match("Foldine 20mg/5ml oral solution sf")) is None
    assert by_class.truth(small.match("Banana")) is False
    assert drug_set(ingredients={"foldine"}).truth(other) is True
    assert drug_set(ingredients={"apixaban"}).truth(other) is False
    assert drug_set(ingredients={"apixaban"}).truth(balm) is False
    assert drug_set(ingredients={"wonderbalm"}).truth(balm) is None
    assert drug_set(classes={"statin"}, routes={"inhaled"}).truth(other) is False


def test_search_finds_ours_first_then_the_releases(small: Formulary) -> None:
    assert small.search("magn ox")[0].name == "Magnesium oxide 160mg capsules"
    assert small.search("amlodipine 5mg tablets")[0].name == "Amlodipine 5mg tablets"
    assert small.search("zzyzx") == []


# --- which release is used -----------------------------------------------------------------------


class Folder:
    """A release folder of the rows above."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked = 0

    def table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        self.asked += 1
        keys = ("id", "level", "name", "vmp_id", "supplier")
        rows = [dict(zip(keys, row, strict=True)) for row in ROWS]
        return pa.table({c: [row.get(c) for row in rows] for c in columns or keys})


@pytest.fixture
def _own_again() -> Iterator[None]:
    yield
    use(None)


@pytest.mark.usefixtures("_own_again")
def test_the_release_is_read_once_and_kept_in_its_folder(tmp_path: Path) -> None:
    release = Folder(tmp_path)
    assert formulary().match("Magplus 160mg capsules").product is None
    use(release)
    assert formulary().match("Magplus 160mg capsules").product is not None
    assert release.asked == 1
    use(None)
    assert formulary().match("Magplus 160mg capsules").product is None
    use(release)
    assert formulary().match("Magplus 160mg capsules").product is not None
    assert release.asked == 1
    (kept,) = (tmp_path / "derived").iterdir()
    assert kept.name.startswith("names-")


@pytest.mark.usefixtures("_own_again")
def test_a_release_that_may_not_be_written_beside_is_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "derived").write_text("a file where a folder should be")
    use(Folder(tmp_path))
    assert formulary().match("Magplus 160mg capsules").product is not None


@pytest.mark.usefixtures("_own_again")
def test_a_home_without_releases_has_our_own_formulary(tmp_path: Path) -> None:
    use_home(tmp_path)
    assert formulary() is own_formulary()


class Once:
    """A release folder whose rows may be read once."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.reads = folder, 0

    def table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        self.reads += 1
        keys = ("id", "level", "name", "vmp_id", "supplier")
        rows = [dict(zip(keys, row, strict=True)) for row in ROWS]
        return pa.table({c: [row.get(c) for row in rows] for c in columns or keys})


def test_a_prepared_release_is_not_read_again(tmp_path: Path) -> None:
    release = Once(tmp_path)
    prepare(release)
    assert release.reads == 1
    use(release)
    try:
        assert name_of(formulary().match("Mag Ox_Cap 160mg").product) == ROWS[1][2]
    finally:
        use(None)
    assert release.reads == 1


@pytest.mark.parametrize(
    ("name", "strength"),
    [
        ("Filgrastim 30million units/0.5ml solution for injection pre-filled syringes", 30_000_000),
        ("Colistimethate 1.5million unit powder for solution for injection vials", 1_500_000),
    ],
)
def test_millions_of_units_are_units(name: str, strength: int) -> None:
    found = GRAMMAR.read(name)
    assert found is not None
    assert found.strengths[0] is not None
    assert found.strengths[0].numerator == strength


def test_two_products_in_one_name_are_no_product_of_the_last() -> None:
    name = "Nicotine 15mg/16 hours transdermal patches and Nicotine 2mg medicated chewing gum"
    assert GRAMMAR.read(name) is None
