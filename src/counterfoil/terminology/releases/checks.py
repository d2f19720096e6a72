"""Whether a release's tables hold together: keys once, references met, codes described, no loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from counterfoil.foundation.errors import DataError, Problem
from counterfoil.terminology.releases.report import Anomaly
from counterfoil.terminology.releases.tables import FILES, SAFETY_LISTS, Column, Table

LOOSE = frozenset({"gtin"})
"""Tables made apart from the rest of a release: a row whose parent is missing is odd, not wrong."""
MOST_LOSS = 0.05
"""A table may shrink by this share against the release before; more is asked about."""

Read = Callable[[str], pa.Table]


def _tables() -> Iterator[tuple[str, Table]]:
    for kind in FILES.values():
        for (section, _), table in kind.tables.items():
            yield section, table


def check(read: Read, present: set[str], places: dict[str, str]) -> list[Anomaly]:
    """Check every table in *present*.

    *places* maps a table to the words for where its records stand. Raises :class:`DataError` at the
    first key that recurs, reference that is not met, or code of a safety list that is not
    described; other codes that the lookup lacks are oddities.
    """
    checked = {name: table for _, table in _tables() if (name := table.name) in present}
    keys = {
        name: _column(read(name), key.name)
        for name, table in checked.items()
        if (key := table.key) is not None
    }
    for name, column in keys.items():
        _unique(column, places[name], checked[name].key)
    _one_level(keys)
    if "vmp_cd" in checked:
        _unique(_column(read("vmp_cd"), "VPID"), places["vmp_cd"], checked["vmp_cd"].columns[0])
    lookup = read("lookup") if "lookup" in present else None
    odd: list[Anomaly] = [] if lookup is None else _codes_once(lookup, places["lookup"])
    for name, table in checked.items():
        rows = read(name)
        for column in table.columns:
            values = _column(rows, column.name)
            if column.kind == "ref" and column.target in keys:
                odd += _met(values, keys[column.target], places[name], column, name in LOOSE)
            elif column.kind == "code" and lookup is not None:
                odd += _described(values, lookup, places[name], column)
    return odd


def _column(rows: pa.Table, name: str) -> pa.Array:
    return rows[name].combine_chunks()


def _first(mask: pa.Array) -> int:
    return int(np.flatnonzero(mask.to_numpy(zero_copy_only=False))[0])


def _unique(keys: pa.Array, place: str, column: Column | None) -> None:
    if column is None or pc.count_distinct(keys).as_py() == len(keys):
        return
    seen: set[str] = set()
    for row, key in enumerate(keys.to_pylist(), start=1):
        if key in seen:
            raise DataError.at(f"{place}[{row}] {column.name}", "each identifier once", key)
        seen.add(key)


def _one_level(keys: Mapping[str, pa.Array]) -> None:
    """No id is two things: a product and a pack, say."""
    levels = [n for n in ("vtm", "vmp", "amp", "vmpp", "ampp") if n in keys]
    for i, first in enumerate(levels):
        for second in levels[i + 1 :]:
            both = pc.is_in(keys[first], value_set=keys[second])
            if pc.any(both).as_py():
                found = keys[first][_first(both)].as_py()
                raise DataError.at(
                    f"{first} and {second}", "an identifier of one level only is expected", found
                )


def _codes_once(lookup: pa.Table, place: str) -> list[Anomaly]:
    """A code described twice in one list: odd, and refused where it bears on safety."""
    seen: dict[tuple[str, str], str | None] = {}
    twice: list[str] = []
    columns = (lookup[c].to_pylist() for c in ("LIST", "CD", "DESC"))
    for name, code, words in zip(*columns, strict=True):
        if seen.setdefault((name, code), words) == words:
            continue
        if name in SAFETY_LISTS:
            raise DataError.at(f"{place} in {name}", "each code described once", code)
        twice.append(f"{name} {code}")
    what = "codes described twice in a list; the first description was taken"
    return [Anomaly(what, len(twice), tuple(twice[:5]))] if twice else []


def _met(
    values: pa.Array, keys: pa.Array, place: str, column: Column, loose: bool
) -> list[Anomaly]:
    missing = pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, value_set=keys)))
    if not pc.any(missing).as_py():
        return []
    row = _first(missing)
    many = pc.sum(pc.cast(missing, pa.int64())).as_py()
    if loose:
        what = f"{column.name} that no row of {column.target} has (the first: {place}[{row + 1}])"
        return [Anomaly(what, many, (values[row].as_py(),))]
    raise DataError.at(
        f"{place}[{row + 1}] {column.name}",
        f"the identifier of a row of {column.target} is expected ({many:,} such rows)",
        values[row].as_py(),
    )


def _described(values: pa.Array, lookup: pa.Table, place: str, column: Column) -> Iterator[Anomaly]:
    known = lookup.filter(pc.equal(lookup["LIST"], column.target))["CD"].combine_chunks()
    lacking = pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, value_set=known)))
    if not pc.any(lacking).as_py():
        return
    row = _first(lacking)
    if column.target in SAFETY_LISTS:
        raise DataError.at(
            f"{place}[{row + 1}] {column.name}",
            f"a code that the lookup file describes in {column.target} is expected",
            values[row].as_py(),
        )
    codes = Counter(values.filter(lacking).to_pylist())
    shown = tuple(code for code, _ in codes.most_common(5))
    what = f"{column.name} with a code that {column.target} lacks (place of the first: {place}"
    yield Anomaly(f"{what}[{row + 1}])", codes.total(), shown)


def stop_at_loss(place: str, name: str, before: Mapping[str, int], now: Mapping[str, int]) -> None:
    """Stop where a table lost more than ``MOST_LOSS`` of its rows since the release *name*.

    ``DataError`` names each such table with both counts. A truncated or wrong download looks so; so
    may a real change, which the user then accepts.
    """
    lost = [
        Problem(
            place,
            f"{table} that keeps at least 95% of the rows it has in {name} is expected "
            "(--accept-loss loads it all the same)",
            f"{now.get(table, 0):,} rows of {count:,}",
        )
        for table, count in before.items()
        if now.get(table, 0) < count * (1 - MOST_LOSS)
    ]
    if lost:
        raise DataError(*lost)
