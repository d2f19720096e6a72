"""The BNF codes of products: a workbook, or its rows as CSV."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from counterfoil.foundation.errors import DataError
from counterfoil.terminology.releases import Releases
from small_dmd_release import AMP, VMP, zipped

HEADER = [
    "Presentation / Pack Level",
    "VMP / VMPP/ AMP / AMPP",
    "BNF Code",
    "BNF Name",
    "SNOMED Code",
    "DM+D: Product Description",
]
ROWS: list[list[Any]] = [
    ["Presentation", "VMP", "0204000H0AAAAAA", "Oldazole_Tab 5mg", "'" + VMP["tablet"], "Oldazole"],
    ["Presentation", "AMP", None, None, AMP["tablet"], "Oldazole (Made Up Ltd)"],
]


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path / "home" / "terminology")


def workbook(path: Path, rows: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    for row in [HEADER, *rows]:
        book.active.append(row)
    book.save(path)
    return path


def comma(path: Path, rows: list[list[Any]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


@pytest.mark.parametrize(("write", "name"), [(workbook, "map.xlsx"), (comma, "map.csv")])
def test_every_row_is_kept_with_its_code_or_without(
    releases: Releases, tmp_path: Path, write: Any, name: str
) -> None:
    report = releases.load(write(tmp_path / name, ROWS))
    assert report.kind == "bnf-map"
    assert report.tables == {"bnf_map": {"read": 2, "loaded": 2, "rejected": 0}}
    release = releases.current("bnf")
    assert release is not None
    rows = release.table("bnf_map", ["id", "level", "bnf_code", "name"]).to_pylist()
    assert rows == [
        {"id": VMP["tablet"], "level": "VMP", "bnf_code": "0204000H0AAAAAA", "name": "Oldazole"},
        {"id": AMP["tablet"], "level": "AMP", "bnf_code": None, "name": "Oldazole (Made Up Ltd)"},
    ]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({4: 44679711000001100}, "row 2, id: text is expected; a number loses digits"),
        ({4: 4.5e16}, "row 2, id: text is expected"),
        ({4: "123456"}, "row 2, SNOMED Code.*check digit"),
        ({1: "TF"}, "row 2, level"),
        ({2: "not a code"}, "row 2, BNF Code"),
    ],
)
def test_a_wrong_cell_is_named(
    releases: Releases, tmp_path: Path, cells: dict[int, Any], said: str
) -> None:
    row = list(ROWS[0])
    for place, value in cells.items():
        row[place] = value
    with pytest.raises(DataError, match=said):
        releases.load(workbook(tmp_path / "map.xlsx", [row]))


def test_rows_without_a_product_and_rows_twice_are_counted(
    releases: Releases, tmp_path: Path
) -> None:
    rows = [*ROWS, [None, None, "0204000H0AAABAB", "Not in dm+d", None, None], ROWS[0]]
    report = releases.load(workbook(tmp_path / "map.xlsx", rows))
    assert report.tables == {"bnf_map": {"read": 4, "loaded": 3, "rejected": 1}}
    assert {a.what.split(",")[0]: a.examples for a in report.anomalies} == {
        "rows without a SNOMED code": ("row 4",),
        "products twice with the same BNF code": ("row 5",),
    }


def test_the_sheet_is_found_by_its_header(releases: Releases, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Notes"])
    sheet = book.create_sheet("Mapping")
    for row in [HEADER, *ROWS]:
        sheet.append(row)
    book.save(tmp_path / "map.xlsx")
    assert releases.load(tmp_path / "map.xlsx").tables["bnf_map"]["loaded"] == 2


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut", b"", zipped({"xl/workbook.xml": "<x"})])
def test_what_is_no_workbook_is_refused(releases: Releases, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "map.xlsx"
    path.write_bytes(content)
    with pytest.raises(DataError):
        releases.load(path)
