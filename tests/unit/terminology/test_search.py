"""Searching products and the functions behind the command line."""

from __future__ import annotations

import json

from counterfoil.terminology import formulary
from counterfoil.terminology.commands import describe, match_lines, search, sets


def names(text: str, limit: int = 20) -> list[str]:
    return [p.name for p in formulary().search(text, limit)]


def test_words_may_be_begun_and_stand_in_any_order() -> None:
    assert names("metho 2.5")[0] == "Methotrexate 2.5mg tablets"
    assert "Apixaban 5mg tablets" in names("tabl apix 5")


def test_names_that_begin_with_the_first_word_come_first_and_generics_before_brands() -> None:
    found = names("lithium")
    assert found[0].startswith("Lithium carbonate")
    assert names("amoxic")[0].startswith("Amoxicillin")


def test_an_old_name_finds_the_new_one() -> None:
    assert names("frusemide")[0].startswith("Furosemide")


def test_nothing_is_found_for_nothing_or_nonsense() -> None:
    assert names("") == []
    assert names("zzyzx") == []


def test_the_limit_holds() -> None:
    assert len(names("a", 7)) == 7


def test_lines_are_matched_as_they_come_and_blank_ones_answered() -> None:
    found = list(match_lines(["Frusemide 40mg tabs\n", "\n", "Banana\r\n"]))
    assert [m["level"] for m in found] == ["VMP", "none", "none"]
    assert [m["text"] for m in found[1:]] == ["", "Banana"]
    json.dumps(found)


def test_a_code_may_stand_after_a_tab() -> None:
    product = formulary().search("apixaban 5mg tablets")[0]
    (found,) = match_lines([f"apixaban as the clinic says\t{product.id}"])
    assert found["name"] == product.name


def test_a_product_is_described_with_its_sets() -> None:
    (found, *_) = search("methotrexate 2.5mg tablets")
    assert "methotrexate_oral" in found["sets"]
    assert found["strengths"] == ["2.5mg"]
    assert describe(formulary().products[0])["level"] == "VMP"


def test_sets_are_listed_with_size_and_source() -> None:
    found = {row["name"]: row for row in sets()}
    assert found["doac"]["kind"] == "drugs"
    assert found["doac"]["size"] > 10
    assert found["fbc"]["kind"] == "codes"
    assert "pincer-fbc.csv" in found["fbc"]["reference"]
