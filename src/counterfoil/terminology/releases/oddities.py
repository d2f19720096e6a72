"""What is odd in a dm+d release but does not stop it: for the report, and to paste into an issue."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from counterfoil.terminology.releases.derive import BRAND_MATTERS, Lookup, Read
from counterfoil.terminology.releases.report import Anomaly

_BRAND_CODES = ("0006", "0007", "0009")
"""Status codes that ask for prescribing by brand in the lookups of 2019 and 2021 (read)."""


def oddities(read: Read, products: pa.Table, strengths: pa.Table) -> list[Anomaly]:
    """What is odd in the rows, the commonest kinds of gap first."""
    return [
        *_invalid(products),
        *_gaps(products),
        *_odd_strengths(strengths),
        *_statuses(read),
    ]


def _found(what: str, rows: pa.Table, column: str = "id") -> list[Anomaly]:
    shown = tuple(rows[column].slice(0, 5).to_pylist())
    return [Anomaly(what, rows.num_rows, shown)] if rows.num_rows else []


def _invalid(products: pa.Table) -> list[Anomaly]:
    levels = Counter(products.filter(products["invalid"])["level"].to_pylist())
    return [
        Anomaly(f"{level}s marked INVALID, kept and flagged", levels[level]) for level in levels
    ]


def _gaps(products: pa.Table) -> list[Anomaly]:
    vmps = products.filter(
        pc.and_(pc.equal(products["level"], "VMP"), pc.invert(products["invalid"]))
    )
    odd: list[Anomaly] = []
    for column, words in (
        ("vtm_id", "a VTM"),
        ("form", "a form"),
        ("route", "a route"),
        ("cd_category", "a controlled drug category"),
    ):
        odd += _found(f"VMPs without {words}", vmps.filter(pc.is_null(vmps[column])))
    return odd


def _odd_strengths(strengths: pa.Table) -> list[Anomaly]:
    no_number = pc.is_null(strengths["numerator"])
    unread = pc.and_(pc.is_valid(strengths["numerator"]), pc.is_null(strengths["amount"]))
    return [
        *_found("ingredients without a strength", strengths.filter(no_number), "product_id"),
        *_found("strengths that cannot be compared", strengths.filter(unread), "product_id"),
    ]


def _statuses(read: Read) -> list[Anomaly]:
    """Status codes that elsewhere ask for prescribing by brand and here say something else."""
    words = Lookup(read("lookup")).describe("VIRTUAL_PRODUCT_PRES_STATUS", pa.array(_BRAND_CODES))
    used = set(read("vmp")["PRES_STATCD"].to_pylist())
    other = [
        f"{code} means {text!r} here"
        for code, text in zip(_BRAND_CODES, words.to_pylist(), strict=True)
        if code in used and text is not None and not BRAND_MATTERS.search(text)
    ]
    what = "prescribing statuses not taken as 'prescribe by brand'"
    return [Anomaly(what, len(other), tuple(other))] if other else []
