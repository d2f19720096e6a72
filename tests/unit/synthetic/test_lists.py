"""The generator's own lists: written from no checker's list, but about the same world."""

from __future__ import annotations

import csv

import pytest

from counterfoil.synthetic.entries import OTHER_TERMS
from counterfoil.synthetic.lists import dose_texts, options, rows, say, schedules
from support import needs_shared, shared

GROUP_SETS = {
    "fbc": {"fbc"},
    "lft": {"lft"},
    "ue": {"u_and_e"},
    "renal": {"renal_function"},
    "tft": {"tft"},
    "lithium": {"lithium_level"},
    "hba1c": {"hba1c"},
    "weight": {"weight"},
    "calcium": {"calcium"},
}


@pytest.mark.parametrize("row", rows("tests"), ids=lambda r: r["analyte"])
def test_every_test_that_rules_look_for_is_in_their_code_sets(row):
    from counterfoil.terminology.codesets import load_codeset

    for name in GROUP_SETS.get(row["group"], ()):
        assert row["code"] in load_codeset(name).codes


def test_diagnoses_that_rules_look_for_are_in_their_code_sets():
    from counterfoil.terminology.codesets import load_codeset

    code = {row["condition"]: row["code"] for row in rows("conditions")}
    other = {key: value for key, value, _, _ in OTHER_TERMS}
    assert {code["diabetes1"], code["diabetes2"]} <= load_codeset("diabetes").codes
    assert {code["hypothyroid"], other["acquired_hypothyroid"]} <= load_codeset(
        "thyroid_disease"
    ).codes
    assert other["declined"] in load_codeset("blood_test_declined").codes
    assert other["diabetes_resolved"] in load_codeset("diabetes_resolved").codes
    assert code["ndh"] not in load_codeset("diabetes").codes


OUTSIDE = {"Cetraben cream", "Zerobase 11% cream", "GlucoRx Nexus testing strips"}
"""Emollients and devices, as every real record holds: no formulary of medicines knows them."""


@pytest.mark.parametrize("product", sorted({o.product for o in options()} - OUTSIDE))
def test_every_product_is_known_to_the_formulary(product):
    from counterfoil.terminology import formulary

    assert formulary().match(product).level in {"VMP", "AMP"}


def test_every_option_says_a_dose_and_a_quantity():
    texts = dose_texts()
    for index, option in enumerate(options()):
        assert texts.count[index] > 0, option.product
        assert option.quantity > 0, option.product
        assert option.freq in schedules()


def test_dose_texts_are_many_and_whole():
    words = dose_texts().words
    assert len(set(words)) > 120
    assert not any("{" in text or "}" in text for text in words)
    assert say("{N} To Be Taken", "2", "tablet") == "Two To Be Taken"
    assert say("Take {nn} {u}", "6", "tablet") == "Take six tablets"
    assert say("{n} {u} prn", "1-2", "tablet") == "1 to 2 tablets prn"


def test_figures_name_their_source_and_whether_it_was_read():
    for row in rows("targets"):
        assert row["source"]
        assert row["status"] in {"read", "recalled", "chosen"}
    for row in (*rows("tests"), *rows("conditions"), *rows("archive")):
        assert row["code_source"]


@pytest.mark.parametrize("mark", [pytest.param("codes", marks=needs_shared)])
def test_every_code_stands_in_a_published_list(mark):
    seen = set()
    for path in shared("codelists").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as handle:
            for line in csv.reader(handle):
                seen.update(line)
    import pyarrow.parquet as pq

    table = pq.read_table(shared("codelists", "nhs_pcd_and_other_refsets_2025-10.parquet"))
    seen.update(table["CODE"].to_pylist())
    lists = (*rows("tests"), *rows("conditions"), *rows("archive"))
    used = {row["code"] for row in lists if row["code"]}
    used |= {code for _, code, _, _ in OTHER_TERMS}
    assert used <= seen
