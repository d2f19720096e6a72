"""Whatever the bytes: a ``DataError`` that changes nothing, or a load whose counts balance."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.foundation.errors import DataError
from counterfoil.terminology.releases import Releases
from small_dmd_release import CORE, SUPPLEMENT, SmallRelease, zipped

FILES = SmallRelease().files(*CORE, *SUPPLEMENT)
XML = sorted(name for name in FILES if name.endswith(".xml"))
TOKENS = sorted(
    {
        token
        for name in XML
        for token in re.findall(r"</?[A-Z_]+>|[^<>\s]{2,}", FILES[name])
        if len(token) < 40
    }
)
OTHER = ["", "0", "1", "-1", "1E99", "NaN", "<x/>", "&amp;", "&#0;", "&x;", "\x00", "é", "</VMP>"]
FEW = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


PLACE = st.floats(0, 1, exclude_max=True)
CHANGE = st.tuples(
    st.sampled_from(["word", "line", "twice", "byte", "cut", "gone", "swap"]),
    PLACE,
    PLACE,
    st.sampled_from(TOKENS + OTHER),
    st.integers(0, 255),
)
"""What to do, to which file, where in it, with which word or byte."""


def changed(changes: list[tuple[str, float, float, str, int]]) -> dict[str, bytes]:
    """The files with words replaced, records doubled or gone, bytes turned, or cut."""
    files = {name: text.encode() for name, text in FILES.items()}
    for kind, which, where, word, byte in changes:
        names = sorted(files)
        name = names[int(which * len(names))]
        content = files[name]
        at = int(where * len(content))
        if kind == "word":
            words = [m.span() for m in re.finditer(rb"</?[\w:]+>|[^<>\s]+", content)] or [(0, 0)]
            start, end = words[int(where * len(words))]
            files[name] = content[:start] + word.encode() + content[end:]
        elif kind in ("line", "twice"):
            lines = content.split(b"\n")
            row = int(where * len(lines))
            lines[row : row + 1] = [lines[row]] * 2 if kind == "twice" else []
            files[name] = b"\n".join(lines)
        elif kind == "byte":
            files[name] = content[:at] + bytes([byte]) + content[at + 1 :]
        elif kind == "cut":
            files[name] = content[:at]
        elif kind == "gone":
            del files[name]
        else:
            other = names[int(where * len(names))]
            files[name], files[other] = files[other], files[name]
    return files


def outcome(content: bytes) -> None:
    """Load; a refusal leaves nothing, a load holds the rows it says."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "release.zip"
        path.write_bytes(content)
        releases = Releases(Path(folder) / "home")
        try:
            report = releases.load(path)
        except DataError:
            assert releases.names() == []
            assert not list(releases.root.rglob("*.parquet"))
            return
        release = releases.get(report.name)
        assert release.damaged() == []
        for table, counts in report.tables.items():
            kept = pq.read_metadata(release.folder / "source" / f"{table}.parquet").num_rows
            assert counts == {"read": kept, "loaded": kept}
        if release.has("product"):
            levels = ("vtm", "vmp", "amp", "vmpp", "ampp")
            made = release.table("product").num_rows
            assert made == sum(report.tables[level]["loaded"] for level in levels)
        releases.in_use().history.trace("1")


@pytest.mark.slow
@FEW
@given(st.lists(CHANGE, min_size=1, max_size=3))
def test_changed_files_are_refused_or_balance(
    changes: list[tuple[str, float, float, str, int]],
) -> None:
    outcome(zipped(changed(changes)))


@pytest.mark.slow
@FEW
@given(st.data())
def test_a_changed_zip_is_refused_or_balances(data: st.DataObject) -> None:
    content = bytearray(zipped({n: t.encode() for n, t in FILES.items()}))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    outcome(bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))]))


@pytest.mark.parametrize("header", ["vpid,nm", "vppid,vpid,pack_size,unit", "appid,vppid,nm"])
@FEW
@given(rows=st.lists(st.lists(st.text(max_size=20), max_size=5), max_size=4))
def test_any_text_under_a_list_s_header_is_refused_or_balances(
    header: str, rows: list[list[str]]
) -> None:
    text = "\n".join([header, *(",".join(row) for row in rows)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        releases = Releases(Path(folder) / "home")
        try:
            report = releases.load(path)
        except DataError:
            assert releases.names() == []
        else:
            assert all(n["read"] == n["loaded"] for n in report.tables.values())
