"""Code sets and drug sets: whole, checked, sourced, and never mistaken for one another."""

from __future__ import annotations

import csv
import re

import pytest

from counterfoil.foundation.errors import DataError, UsageError
from counterfoil.terminology import codesets, formulary
from counterfoil.terminology.codesets import (
    CodeSet,
    DrugSet,
    all_sets,
    load_codeset,
    load_drugset,
    set_names,
)
from counterfoil.terminology.ids import is_snomed_id
from support import SHARED, needs_shared, shared

DRUG_SETS = {
    "methotrexate_oral", "lithium", "amiodarone_oral", "doac", "anticoagulant_oral", "nsaid_oral",
    "antiplatelet", "gastroprotection", "levothyroxine", "leflunomide",
}  # fmt: skip
CODE_SETS = {
    "fbc", "lft", "renal_function", "u_and_e", "egfr", "creatinine", "lithium_level", "tft",
    "hba1c", "weight", "diabetes", "diabetes_resolved", "thyroid_disease", "blood_test_declined",
    "calcium",
}  # fmt: skip


def test_the_sets_of_the_first_rules_are_there() -> None:
    assert set(set_names("drugsets")) >= DRUG_SETS
    assert set(set_names("codesets")) >= CODE_SETS


@pytest.mark.parametrize("name", sorted(CODE_SETS))
def test_every_code_has_a_valid_check_digit_and_a_short_term(name: str) -> None:
    found = load_codeset(name)
    assert found.system == "snomed"
    for code in found.codes:
        assert is_snomed_id(code)
        assert 0 < len(found.terms[code]) < 70


def test_every_set_names_its_source_and_says_whether_it_was_read() -> None:
    for name, found in all_sets().items():
        assert found.status in ("read", "recalled"), name
        assert found.source.title, name
        assert re.search(r"20\d\d", found.source.version), name
        assert found.source.reference, name


def test_a_code_set_and_a_drug_set_are_different_types() -> None:
    assert isinstance(load_codeset("fbc"), CodeSet)
    assert isinstance(load_drugset("doac"), DrugSet)
    with pytest.raises(UsageError, match="No code set is called 'doac'"):
        load_codeset("doac")
    with pytest.raises(UsageError, match="No drug set is called 'fbc'"):
        load_drugset("fbc")


def test_holding_a_code() -> None:
    diabetes = load_codeset("diabetes")
    assert diabetes.holds("73211009")
    assert not diabetes.holds("315051004")
    assert not diabetes.holds(None)


@pytest.mark.parametrize(
    ("text", "name", "answer"),
    [
        ("Methotrexate 2.5mg tablets", "methotrexate_oral", True),
        ("Methotrexate 15mg/0.3ml pen", "methotrexate_oral", False),
        ("Methotrexate", "methotrexate_oral", None),
        ("Methotrexate 5mg tablets", "methotrexate_oral", True),
        ("Priadel 400mg modified-release tablets", "lithium", True),
        ("Lithium", "lithium", True),
        ("Li-Liquid", "lithium", True),
        ("Eliquis 5mg tablets", "doac", True),
        ("Warfarin", "anticoagulant_oral", True),
        ("Warfarin 1mg tablets", "doac", False),
        ("Enoxaparin 40mg injection", "anticoagulant_oral", False),
        ("Naproxen 500mg tablets", "nsaid_oral", True),
        ("Ibuprofen 5% gel", "nsaid_oral", False),
        ("Ketoprofen", "nsaid_oral", None),
        ("Aspirin 75mg dispersible tablets", "nsaid_oral", False),
        ("Aspirin 300mg tablets", "antiplatelet", True),
        ("Omeprazole 20mg gastro-resistant capsules", "gastroprotection", True),
        ("Vimovo 500mg/20mg modified-release tablets", "gastroprotection", True),
        ("Vimovo 500mg/20mg modified-release tablets", "nsaid_oral", True),
        ("Gaviscon Advance oral suspension aniseed", "gastroprotection", False),
        ("Levothyroxine 50microgram tablets", "levothyroxine", True),
        ("Liothyronine 20microgram tablets", "levothyroxine", False),
        ("Arava 20mg tablets", "leflunomide", True),
        ("Cordarone X 200 tablets", "amiodarone_oral", True),
        ("Jevity feed", "nsaid_oral", False),
    ],
)
def test_which_products_belong(text: str, name: str, answer: bool | None) -> None:
    found = load_drugset(name)
    match = formulary().match(text)
    assert found.truth(match) is answer
    assert found.holds(match) is (answer is True)


def test_the_doacs_are_among_the_oral_anticoagulants() -> None:
    doacs = {p.id for p in load_drugset("doac").products(formulary())}
    oral = {p.id for p in load_drugset("anticoagulant_oral").products(formulary())}
    assert doacs < oral


HEAD = """name = 'x'
version = '1'
title = 'X'
status = 'read'
source = { title = 'a list', version = '2026' }
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = 'x'\n[", "a TOML file"),
        ("name = 'y'", "the file's name, x"),
        ("name = 'x'\nstatus = 'guess'", "read or recalled"),
        ("name = 'x'\nstatus = 'read'", "the keys version, title, source"),
        (HEAD + "system = 'snomed'", "at least one code"),
        (HEAD + "system = 'dmd'\ncodes = [{ code = '73211009', term = 't' }]", "snomed"),
        (HEAD + "system = 'snomed'\ncodes = [{ code = '73211008', term = 't' }]", "check digit"),
        (HEAD + "system = 'snomed'\ncodes = [{ code = '1.96E+14', term = 't' }]", "check digit"),
        (
            HEAD
            + "system = 'snomed'\ncodes = [{ code = '73211009', term = 'a' },"
            + "{ code = '73211009', term = 'b' }]",
            "each code once",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(
    text: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tomllib

    def fake(kind: str, name: str) -> tuple[str, dict[str, object]]:
        try:
            return f"{kind}/{name}.toml", tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise DataError.at(f"{kind}/{name}.toml", "a TOML file", str(error)) from error

    monkeypatch.setattr(codesets, "_read", fake)
    with pytest.raises(DataError, match=message) as caught:
        codesets.load_codeset.__wrapped__("x")
    assert "codesets/x.toml" in str(caught.value)


@pytest.fixture(scope="module")
def published() -> set[str]:
    """Every code of the published lists."""
    if SHARED is None:
        pytest.skip("the shared reference data is not beside the project")
    found: set[str] = set()
    for path in shared("codelists").glob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                found |= {row.get(c) or "" for c in ("code", "id", "snomed_code_or_dmd_code")}
    return found


class TestAgainstThePublishedLists:
    pytestmark = needs_shared

    @pytest.mark.parametrize("name", sorted(CODE_SETS))
    def test_every_code_was_taken_from_a_published_list(
        self, name: str, published: set[str]
    ) -> None:
        assert load_codeset(name).codes - published == set()

    @pytest.mark.parametrize("name", sorted(CODE_SETS))
    def test_the_file_that_the_source_names_is_in_the_index(self, name: str) -> None:
        reference = load_codeset(name).source.reference
        with shared("codelists", "INDEX.csv").open(encoding="utf-8", newline="") as file:
            index = {f"{r['repo']}@{r['commit']}:{r['path']}" for r in csv.DictReader(file)}
        with shared("codelists", "monitoring_codes.csv").open(encoding="utf-8", newline="") as file:
            paths = {r["source_repo_path"] for r in csv.DictReader(file)}
        path = re.sub(r"@[0-9a-f]+:|:", "/", reference)
        assert reference in index or path in paths
