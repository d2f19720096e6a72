"""What a path holds is found from its content, in one place, and said."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.foundation.errors import DataError
from counterfoil.terminology.id_columns import wrong_ids
from counterfoil.terminology.ids import is_snomed_id
from counterfoil.terminology.releases.sniff import kind_of, kinds
from counterfoil.terminology.releases.source import Source
from small_dmd_release import CORE, SUPPLEMENT, SmallRelease, made_up


def kind(path: Path) -> tuple[str, str]:
    with Source(path) as source:
        found, why = kind_of(source)
    return found.name, why


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (CORE, "dmd"),
        (SUPPLEMENT, "dmd-supplement"),
        ((*CORE, *SUPPLEMENT), "dmd"),
        (("amp",), "dmd"),
    ],
)
def test_dmd_files(tmp_path: Path, files: tuple[str, ...], name: str) -> None:
    found, why = kind(SmallRelease().write(tmp_path / "anything.bin", *files))
    assert found == name
    assert f"{len(files)} kinds of dm+d file" in why


def test_the_name_of_the_zip_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "f_vmp2_3140825.xml.zip").write_bytes(b"no zip")
    with pytest.raises(DataError, match="undamaged"):
        kind(tmp_path / "f_vmp2_3140825.xml.zip")


def test_what_nothing_reads_is_said_with_what_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear colleague")
    with pytest.raises(DataError) as error:
        kind(tmp_path)
    for each in kinds():
        assert each.title in str(error.value)
    assert "letter.txt" in str(error.value)


def test_each_kind_has_a_name_of_its_own() -> None:
    names = [each.name for each in kinds()]
    assert len(names) == len(set(names))


IDS = st.one_of(
    st.integers(0, 10**6).map(made_up),
    st.from_regex(r"\A[0-9]{4,20}\Z"),
    st.text(st.characters(codec="utf-8"), max_size=20),
)


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(IDS, max_size=30))
def test_a_column_of_ids_is_judged_as_each_id_is(codes: list[str]) -> None:
    expected = [i for i, code in enumerate(codes) if not is_snomed_id(code)]
    column = pa.array(codes, pa.string())
    assert wrong_ids(column).tolist() == expected
    assert wrong_ids(column.slice(len(codes) // 2)).tolist() == [
        i - len(codes) // 2 for i in expected if i >= len(codes) // 2
    ]
