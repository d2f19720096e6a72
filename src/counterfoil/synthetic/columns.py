"""Arrow columns straight from numpy arrays, and the canonical tables made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from counterfoil.records.schema import TABLES
from counterfoil.synthetic.draws import Bools, Floats, Ints

NO_DAY = np.iinfo(np.int32).min
"""Stands for "no date" in an array of days."""


def system_of(practice: str) -> str:
    """The clinical system in use: EMIS in odd practices, SystmOne in even ones."""
    return "emis" if int(practice[-1]) % 2 else "systmone"


def ids(prefix: str, numbers: Ints, width: int = 9) -> pa.Array:
    """Ids of one length: the prefix, then the number with leading noughts."""
    numbers = np.ascontiguousarray(numbers, dtype=np.int64)
    head = np.frombuffer(prefix.encode("ascii"), dtype=np.uint8)
    cells = np.empty((numbers.size, head.size + width), dtype=np.uint8)
    cells[:, : head.size] = head
    rest = numbers.copy()
    for column in range(head.size + width - 1, head.size - 1, -1):
        rest, digit = np.divmod(rest, 10)
        cells[:, column] = digit + 48
    offsets = np.arange(numbers.size + 1, dtype=np.int32) * cells.shape[1]
    buffers = [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(cells.tobytes())]
    return pa.Array.from_buffers(pa.string(), numbers.size, buffers)


def texts(vocabulary: Sequence[str | None], index: Ints) -> pa.Array:
    """The vocabulary's words at ``index``; a negative index is null."""
    words = pa.array(vocabulary, pa.string())
    return words.take(pa.array(index, pa.int64(), mask=index < 0))


def constant(word: str, size: int) -> pa.Array:
    """One word, ``size`` times."""
    return pa.repeat(pa.scalar(word, pa.string()), size)


def days(values: Ints) -> pa.Array:
    """Dates from day numbers; ``NO_DAY`` is null."""
    return pa.array(values.astype(np.int32), pa.int32(), mask=values == NO_DAY).cast(pa.date32())


def times(values: Ints, seconds: Ints) -> pa.Array:
    """Moments in UTC: a day and the seconds into it."""
    micros = (values * 86_400 + seconds) * 1_000_000
    return pa.array(micros, pa.timestamp("us", tz="UTC"))


def integers(values: Ints, missing: Bools | None = None) -> pa.Array:
    """Whole numbers, null where ``missing``."""
    return pa.array(values, pa.int64(), mask=missing)


def decimals(values: Floats, missing: Bools | None = None) -> pa.Array:
    """Exact decimals to three places; null where the value is not a number or ``missing``."""
    gone = np.isnan(values) if missing is None else np.isnan(values) | missing
    micro = np.rint(np.where(gone, 0.0, values) * 1000).astype(np.int64) * 1000
    wide = np.empty((values.size, 2), dtype=np.int64)
    wide[:, 0] = micro
    wide[:, 1] = micro >> 63
    valid = pa.py_buffer(np.packbits(~gone, bitorder="little").tobytes())
    kind = pa.decimal128(24, 6)
    return pa.Array.from_buffers(kind, values.size, [valid, pa.py_buffer(wide.tobytes())])


def booleans(values: Bools) -> pa.Array:
    """True and false."""
    return pa.array(values, pa.bool_())


def masked(values: pa.Array, keep: Bools) -> pa.Array:
    """The values, null where not kept."""
    return pc.if_else(pa.array(keep), values, pa.scalar(None, values.type))


def table(
    name: str, practice: str, size: int, columns: Mapping[str, pa.Array], recorded: Ints
) -> pa.Table:
    """One canonical table of one practice; columns not given are null, the key is the source id."""
    spec = TABLES[name]
    given = dict(columns)
    given["practice"] = constant(practice, size)
    given["source_system"] = constant(system_of(practice), size)
    given["source_id"] = given[spec.key]
    given.setdefault("recorded_on", days(recorded))
    schema = spec.arrow
    return pa.table(
        {f.name: given.get(f.name, pa.nulls(size, f.type)) for f in schema}, schema=schema
    )
