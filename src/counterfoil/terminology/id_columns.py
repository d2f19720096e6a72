"""The SNOMED CT check digit over whole columns, for importers of hundreds of thousands of ids."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from counterfoil.terminology.ids import _D, _P

_TABLE = np.array(_D)
_PERMUTATIONS = np.array(_P)


def wrong_ids(column: pa.StringArray) -> npt.NDArray[np.int64]:
    """The places in *column* (text, no nulls) that :func:`ids.is_snomed_id` would refuse.

    The same test over a column at once: 20 times as fast on columns of thousands.
    """
    if len(column) == 0:
        return np.empty(0, dtype=np.int64)
    column = column.cast(pa.large_string())
    _, ends, data = column.buffers()
    offsets = np.frombuffer(ends, dtype=np.int64)[column.offset : column.offset + len(column) + 1]
    octets = np.frombuffer(data, dtype=np.uint8) if data else np.empty(0, dtype=np.uint8)
    lengths = np.diff(offsets)
    good = (lengths >= 6) & (lengths <= 18)
    rows = np.flatnonzero(good)
    first, last, sizes = offsets[:-1][rows], offsets[1:][rows] - 1, lengths[rows]
    digits_only = octets[first] != ord("0")
    check = np.zeros(len(rows), dtype=np.intp)
    for place in range(18):
        reached = np.flatnonzero(sizes > place)
        digit = octets[last[reached] - place].astype(np.intp) - ord("0")
        outside = (digit < 0) | (digit > 9)
        digits_only[reached[outside]] = False
        digit[outside] = 0
        check[reached] = _TABLE[check[reached], _PERMUTATIONS[place % 8, digit]]
    good[rows] = digits_only & (check == 0)
    return np.flatnonzero(~good)
