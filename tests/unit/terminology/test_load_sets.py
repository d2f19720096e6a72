"""Loading sets and SNOMED CT: the kind is found from the content, and what contradicts is refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from counterfoil.foundation.errors import DataError, UsageError
from counterfoil.terminology.ecl import evaluate
from counterfoil.terminology.ids import check_digit
from counterfoil.terminology.releases import Releases
from counterfoil.terminology.sets import SetStore
from counterfoil.terminology.snomed import Snomed
from rf2 import own, write_rf2
from support import needs_shared, shared


def dmd(number: int) -> str:
    digits = f"{number}100000110"
    return digits + check_digit(digits)


def codelist(folder: Path, name: str = "mine.csv", *numbers: int) -> Path:
    path = folder / name
    ids = [dmd(n) for n in numbers or (1, 2)]
    path.write_text("code,term\n" + "".join(f"{i},Drug {i} 5mg tablets\n" for i in ids), "utf-8")
    return path


def test_a_code_list_is_known_by_its_content_and_kept_under_its_name(tmp_path: Path) -> None:
    releases = Releases(tmp_path / "home")
    report = releases.load(codelist(tmp_path), name="our-drugs", system="dmd")
    assert (report.kind, report.name, report.already) == ("code-list", "our-drugs", False)
    assert report.why == "column code holds SNOMED CT or dm+d ids"
    assert report.tables == {"our-drugs": {"read": 2, "loaded": 2}}
    assert report.attribution.startswith("dm+d content")
    assert any("2 of 2 ids lie in dm+d's namespace" in note for note in report.notes)
    again = releases.load(codelist(tmp_path), name="our-drugs")
    assert again.already
    assert again.version == report.version
    assert SetStore(releases.root).get("our-drugs").codelist().codes == {dmd(1), dmd(2)}


def test_a_system_that_the_content_contradicts_is_refused(tmp_path: Path) -> None:
    releases = Releases(tmp_path / "home")
    with pytest.raises(DataError, match=r"SNOMED CT ids, as --system says.*dm\+d: 2 of 2"):
        releases.load(codelist(tmp_path), system="snomed")
    assert SetStore(releases.root).names() == []


def test_floats_are_refused_by_load_with_row_and_column(tmp_path: Path) -> None:
    path = codelist(tmp_path)
    path.write_text(path.read_text("utf-8") + "1.96E+14,x\n", "utf-8")
    with pytest.raises(DataError, match=r"mine\.csv, row 4, column code.*1\.96E\+14"):
        Releases(tmp_path / "home").load(path)


def test_a_folder_or_zip_of_lists_is_loaded_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "lists"
    folder.mkdir()
    codelist(folder, "a.csv", 1)
    codelist(folder, "b.csv", 2)
    (folder / "README.md").write_text("where they come from", "utf-8")
    packed = tmp_path / "lists.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    for number, source in enumerate((folder, packed)):
        releases = Releases(tmp_path / f"home{number}")
        assert releases.load(source).name == "2 sets"
        assert SetStore(releases.root).names() == ["a", "b"]
    with pytest.raises(UsageError, match="holds 2 lists"):
        Releases(tmp_path / "home9").load(folder, name="one")
    (folder / "c.csv").write_text("code,term\n1.96E+14,x\n", "utf-8")
    releases = Releases(tmp_path / "home10")
    with pytest.raises(DataError, match=r"1\.96E"):
        releases.load(folder)
    assert SetStore(releases.root).names() == []


def test_reference_sets_are_loaded_all_or_by_name(tmp_path: Path) -> None:
    path = tmp_path / "GPData_Cluster_Refset.csv"
    rows = [("AST_COD", "Asthma", own(5)), ("AST_COD", "Asthma", own(6)), ("X_COD", "X", own(7))]
    body = "".join(f"{c},{d},{i},term\n" for c, d, i in rows)
    path.write_text("Cluster_ID,Cluster_Desc,ConceptId,ConceptId_Description\n" + body, "utf-8")
    releases = Releases(tmp_path / "home")
    report = releases.load(path)
    assert (report.kind, report.name) == ("reference-sets", "2 sets")
    assert report.tables["AST_COD"] == {"read": 2, "loaded": 2}
    one = Releases(tmp_path / "other")
    assert one.load(path, name="X_COD").name == "X_COD"
    assert SetStore(one.root).names() == ["X_COD"]
    with pytest.raises(UsageError, match="It holds: AST_COD, X_COD"):
        one.load(path, name="nothing")


def test_rf2_becomes_a_release_that_answers_expressions(tmp_path: Path) -> None:
    folder = write_rf2(tmp_path / "rf2", [(2, 1), (3, 2)], inactive=[9])
    (folder / "der2_cciRefset_Other.txt").write_text("id\teffectiveTime\tother\n", "utf-8")
    releases = Releases(tmp_path / "home")
    report = releases.load(folder)
    assert (report.kind, report.date) == ("snomed", "2026-01-01")
    assert "3 of 4 concepts are active" in report.notes
    assert "1 text files are of other kinds and were not read" in report.notes
    assert releases.load(folder).already
    release = releases.current("snomed")
    assert release is not None
    snomed = Snomed({name: release.table(name) for name in release.tables()})
    assert evaluate(f"< {own(1)}", snomed) == {own(2), own(3)}


class TestPublished:
    """What is no code list is not taken for one."""

    pytestmark = needs_shared

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("parts", "kind"),
        [
            (("codelists", "pincer-lith.csv"), "code-list"),
            (("codelists", "opensafely-dmards.csv"), "code-list"),
            (("codelists", "nhs_pcd_and_other_refsets_2025-10.parquet"), "reference-sets"),
            (("terminology", "dmd_2025w34_vmp.parquet"), "product-list"),
            (("terminology", "nhsbsa_dmdbonus_2.2.0_20250217000001.zip"), "dmd-supplement"),
        ],
    )
    def test_every_kind_is_claimed_once(
        self, tmp_path: Path, parts: tuple[str, ...], kind: str
    ) -> None:
        assert Releases(tmp_path).load(shared(*parts)).kind == kind

    @pytest.mark.parametrize(
        "name", ["bnf_presentation_items_2022-09_2023-08.csv.gz", "bnf_code_changes_old_new.csv"]
    )
    def test_dispensing_data_is_no_code_list(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(DataError, match="one of these is expected"):
            Releases(tmp_path).load(shared("terminology", name))
