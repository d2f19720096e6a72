"""The matcher against names that others wrote: dm+d and the BNF's older abbreviations.

Where a product is not in the formulary, the only right answer is no product. Figures are printed
with ``-rP``; they are of our own formulary's products, without a dm+d release.
"""

from __future__ import annotations

import csv
import gzip

import pyarrow.parquet as pq
import pytest

from counterfoil.terminology import Match, Product, formulary
from support import needs_shared, shared

pytestmark = [*needs_shared, pytest.mark.slow]

SAME_IN_PRACTICE = {
    # dm+d keeps these apart; strength, form, release and drug are the same
    "Aminophylline hydrate 225mg modified-release tablets",
    "Digoxin 250micrograms/5ml oral solution",
    "Estriol 0.01% vaginal cream",
}


@pytest.fixture(scope="module")
def by_name() -> dict[str, Product]:
    return {p.name.lower(): p for p in formulary().products}


@pytest.fixture(scope="module")
def vmp_matches() -> dict[str, Match]:
    table = pq.read_table(shared("terminology", "dmd_2025w34_vmp.parquet"), columns=["nm"])
    return {name: formulary().match_words(name) for name in table["nm"].to_pylist()}


def test_every_dmd_name_that_the_formulary_holds_is_matched(
    vmp_matches: dict[str, Match], by_name: dict[str, Product]
) -> None:
    held = {n: m for n, m in vmp_matches.items() if n.lower() in by_name}
    assert len(held) > 1300
    for name, found in held.items():
        assert found.product is not None, name
        assert found.product.vmp_id == by_name[name.lower()].id, name


def test_no_dmd_name_outside_the_formulary_is_matched_to_a_product(
    vmp_matches: dict[str, Match], by_name: dict[str, Product]
) -> None:
    """Twenty-two thousand names. What is left differs only in CFC or a recorded near-identity."""
    outside = {n: m for n, m in vmp_matches.items() if n.lower() not in by_name}
    wrong = {n: m for n, m in outside.items() if m.product is not None}
    print(f"{len(outside)} names outside the formulary, {len(wrong)} matched to a product")
    for name, found in wrong.items():
        no_cfc = "CFC free not stated" in found.reasons
        assert no_cfc or name in SAME_IN_PRACTICE, (name, found.name)


def test_no_dmd_name_is_read_as_a_drug_that_it_does_not_name(
    vmp_matches: dict[str, Match],
) -> None:
    for name, found in vmp_matches.items():
        words = name.lower()
        if found.ingredients and not words.startswith(("co-", "generic ")):
            assert all(i.split()[0] in words for i in found.ingredients), (name, found.ingredients)


def test_old_abbreviations_find_their_product_or_nothing(by_name: dict[str, Product]) -> None:
    path = shared("terminology", "bnf_abbrev_to_dmd_name_pairs.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        pairs = [(r["abbrev"], by_name.get(r["dmd_name"].lower())) for r in csv.DictReader(file)]
    held = [(text, product) for text, product in pairs if product is not None]
    right = wrong = 0
    for text, product in held:
        found = formulary().match(text).product
        right += found is not None and found.vmp_id == product.vmp_id
        wrong += found is not None and found.vmp_id != product.vmp_id
    print(
        f"{len(held)} abbreviations: {right / len(held):.1%} right, {wrong / len(held):.2%} wrong"
    )
    assert len(held) > 900
    assert right / len(held) >= 0.95
    assert wrong / len(held) < 0.005
