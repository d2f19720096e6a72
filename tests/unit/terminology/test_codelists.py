"""Published code lists: the right column, the right system, nothing guessed and nothing lost."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.foundation.errors import DataError
from counterfoil.terminology.codelists import CodeList, read_codelist, read_refsets
from counterfoil.terminology.ids import check_digit, check_ids, is_snomed_id, namespace
from support import needs_shared, shared


def concept(number: int, space: str = "") -> str:
    """An id of our own making with a right check digit, in the core or in a namespace."""
    digits = f"{number}{space}{'10' if space else '00'}"
    return digits + check_digit(digits)


ONE, TWO, THREE = (concept(n) for n in (7301, 7302, 7303))
PRODUCT, BRAND = concept(8101, "1000001"), concept(8102, "1000001")


def write(folder: Path, text: str, name: str = "list.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def read(folder: Path, text: str, encoding: str = "utf-8") -> CodeList:
    return read_codelist(write(folder, text, encoding=encoding))


def refused(folder: Path, text: str) -> list[str]:
    with pytest.raises(DataError) as caught:
        read(folder, text)
    return [str(p) for p in caught.value.problems]


@given(st.lists(st.text("0123456789", max_size=20) | st.text(max_size=20), max_size=20))
def test_many_ids_checked_at_once_are_checked_as_one_by_one(texts: list[str]) -> None:
    texts = [t.replace("\0", "") for t in texts]
    texts += [t + check_digit(t) for t in texts if t.isascii() and t.isdigit()]
    assert check_ids(texts).tolist() == [is_snomed_id(t) for t in texts]


def test_the_namespace_tells_dmd_from_the_core() -> None:
    assert namespace(PRODUCT) == "1000001"
    assert namespace(ONE) == ""


@pytest.mark.parametrize("header", ["code,term", "id,name", "snomedct,term", "SNOMEDID,nm", ",x"])
def test_the_column_is_found_by_what_it_holds(tmp_path: Path, header: str) -> None:
    found = read(tmp_path, f"{header}\n{ONE},Asthma\n{TWO},Cough\n")
    assert found.codes == {ONE, TWO}
    assert found.column == header.split(",")[0]
    assert found.system == "snomed"
    assert [e.term for e in found.entries] == ["Asthma", "Cough"]
    assert [e.row for e in found.entries] == [2, 3]


def test_code_comes_before_another_column_of_ids_and_the_other_is_said(tmp_path: Path) -> None:
    found = read(tmp_path, f"dmd_id,code,term\n{BRAND},{PRODUCT},Drug 5mg tablets\n")
    assert (found.column, found.codes, found.system) == ("code", {PRODUCT}, "dmd")
    assert found.notes == ("column dmd_id holds 1 other ids; column code was read",)


def test_core_ids_are_dmd_where_the_columns_or_terms_are_those_of_products(tmp_path: Path) -> None:
    assert read(tmp_path, f"dmd_type,dmd_id,x\nVMP,{ONE},1\n").system == "dmd"
    assert read(tmp_path, f"code,term\n{ONE},Examplol 5mg tablets\n").system == "dmd"
    assert read(tmp_path, f"code,term\n{ONE},Serum examplol level\n").system == "snomed"


def test_the_level_is_taken_from_the_list_or_from_the_column_of_ids(tmp_path: Path) -> None:
    assert read(tmp_path, f"type,id\namp,{BRAND}\n").entries[0].level == "AMP"
    text = f"obj_type,vpid,snomed_id\namp,{PRODUCT},{BRAND}\n"
    assert read(tmp_path, text).entries[0].level == "VMP"


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("1.96E+14", "rounded number"),
        ("1,96e14", "rounded number"),
        ("12345678901.0", "rounded number"),
        (ONE[:-1] + str((int(ONE[-1]) + 1) % 10), "check digit"),
        ("H33..", "6 to 18 digits"),
    ],
)
def test_a_spoilt_id_is_refused_with_its_row_and_column(
    tmp_path: Path, cell: str, says: str
) -> None:
    problems = refused(tmp_path, f'term,code\nAsthma,{ONE}\nCough,{TWO}\nWheeze,"{cell}"\n')
    assert len(problems) == 1
    assert problems[0].startswith("list.csv, row 4, column code: ")
    assert says in problems[0]
    assert cell in problems[0]


def test_a_list_of_nothing_but_floats_is_refused_for_its_floats(tmp_path: Path) -> None:
    problems = refused(tmp_path, "code,term\n1.96E+14,a\n1.97E+14,b\n")
    assert [p.split(":")[0] for p in problems] == [
        "list.csv, row 2, column code",
        "list.csv, row 3, column code",
    ]


def test_the_id_of_a_description_is_no_code(tmp_path: Path) -> None:
    digits = "730401"
    assert "description" in refused(tmp_path, f"code,term\n{digits + check_digit(digits)},a\n")[0]


def test_hundreds_of_mistakes_are_counted_and_not_all_printed(tmp_path: Path) -> None:
    problems = refused(tmp_path, "code\n" + "1.96E+14\n" * 300)
    assert len(problems) == 21
    assert "280 more" in problems[-1]


def test_a_file_without_ids_says_which_columns_it_has(tmp_path: Path) -> None:
    assert "Read, term" in refused(tmp_path, "Read,term\nH33..,Asthma\n")[0]
    assert "empty" in refused(tmp_path, "\n\n")[0]


def test_a_byte_order_mark_quoted_lines_and_semicolons_are_read(tmp_path: Path) -> None:
    text = f'code;term\n{ONE};"two\nlines; and a semicolon"\n{TWO};plain\n'
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        found = read(tmp_path, text, encoding)
        assert found.column == "code"
        assert [e.term for e in found.entries] == ["two lines; and a semicolon", "plain"]
        assert [e.row for e in found.entries] == [2, 3]


def test_what_is_passed_over_is_said_with_its_reason(tmp_path: Path) -> None:
    found = read(tmp_path, f"code,term\n{ONE},a\n{ONE},a\n,b\n{TWO},a term, with a comma\n\n")
    assert found.codes == {ONE, TWO}
    assert found.entries[1].term == "a term, with a comma"
    assert found.rows == 4
    assert set(found.notes) == {
        "row 4: no id in column code",
        "row 5: 1 more cells than the header has names",
        "1 rows repeat an id that stands above them",
    }


def test_an_id_kept_text_by_a_spreadsheet_is_that_id(tmp_path: Path) -> None:
    assert read(tmp_path, f'code,term\n\'{ONE},a\n"=""{TWO}""",b\n').codes == {ONE, TWO}


def test_a_file_without_a_header_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, f"{ONE},a\n{TWO},b\n")
    assert (found.column, found.codes) == ("column 1", {ONE, TWO})
    assert [e.row for e in found.entries] == [1, 2]


def test_a_broken_quote_names_the_row(tmp_path: Path) -> None:
    assert "row 3" in refused(tmp_path, f'code,term\n{ONE},a\n{TWO},"b" c\n')[0]


def test_a_list_of_both_systems_is_no_set(tmp_path: Path) -> None:
    clinical = concept(9001, "1000000")
    mixed = read(tmp_path, f"code,term\n{PRODUCT},a\n{BRAND},b\n{clinical},c\n")
    assert mixed.system == "dmd"
    assert [e.code for e in mixed.foreign] == [clinical]
    with pytest.raises(DataError, match="row 4, column code"):
        mixed.only_one_system()
    pure = read(tmp_path, f"code\n{PRODUCT}\n")
    assert pure.only_one_system() is pure


def test_the_version_follows_from_the_codes_not_from_their_order(tmp_path: Path) -> None:
    one = read(tmp_path, f"code,term\n{ONE},a\n{TWO},b\n")
    same = read(tmp_path, f"id,name\n{TWO},other\n{ONE},words\n")
    more = read(tmp_path, f"code,term\n{ONE},a\n{TWO},b\n{THREE},c\n")
    assert one.version == same.version != more.version
    assert one.file_hash != same.file_hash


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_table_of_reference_sets_gives_a_list_for_each(tmp_path: Path, form: str) -> None:
    cells = {
        "Cluster_ID": ["AST_COD", "AST_COD", "CHD_COD", "NONE_COD"],
        "Cluster_Desc": ["Asthma", "Asthma", "Heart", "Empty"],
        "ConceptId": [ONE, TWO, THREE, ""],
    }
    path = tmp_path / f"refset.{form}"
    if form == "csv":
        rows = list(zip(*cells.values(), strict=True))
        path.write_text("\n".join(",".join(r) for r in [tuple(cells), *rows]), "utf-8")
    else:
        pq.write_table(pa.table(cells), path)
    lists = read_refsets(path)
    assert {x.name: (x.title, x.codes) for x in lists} == {
        "AST_COD": ("Asthma", {ONE, TWO}),
        "CHD_COD": ("Heart", {THREE}),
    }


def test_a_table_of_names_alone_is_no_table_of_reference_sets(tmp_path: Path) -> None:
    path = write(tmp_path, f"refset_code,refset_name\n{ONE},Asthma\n")
    with pytest.raises(DataError, match="a column of SNOMED CT or dm"):
        read_refsets(path)


class TestPublished:
    """The 299 lists at hand: every one with the right column and system."""

    pytestmark = needs_shared

    @pytest.mark.slow
    def test_all_are_read_as_the_index_says(self) -> None:
        with shared("codelists", "INDEX.csv").open(encoding="utf-8", newline="") as file:
            index = list(csv.DictReader(file))
        wrong = []
        for row in index:
            found = read_codelist(shared("codelists", row["file"]))
            got = (found.system, found.column, str(found.rows), str(len(found.codes)))
            want = (row["kind"], row["code_column"], row["rows"], row["distinct_codes"])
            if got != want or found.foreign:
                wrong.append((row["file"], got, want))
        assert len(index) == 299
        assert not wrong

    @pytest.mark.slow
    def test_the_reference_sets_are_all_there(self) -> None:
        path = shared("codelists", "nhs_pcd_and_other_refsets_2025-10.parquet")
        lists = read_refsets(path)
        table = pq.read_table(path, columns=["CODELIST_ID", "CODE"])
        assert len(lists) == 105  # six of the 111 are there by name, without a code
        assert sum(x.rows for x in lists) == table.num_rows - table.column("CODE").null_count
        assert {x.system for x in lists} == {"snomed"}
