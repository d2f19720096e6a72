"""Identifiers: the check digit, and an id space that is visibly our own."""

from __future__ import annotations

import csv
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.terminology.ids import check_digit, is_own_id, is_snomed_id, own_id
from support import ROOT

KNOWLEDGE = ROOT / "src" / "counterfoil" / "knowledge"


@pytest.mark.parametrize("code", ["73211009", "44054006", "1022441000000101", "138875005"])
def test_published_identifiers_pass_the_check(code: str) -> None:
    assert is_snomed_id(code)


@pytest.mark.parametrize(
    "text",
    ["73211008", "", "12345", "073211009", "73211009 ", "1.96E+14", "٧٣٢١١٠٠٩", "x", "9" * 19],
)
def test_what_is_not_an_identifier_fails_the_check(text: str) -> None:
    assert not is_snomed_id(text)


@given(st.text("0123456789", min_size=5, max_size=17).filter(lambda s: s[0] != "0"), st.data())
def test_a_single_wrong_digit_or_two_exchanged_neighbours_are_always_found(
    digits: str, data: st.DataObject
) -> None:
    whole = digits + check_digit(digits)
    assert is_snomed_id(whole)
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.sampled_from("0123456789"))
    changed = whole[:place] + other + whole[place + 1 :]
    assert changed == whole or not is_snomed_id(changed)
    if place and whole[place] != whole[place - 1]:
        swapped = whole[: place - 1] + whole[place] + whole[place - 1] + whole[place + 1 :]
        assert not is_snomed_id(swapped)


def rows(name: str) -> list[dict[str, str]]:
    with (KNOWLEDGE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("name", "level"), [("formulary.csv", "VMP"), ("formulary_brands.csv", "AMP")]
)
def test_every_formulary_id_is_in_our_own_namespace_and_follows_from_the_name(
    name: str, level: str
) -> None:
    found = rows(name)
    ids = [row["id"] for row in found]
    assert len(set(ids)) == len(ids)
    for row in found:
        assert row["id"] == own_id(level, row["name"])
        assert is_own_id(row["id"])
        assert "1000001" not in row["id"][-10:-3]


def test_the_tool_finds_the_stored_ids_right() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "formulary_ids.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
