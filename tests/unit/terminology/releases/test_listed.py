"""Product lists as Parquet or CSV, and what is refused in them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from counterfoil.foundation.errors import DataError
from counterfoil.terminology.releases import Releases
from small_dmd_release import AMPP, VMP, VMPP

LISTS: dict[str, list[dict[str, Any]]] = {
    "vmp": [
        {"vpid": VMP["tablet"], "nm": "Oldazole 5mg tablets", "bnf_section8": "02040000",
         "atc": "C07AB07", "ddd": "10"},
        {"vpid": VMP["brand"], "nm": "Brandol 40mg tablets", "bnf_section8": None, "atc": "n/a",
         "ddd": None},
    ],
    "vmpp": [
        {"vppid": VMPP["tablet"], "vpid": VMP["tablet"], "pack_size": 28.0, "unit": "tablet"},
        {"vppid": VMPP["brand"], "vpid": VMP["brand"], "pack_size": 2.5, "unit": "408102007"},
    ],
    "ampp": [
        {"appid": AMPP["tablet"], "vppid": VMPP["tablet"], "vpid": VMP["tablet"],
         "nm": "Oldazole 5mg tablets (Made Up Ltd) 28 tablet", "price_date": "2025-08-01"},
    ],
}  # fmt: skip


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path / "home" / "terminology")


def parquet(folder: Path, level: str, rows: list[dict[str, Any]] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"dmd_2025w34_{level}.parquet"
    pq.write_table(pa.Table.from_pylist(rows or LISTS[level]), path)
    return path


def comma(folder: Path, level: str, rows: list[dict[str, Any]] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"dmd_2025w34_{level}.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, (rows or LISTS[level])[0])
        writer.writeheader()
        writer.writerows(rows or LISTS[level])
    return path


@pytest.mark.parametrize("write", [parquet, comma])
def test_a_folder_of_lists_is_one_product_table(
    releases: Releases, tmp_path: Path, write: Any
) -> None:
    for level in LISTS:
        write(tmp_path / "lists", level)
    report = releases.load(tmp_path / "lists")
    assert report.kind == "product-list"
    assert (report.version, report.date) == ("2025w34", "2025-08-14")
    assert {k: v["loaded"] for k, v in report.tables.items()} == {"ampp": 1, "vmp": 2, "vmpp": 2}
    rows = {r["id"]: r for r in releases.in_use().products.to_pylist()}
    assert rows[VMP["tablet"]]["bnf_section"] == "02040000"
    assert rows[VMP["brand"]]["atc"] is None
    assert rows[VMPP["tablet"]]["name"] == "Oldazole 5mg tablets 28 tablet"
    assert rows[VMPP["brand"]]["pack_quantity"] == "2.5"
    assert rows[VMPP["brand"]]["pack_unit"] is None
    assert rows[AMPP["tablet"]]["pack_quantity"] == "28"
    assert rows[AMPP["tablet"]]["vmp_id"] == VMP["tablet"]
    assert any(a.examples == ("408102007",) for a in report.anomalies)


@pytest.mark.parametrize("level", list(LISTS))
def test_each_list_alone_is_one_too(releases: Releases, tmp_path: Path, level: str) -> None:
    report = releases.load(parquet(tmp_path, level))
    assert report.tables == {level: {"read": len(LISTS[level]), "loaded": len(LISTS[level])}}
    assert releases.in_use().products.num_rows == len(LISTS[level])


def test_one_list_after_all_of_them_is_not_taken_instead(
    releases: Releases, tmp_path: Path
) -> None:
    for level in LISTS:
        parquet(tmp_path / "lists", level)
    whole = releases.load(tmp_path / "lists").name
    assert releases.load(tmp_path / "lists" / "dmd_2025w34_vmp.parquet").in_use == whole


def test_parquet_and_csv_say_the_same(tmp_path: Path) -> None:
    tables = []
    for write in (parquet, comma):
        releases = Releases(tmp_path / write.__name__)
        for level in LISTS:
            write(tmp_path / f"{write.__name__}-lists", level)
        releases.load(tmp_path / f"{write.__name__}-lists")
        tables.append(releases.in_use().products)
    assert tables[0].equals(tables[1])


def test_an_id_that_a_spreadsheet_rounded_is_refused(releases: Releases, tmp_path: Path) -> None:
    rows = [dict(r) for r in LISTS["vmp"]]
    rows[1]["vpid"] = "1.96E+14"
    with pytest.raises(DataError, match=r"row 3, column vpid.*a spreadsheet has rounded"):
        releases.load(comma(tmp_path, "vmp", rows))
    rows = [{"vpid": 1.96e14, "nm": "x"}]
    with pytest.raises(DataError, match=r"column vpid.*floating-point"):
        releases.load(parquet(tmp_path, "vmp", rows))


def test_ids_that_are_whole_numbers_are_read(releases: Releases, tmp_path: Path) -> None:
    rows = [{"vpid": int(VMP["tablet"]), "nm": "Oldazole 5mg tablets"}]
    releases.load(parquet(tmp_path, "vmp", rows))
    assert releases.in_use().product(VMP["tablet"]) is not None


@pytest.mark.parametrize(
    ("level", "row", "cells", "said"),
    [
        ("vmp", 1, {"vpid": VMP["tablet"]}, r"row 3, column vpid.*each identifier once"),
        ("vmp", 0, {"nm": ""}, r"row 2, column nm.*name"),
        ("vmp", 0, {"vpid": ""}, r"row 2, column vpid.*identifier is expected"),
        ("vmp", 0, {"vpid": "123456789"}, r"row 2, column vpid.*check digit"),
        ("vmpp", 1, {"pack_size": "many"}, r"row 3, column pack_size.*number"),
        ("vmp", 0, {"ddd": "1e400"}, r"row 2, column ddd.*number"),
    ],
)
def test_a_wrong_row_is_named(
    releases: Releases, tmp_path: Path, level: str, row: int, cells: dict[str, str], said: str
) -> None:
    rows = [dict(r) for r in LISTS[level]]
    rows[row].update(cells)
    with pytest.raises(DataError, match=said):
        releases.load(comma(tmp_path, level, rows))
    assert releases.names() == []


def test_a_parent_that_the_other_list_lacks_is_refused(releases: Releases, tmp_path: Path) -> None:
    comma(tmp_path / "lists", "vmp", LISTS["vmp"][:1])
    comma(tmp_path / "lists", "vmpp")
    with pytest.raises(DataError, match=r"vmpp.csv row 3, column vpid.*list of VMPs"):
        releases.load(tmp_path / "lists")


def test_lists_of_two_dates_are_refused_unless_allowed(releases: Releases, tmp_path: Path) -> None:
    comma(tmp_path / "lists", "vmp")
    comma(tmp_path / "lists", "vmpp").rename(tmp_path / "lists" / "dmd_2025w35_vmpp.csv")
    with pytest.raises(DataError, match="2025w34, 2025w35"):
        releases.load(tmp_path / "lists")
    assert releases.load(tmp_path / "lists", allow_mixed=True).tables["vmp"]["loaded"] == 2


def test_a_list_that_shrinks_stops_and_asks(releases: Releases, tmp_path: Path) -> None:
    comma(tmp_path / "a", "vmp")
    releases.load(tmp_path / "a")
    path = comma(tmp_path / "b", "vmp", LISTS["vmp"][:1]).rename(tmp_path / "b" / "2025w35.csv")
    with pytest.raises(DataError, match="1 rows of 2"):
        releases.load(path)
    assert releases.load(path, accept_loss=True).tables["vmp"]["loaded"] == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"vpid,nm\n1,2,3\n", "row 2.*2 cells"),
        ("a.csv", b'vpid,nm\n"1,2\n', "line 2.*CSV"),
        ("a.csv", b"vpid,nm\n1,\xff\n", "line 2.*UTF-8"),
        ("a.csv", b"vpid,nm\n", "at least one row"),
        ("a.csv", b"vpid,nm,nm\n1,a,b\n", "each column once"),
        ("a.parquet", b"PAR1 but not really", "one of these is expected"),
    ],
)
def test_a_file_that_is_none_is_refused(
    releases: Releases, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=said):
        releases.load(tmp_path / name)


def test_a_list_that_the_user_calls_a_set_is_one(releases: Releases, tmp_path: Path) -> None:
    path = comma(tmp_path, "vmp")
    assert releases.load(path, name="oldazole").kind == "code-list"
    assert releases.load(path).kind == "product-list"
