"""The CSV template: round trip, places of what is wrong, and nothing lost whatever is done to it."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.foundation.errors import DataError
from counterfoil.records.exporters.csv_template import write_csv
from counterfoil.records.importers.csv_template import read
from counterfoil.records.load import Load
from counterfoil.records.persons import person_id_for
from counterfoil.records.schema import TABLES
from unit.records import made
from unit.records.made import SLOW

PRACTICE = made.PRACTICE


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(made.canonical())
def test_what_was_written_is_read_again(tables):
    with tempfile.TemporaryDirectory() as folder:
        write_csv(tables, Path(folder))
        load = read(Path(folder), PRACTICE)
    assert not load.rejects
    for name in TABLES:
        want = tables[name]
        if "source_place" in want.column_names:
            # A row without a place is given the one it now has.
            want = _with_places(want, load.tables[name])
        assert load.tables[name].equals(want), name


def _with_places(table, read_back):
    index = table.schema.get_field_index("source_place")
    places = [
        old if old is not None else new
        for old, new in zip(
            table["source_place"].to_pylist(), read_back["source_place"].to_pylist(), strict=True
        )
    ]
    return table.set_column(index, table.schema.field(index), pa.array(places, pa.string()))


PATIENTS = (
    "patient_id,nhs_number,birth_date,sex,given_name\n"
    f"p1,{made.number(1)},1950-02-28,female,Ada\n"
    f"p2,{made.number(2)[:3]} {made.number(2)[3:6]} {made.number(2)[6:]},1961-01-01,male,Bo\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    def make(**files: str | bytes) -> Path:
        for name, text in {"patient": PATIENTS, **files}.items():
            data = text if isinstance(text, bytes) else text.encode()
            (tmp_path / f"{name}.csv").write_bytes(data)
        return tmp_path

    return make


def reasons(load: Load) -> list[tuple[str, str]]:
    return [(r.place, r.reason) for r in load.rejects]


def refused(path: Path) -> str:
    with pytest.raises(DataError) as error:
        read(path, PRACTICE)
    return str(error.value)


def test_a_folder_of_only_the_required_columns_is_enough(folder):
    load = read(folder(), PRACTICE)
    row = load.tables["patient"].to_pylist()[1]
    assert row["nhs_number"] == made.number(2)
    assert row["nhs_status"] == "present"
    assert row["birth_precision"] == "day"
    assert row["registration_type"] == "regular"
    assert row["is_test"] is False
    assert row["person_id"] == person_id_for(made.number(2), PRACTICE, "p2")
    assert row["source_place"] == "patient.csv row 3"
    assert row["source_id"] == "p2"
    assert load.counts["patient"].read == load.counts["patient"].loaded == 2
    assert load.counts["plan"].read == 0


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(folder):
    path = folder(patient=b"\xef\xbb\xbf" + PATIENTS.replace("\n", "\r\n").encode())
    assert read(path, PRACTICE).rows["patient"] == 2


def test_a_missing_required_column_refuses_the_load(folder):
    message = refused(folder(plan="plan_id,patient_id,product_text,status\n1,p1,Thing,active\n"))
    assert "plan.csv row 1: expected a column plan_type" in message


def test_each_cell_that_cannot_be_read_rejects_its_row_with_its_place(folder):
    text = (
        "issue_id,patient_id,product_text,issue_type,issued_on,quantity\n"
        'i1,p1,"Thing, ""10mg""",repeat,2026-01-31,28\n'
        "i2,p1,Thing,repeat,31/01/2026,28\n"
        "i3,p1,Thing,repeat,2026-02-29,28\n"
        "i4,p1,Thing,often,2026-01-31,28\n"
        "i5,p1,Thing,repeat,2026-01-31,twenty\n"
        "i6,p9,Thing,repeat,2026-01-31,28\n"
        "i1,p2,Thing,repeat,2026-01-31,28\n"
        "i7,p2,Thing,repeat,,28\n"
        "i8,p2,Thing,repeat,9999-12-31,28\n"
        "i9,p2,Thing\n"
        "\n"
        "i10,p2,Thing,repeat,2026-01-31,7.1234567\n"
    )
    load = read(folder(issue=text), PRACTICE)
    assert load.tables["issue"]["issue_id"].to_pylist() == ["i1"]
    found = reasons(load)
    assert [place for place, _ in found] == [
        f"issue.csv row {n}" for n in (3, 4, 5, 6, 7, 8, 9, 10, 11, 13)
    ]
    assert found[0][1] == (
        "column issued_on: expected a date written 2026-06-14, found '31/01/2026'"
    )
    assert "acute, repeat, erd, automatic, other" in found[2][1]
    assert "at most 18 digits before and 6 after" in found[3][1]
    assert "a patient loaded from patient.csv" in found[4][1]
    assert found[5][1] == "column issue_id: the id of row 2 again"
    assert "found an empty cell" in found[6][1]
    assert found[8][1] == "expected 6 cells as in the header, found 3"
    count = load.counts["issue"]
    assert (count.read, count.loaded, count.rejected) == (11, 1, 10)


def test_a_code_that_a_spreadsheet_rounded_is_not_taken(folder):
    text = "entry_id,patient_id,kind,code,term\ne1,p1,result,1.96E+14,HbA1c\n"
    assert "spreadsheet" in reasons(read(folder(coded_entry=text), PRACTICE))[0][1]


@pytest.mark.parametrize("digits", ["9990000001", "999000001", "99900000131", "A990000013"])
def test_a_wrong_nhs_number_refuses_the_load_without_being_printed(folder, digits):
    message = refused(folder(patient=f"patient_id,sex,nhs_number\np1,female,{digits}\n"))
    assert "patient.csv row 2, column nhs_number" in message
    assert "a wrong NHS number" in message
    assert digits not in message


def test_a_number_that_the_file_itself_calls_invalid_is_kept_as_sent(folder):
    text = "patient_id,sex,nhs_number,nhs_status\np1,female,9990000001,invalid\n"
    assert read(folder(patient=text), PRACTICE).tables["patient"]["nhs_number"].to_pylist() == [
        "9990000001"
    ]


def test_a_name_in_the_wrong_column_is_not_shown_in_a_reason(folder):
    text = "patient_id,sex,birth_date\np1,Ada Example,Ada Example\n"
    ((_, reason),) = reasons(read(folder(patient=text), PRACTICE))
    assert "Ada" not in reason
    assert "11 characters" in reason


def test_another_practice_in_the_file_is_noted_and_the_call_wins(folder):
    text = "plan_id,patient_id,product_text,plan_type,status,practice\n1,p1,T,acute,active,Y9\n"
    load = read(folder(plan=text), PRACTICE)
    assert load.tables["plan"]["practice"].to_pylist() == [PRACTICE]
    assert any("1 rows name another practice" in note for note in load.notes)


def test_columns_and_files_of_no_table_are_noted(folder):
    path = folder(patient="patient_id,sex,shoe_size\np1,male,43\n", prescriptions="a\n1\n")
    notes = read(path, PRACTICE).notes
    assert any("'shoe_size'" in note for note in notes)
    assert any("prescriptions.csv" in note for note in notes)


def test_days_that_stand_for_none_are_missing_and_noted(folder):
    text = "plan_id,patient_id,product_text,plan_type,status,end_date\n1,p1,T,acute,active,9999-12-31\n"
    load = read(folder(plan=text), PRACTICE)
    assert load.tables["plan"]["end_date"].to_pylist() == [None]
    assert any("1 dates in end_date" in note for note in load.notes)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty file"),
        (PATIENTS.encode("utf-16"), "UTF-8"),
        (PATIENTS.replace("Ada", "Zoë").encode("latin-1"), "patient.csv line 2"),
        (PATIENTS.replace("Ada", '"Ada').encode(), "quotation mark"),
        (b"patient_id,patient_id,sex\n1,1,male\n", "each column once"),
        (b"\x00\x01\x02" * 50, "UTF-8"),
        (PATIENTS.encode()[:60], ""),
    ],
)
def test_a_file_that_is_not_the_template_is_refused_or_its_torn_row_rejected(folder, data, says):
    path = folder(patient=data)
    if says:
        assert says in refused(path)
    else:
        balanced(read(path, PRACTICE))


def test_other_files_without_patients_are_refused(tmp_path):
    (tmp_path / "plan.csv").write_text(
        "plan_id,patient_id,product_text,plan_type,status\n1,p1,T,acute,active\n"
    )
    assert "patient.csv: expected the patients that plan.csv is about" in refused(tmp_path)


def test_a_folder_without_any_table_is_refused(tmp_path):
    assert "patient.csv" in refused(tmp_path)


def balanced(load: Load) -> None:
    for name, count in load.counts.items():
        assert count.read == count.loaded + count.rejected, name
        assert count.loaded == load.tables[name].num_rows, name
        assert count.rejected == sum(r.table == name for r in load.rejects), name
        assert load.tables[name].schema.equals(TABLES[name].arrow), name
        load.tables[name].validate(full=True)


# --- whatever is done to a file -----------------------------------------------------------------

ODD = [
    *("", " ", "1900-01-01", "9999-12-31", "0001-01-01", "31/12/2020", "2020-13-01", "1.96E+14"),
    *("NULL", "0", "-1", "1e99", "1e400", "nan", "9" * 40, "0x1f", "１", "true", "p1", "p2", "\t"),
    *(made.number(1), "9990000001", "0000000000", "é", "a\nb", '"', ",", "2026-02-29", "24:00"),
]


def _files(tables) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        write_csv(tables, Path(folder))
        return {path.stem: path.read_bytes() for path in Path(folder).iterdir()}


_WHOLE = _files(made.whole())
_SMALL = {
    "patient": PATIENTS.encode(),
    "issue": b"issue_id,patient_id,product_text,issue_type,issued_on\n"
    b'i1,p1,"Thing, 10mg",repeat,2026-01-31\ni2,p2,Other,acute,2026-02-28\n',
}


@st.composite
def spoilt(draw: st.DrawFn) -> dict[str, bytes]:
    """The files of a template folder, with one or two things done to them."""
    files = dict(draw(st.sampled_from([_WHOLE, _SMALL])))
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(sorted(files)))
        files[name] = draw(st.sampled_from(SPOILERS))(draw, files[name])
    return files


def _rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline="")))


def _bytes(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def _cut(draw: st.DrawFn, data: bytes) -> bytes:
    return data[: draw(st.integers(0, len(data)))]


def _cell(draw: st.DrawFn, data: bytes) -> bytes:
    rows = _rows(data)
    row = draw(st.sampled_from(rows)) if rows else []
    if row:
        row[draw(st.integers(0, len(row) - 1))] = draw(st.sampled_from(ODD))
    return _bytes(rows)


def _swap(draw: st.DrawFn, data: bytes) -> bytes:
    rows = _rows(data)
    if rows and len(rows[0]) > 1:
        a, b = draw(st.integers(0, len(rows[0]) - 1)), draw(st.integers(0, len(rows[0]) - 1))
        rows[0][a], rows[0][b] = rows[0][b], rows[0][a]
    return _bytes(rows)


def _double(draw: st.DrawFn, data: bytes) -> bytes:
    rows = _rows(data)
    return _bytes([*rows, *([draw(st.sampled_from(rows))] if rows else [])])


def _drop(draw: st.DrawFn, data: bytes) -> bytes:
    rows = _rows(data)
    at = draw(st.integers(0, 25))
    return _bytes([row[:at] + row[at + 1 :] for row in rows])


def _encode(draw: st.DrawFn, data: bytes) -> bytes:
    text = data.decode("utf-8", "replace")
    return text.encode(draw(st.sampled_from(["utf-16", "cp1252", "utf-32"])), "replace")


def _insert(draw: st.DrawFn, data: bytes) -> bytes:
    at = draw(st.integers(0, len(data)))
    odd = draw(st.sampled_from([b'"', b"\0", b"\xff", b"\n", b"\r", b",", b'""', b"\n\n"]))
    return data[:at] + odd + data[at:]


SPOILERS = [_cut, _cell, _cell, _swap, _double, _drop, _encode, _insert]


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=SLOW)
@given(spoilt())
def test_a_spoilt_folder_is_refused_or_every_row_accounted_for(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            Path(folder, f"{name}.csv").write_bytes(data)
        try:
            load = read(Path(folder), PRACTICE)
        except DataError as refusal:
            problems = refusal.problems
        else:
            problems = ()
            balanced(load)
            for name, data in files.items():
                assert load.counts[name].read == _count(data), name
    assert all(problem.place and problem.expected for problem in problems)


def _count(data: bytes) -> int:
    """Rows under the header, counted by Python's own reader; rows of nothing are none."""
    return sum(any(cell for cell in row) for row in _rows(data.removeprefix(b"\xef\xbb\xbf"))[1:])
