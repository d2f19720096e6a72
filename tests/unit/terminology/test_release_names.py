"""Names against a whole release: the NHSBSA's older abbreviations beside the names of today.

The pairs are split by BNF chemical into two halves: rules were written looking at the first, the
second was only ever scored. A pair counts where its product is in the lists of 2025. Right is the
product's VMP, or a brand of it; wrong is any other product; the rest are left open.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from counterfoil.terminology import Formulary, formulary, use
from release_lists import ProductLists
from support import needs_shared, shared

pytestmark = [*needs_shared, pytest.mark.slow]

RIGHT = {"seen": 0.90, "unseen": 0.78}
WRONG = 0.005


@pytest.fixture(scope="module")
def with_release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Formulary]:
    folder: Path = tmp_path_factory.mktemp("release")
    use(ProductLists(folder))
    yield formulary()
    use(None)


def half(bnf_code: str) -> str:
    """By the chemical (nine characters), so that no drug is in both halves."""
    return ("seen", "unseen")[hashlib.sha256(bnf_code[:9].encode()).digest()[-1] % 2]


def pairs() -> list[dict[str, str]]:
    path = shared("terminology", "bnf_abbrev_to_dmd_name_pairs.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("part", ["seen", "unseen"])
def test_old_abbreviations_find_their_product_or_nothing(
    with_release: Formulary, part: str
) -> None:
    count: Counter[str] = Counter()
    for row in pairs():
        truth = with_release.by_id(row["vpid"]) if row["vpid"] else None
        if truth is None or half(row["bnf_code"]) != part:
            continue
        found = with_release.match(row["abbrev"]).product
        right = found is not None and found.vmp_id == truth.vmp_id
        count["right" if right else "open" if found is None else "wrong"] += 1
    total = count.total()
    print(f"{part}: {total} names, " + ", ".join(f"{k} {v / total:.2%}" for k, v in count.items()))
    assert total > 1500
    assert count["right"] / total >= RIGHT[part]
    assert count["wrong"] / total < WRONG
