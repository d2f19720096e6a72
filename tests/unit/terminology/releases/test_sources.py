"""Zips in zips, damaged, locked and hostile ones."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from counterfoil.foundation.errors import DataError
from counterfoil.terminology.releases import source
from counterfoil.terminology.releases.source import Source
from small_dmd_release import write_zip, zipped


def names(path: Path) -> list[str]:
    with Source(path) as opened:
        return [e.place for e in opened.entries]


def test_files_in_zips_in_zips_are_one_flat_list(tmp_path: Path) -> None:
    inner = zipped({"deep/b.xml": b"<b/>"})
    path = write_zip(tmp_path / "out.zip", {"a.txt": b"a", "in.zip": inner})
    assert names(path) == ["out.zip/a.txt", "out.zip/in.zip/deep/b.xml"]
    with Source(path) as opened:
        assert opened.entries[1].read(10) == b"<b/>"
        assert opened.entries[1].name == "b.xml"
    folder = tmp_path / "folder"
    folder.mkdir()
    path.rename(folder / "out.zip")
    (folder / ".hidden").write_text("")
    assert names(folder) == ["out.zip/a.txt", "out.zip/in.zip/deep/b.xml"]


def test_a_spreadsheet_is_one_file(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "map.xlsx", {"xl/workbook.xml": b"<x/>"})
    assert names(path) == ["map.xlsx"]


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.9])
def test_a_truncated_zip_is_refused(tmp_path: Path, cut: float) -> None:
    content = zipped({"a.xml": b"<a/>" * 1000, "b.xml": b"<b/>"})
    path = tmp_path / "cut.zip"
    path.write_bytes(content[: int(len(content) * cut)])
    with pytest.raises(DataError, match=r"cut.zip.*undamaged file is expected"):
        names(path)


def test_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing there"):
        names(tmp_path / "none.zip")


def test_a_locked_member_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.xml": b"<a/>"}))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path = tmp_path / "locked.zip"
    path.write_bytes(content)
    with pytest.raises(DataError, match="password"):
        names(path)


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "RATIO_FROM", 1 << 20)
    path = write_zip(tmp_path / "bomb.zip", {"a.xml": b"\0" * (4 << 20)})
    with pytest.raises(DataError, match="times its packed size"):
        names(path)


def test_a_member_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.xml": b"<a/>" * 1000}))
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = (10).to_bytes(4, "little")
    path = tmp_path / "liar.zip"
    path.write_bytes(content)
    with pytest.raises(DataError, match="undamaged"), Source(path) as opened:
        opened.entries[0].sha256()


def test_sizes_and_counts_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "many.zip", {f"{i}.xml": b"<a/>" for i in range(9)})
    monkeypatch.setattr(source, "MOST_FILES", 5)
    with pytest.raises(DataError, match="at most 5 files"):
        names(path)
    monkeypatch.setattr(source, "MOST_BYTES", 10)
    with pytest.raises(DataError, match="at most 10 bytes"):
        names(path)


def test_zips_in_zips_have_an_end(tmp_path: Path) -> None:
    content = zipped({"a.xml": b"<a/>"})
    for _ in range(5):
        content = zipped({"in.zip": content})
    path = tmp_path / "deep.zip"
    path.write_bytes(content)
    with pytest.raises(DataError, match="zips inside one another"):
        names(path)


def test_a_whole_file_is_read_within_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"x" * 100)
    with Source(path) as opened:
        assert len(opened.entries[0].read(100)) == 100
        with pytest.raises(DataError, match="at most 99 bytes"):
            opened.entries[0].read(99)


def test_no_member_is_written_where_its_name_points(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as pack:
        pack.writestr("../../escape.zip", zipped({"a.xml": b"<a/>"}))
    path = tmp_path / "deep" / "sly.zip"
    path.parent.mkdir()
    path.write_bytes(content.getvalue())
    before = sorted(tmp_path.rglob("*"))
    assert names(path) == ["sly.zip/../../escape.zip/a.xml"]
    assert sorted(tmp_path.rglob("*")) == before
