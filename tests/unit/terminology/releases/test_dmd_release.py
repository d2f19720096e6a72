"""A dm+d release from file to tables: what is read, and what is refused with which words."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pyarrow.compute as pc
import pytest

from counterfoil.foundation.errors import DataError
from counterfoil.terminology.releases import LoadReport, Releases
from counterfoil.terminology.releases.markup import head_of
from counterfoil.terminology.releases.source import Source
from small_dmd_release import (
    AMP,
    AMPP,
    CORE,
    FORMER,
    ING,
    SCHEMA,
    SUPPLEMENT,
    UNIT,
    VMP,
    VMPP,
    VTM,
    SmallRelease,
    made_up,
    write_zip,
    zipped,
)

Change = Callable[[SmallRelease], object]


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path / "home" / "terminology")


def load(releases: Releases, made: SmallRelease, *kinds: str, **options: bool) -> LoadReport:
    folder = releases.root.parent
    folder.mkdir(parents=True, exist_ok=True)
    return releases.load(made.write(folder / "release.zip", *kinds), **options)


def rows(releases: Releases, table: str) -> dict[str, dict[str, object]]:
    release = releases.current("products")
    assert release is not None
    made = release.table(table).to_pylist()
    return {row.get("id") or row["product_id"]: row for row in made}


def refused(releases: Releases, change: Change, *kinds: str) -> str:
    made = SmallRelease()
    change(made)
    with pytest.raises(DataError) as error:
        load(releases, made, *kinds)
    assert releases.names() == []
    assert not list(releases.folder.glob("*"))
    return str(error.value)


def test_every_row_of_every_file_is_loaded(releases: Releases) -> None:
    made = SmallRelease()
    report = load(releases, made)
    counted: dict[str, int] = {}
    for (kind, _, record), each in made.rows.items():
        if kind in CORE:
            counted[f"{kind} {record}"] = counted.get(f"{kind} {record}", 0) + len(each)
    assert sum(n["read"] for n in report.tables.values()) == sum(counted.values())
    assert all(n["read"] == n["loaded"] for n in report.tables.values())
    assert report.tables["vmp"]["loaded"] == counted["vmp VMP"]
    assert report.tables["lookup"]["loaded"] == counted["lookup INFO"]
    assert report.kind == "dmd"
    assert report.date == "2025-08-14"


def test_the_product_table_says_what_the_files_and_their_lookup_say(releases: Releases) -> None:
    load(releases, SmallRelease())
    products = rows(releases, "product")
    assert len(products) == len(VTM) + len(VMP) + len(AMP) + len(VMPP) + len(AMPP)
    tablet = products[VMP["tablet"]]
    assert tablet["level"] == "VMP"
    assert tablet["form"] == "Tablet"
    assert tablet["route"] == "Oral"
    assert tablet["ontology_form"] == "tablet.oral"
    assert tablet["cd_category_text"] == "No Controlled Drug Status"
    assert tablet["unit_dose"] == "1"
    assert tablet["unit_dose_unit"] == "tablet"
    assert products[VMP["liquid"]]["flags"] == "sugar free"
    amp = products[AMP["tablet"]]
    assert amp["supplier"] == "Made Up Ltd"
    assert amp["vtm_id"] == VTM["oldazole"]
    assert amp["form"] == "Tablet"
    pack = products[AMPP["brand"]]
    assert pack["cd_category"] == "0002"
    assert pack["amp_id"] == AMP["brand"]
    assert pack["vmp_id"] == VMP["brand"]
    assert pack["pack_quantity"] == "28"
    assert pack["pack_unit"] == "tablet"


def test_an_invalid_product_is_kept_and_flagged(releases: Releases) -> None:
    report = load(releases, SmallRelease())
    products = rows(releases, "product")
    assert products[AMP["former"]]["invalid"] is True
    assert products[AMP["tablet"]]["invalid"] is False
    assert any("INVALID" in a.what and a.count == 1 for a in report.anomalies)
    trace = releases.in_use().trace(AMP["former"])
    assert (trace.state, trace.current) == ("invalid", AMP["former"])


def test_brand_matters_where_the_lookup_of_this_release_says_so(releases: Releases) -> None:
    load(releases, SmallRelease())
    products = rows(releases, "product")
    assert products[VMP["brand"]]["brand_matters"] is True
    assert products[AMP["brand"]]["brand_matters"] is True
    assert products[VMP["tablet"]]["brand_matters"] is False


def test_a_status_code_means_what_this_release_says(releases: Releases) -> None:
    made = SmallRelease()
    made.rows[("lookup", "VIRTUAL_PRODUCT_PRES_STATUS", "INFO")] = [
        {"CD": "0001", "DESC": "Caution - AMP level prescribing advised"},
        {"CD": "0006", "DESC": "Something else"},
    ]
    report = load(releases, made)
    products = rows(releases, "product")
    assert products[VMP["tablet"]]["brand_matters"] is True
    assert products[VMP["brand"]]["brand_matters"] is False
    assert any("0006 means 'Something else'" in " ".join(a.examples) for a in report.anomalies)


def test_strengths_are_exact_and_equal_where_they_are_the_same(releases: Releases) -> None:
    made = SmallRelease()
    other = {"VPID": VMP["brand"], "ISID": ING["oldazole"], "STRNT_NMRTR_VAL": "3"}
    other |= {"STRNT_NMRTR_UOMCD": UNIT["mg"], "STRNT_DNMTR_VAL": "1.0"}
    other |= {"STRNT_DNMTR_UOMCD": UNIT["ml"]}
    made.of("vmp", "VPI").append(other)
    load(releases, made)
    strength = rows(releases, "strength")
    liquid, brand = strength[VMP["liquid"]], strength[VMP["brand"]]
    assert (liquid["numerator"], liquid["denominator"]) == ("6", "2")
    assert (brand["numerator"], brand["denominator"]) == ("3", "1")
    assert (liquid["amount"], liquid["amount_unit"]) == (brand["amount"], brand["amount_unit"])
    assert Fraction(str(strength[VMP["pair"]]["numerator"])) == Fraction("1.25")


def test_combinations_are_taken_apart(releases: Releases) -> None:
    load(releases, SmallRelease())
    load(releases, SmallRelease(), *SUPPLEMENT)
    together = releases.in_use()
    pair = together.ingredients(VMP["pair"])
    assert [(i.name, i.source) for i in pair] == [("Leftopril", "VPI"), ("Rightazide", "VPI")]
    assert [i.name for i in together.ingredients(VTM["pairopril"])] == ["Leftopril", "Rightazide"]
    (only,) = together.ingredients(AMPP["brand"])
    assert (only.name, only.source) == ("Brandol", "VTM_INGREDIENTS")
    assert together.ingredients(made_up(1)) == []


def test_former_ids_lead_through_both_files_to_the_current_one(releases: Releases) -> None:
    load(releases, SmallRelease())
    assert releases.resolve(FORMER[0]) == VMP["tablet"]
    assert releases.resolve(FORMER[1]) == FORMER[1]
    load(releases, SmallRelease(), *SUPPLEMENT)
    assert releases.resolve(FORMER[1]) == VMP["tablet"]
    assert releases.resolve(FORMER[2]) == VTM["oldazole"]
    assert releases.resolve(VMP["tablet"]) == VMP["tablet"]
    assert releases.resolve("not an id") == "not an id"


def test_the_supplement_adds_bnf_and_atc_to_the_products_in_use(releases: Releases) -> None:
    load(releases, SmallRelease())
    load(releases, SmallRelease(), *SUPPLEMENT)
    together = releases.in_use()
    tablet = together.product(VMP["tablet"]) or {}
    assert (tablet["bnf_section"], tablet["atc"]) == ("02040000", "C07AB07")
    assert (together.product(VMP["liquid"]) or {})["atc"] is None
    assert together.pinned == {
        "products": "dmd-2025-08-14",
        "supplement": "dmd-supplement-2025-08-14",
    }


def test_release_and_supplement_of_one_date_are_one_release(releases: Releases) -> None:
    report = load(releases, SmallRelease(), *CORE, *SUPPLEMENT)
    assert report.kind == "dmd"
    assert report.tables["history"]["loaded"] == 3
    assert releases.resolve(FORMER[1]) == VMP["tablet"]
    tablet = releases.in_use().product(VMP["tablet"]) or {}
    assert (tablet["bnf_section"], tablet["ddd"]) == ("02040000", "10")


def test_mixed_dates_are_refused_unless_allowed(releases: Releases) -> None:
    made = SmallRelease()
    made.dates["history"] = "070825"
    with pytest.raises(DataError) as error:
        load(releases, made, *CORE, *SUPPLEMENT)
    assert "--allow-mixed" in str(error.value)
    assert "f_history1_0070825.xml" in str(error.value)
    assert "2025-08-07" in str(error.value)
    report = load(releases, made, *CORE, *SUPPLEMENT, allow_mixed=True)
    assert report.date == "2025-08-14"
    assert {f["date"] for f in report.files} == {"2025-08-07", "2025-08-14"}


def test_the_same_content_again_changes_nothing_however_packed(
    releases: Releases, tmp_path: Path
) -> None:
    made = SmallRelease()
    first = load(releases, made)
    before = {p: p.stat().st_mtime_ns for p in releases.folder.rglob("*")}
    folder = tmp_path / "unpacked"
    folder.mkdir()
    for name, text in made.files().items():
        (folder / name).write_text(text)
    again = releases.load(folder)
    nested = releases.load(write_zip(tmp_path / "n.zip", {"inner.zip": zipped(made.files())}))
    assert not first.already
    assert again.already
    assert nested.already
    assert again.name == nested.name == first.name
    assert {p: p.stat().st_mtime_ns for p in releases.folder.rglob("*")} == before


def test_a_zip_beside_what_was_unpacked_from_it_is_read_once(
    releases: Releases, tmp_path: Path
) -> None:
    made = SmallRelease()
    folder = tmp_path / "both"
    folder.mkdir()
    for name, text in made.files().items():
        (folder / name).write_text(text)
    made.write(folder / "release.zip")
    assert releases.load(folder).tables["vmp"]["loaded"] == len(VMP)
    other = made.copy()
    other.of("vmp", "VMP")[0]["NM"] = "Something else"
    other.write(folder / "other.zip")
    with pytest.raises(DataError, match="one file of each kind"):
        releases.load(folder)


def test_other_content_of_the_same_date_lies_beside_it(releases: Releases) -> None:
    made = SmallRelease()
    first = load(releases, made)
    made.of("vmp", "VMP")[0]["NM"] = "Oldazole 5mg tablets (again)"
    second = load(releases, made)
    assert first.name == "dmd-2025-08-14"
    assert second.name.startswith("dmd-2025-08-14-")
    assert set(releases.names()) == {first.name, second.name}


@pytest.mark.parametrize("kind", CORE)
def test_a_release_without_one_of_its_files_is_refused(releases: Releases, kind: str) -> None:
    made = SmallRelease()
    with pytest.raises(DataError, match=f"f_{kind}2_"):
        load(releases, made, *(k for k in CORE if k != kind))


def test_a_wrong_check_digit_is_refused_with_its_record(releases: Releases) -> None:
    wrong = VMP["pair"][:-1] + str((int(VMP["pair"][-1]) + 1) % 10)
    words = refused(releases, lambda m: m.of("vmp", "VMP")[2].update(VPID=wrong))
    assert "f_vmp2_3140825.xml VMPS/VMP[3] VPID" in words
    assert "check digit" in words
    assert wrong in words


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda m: m.of("vmp", "VMP")[1].update(VTMID=made_up(9)), "VMPS/VMP[2] VTMID"),
        (lambda m: m.of("vmp", "VPI")[0].update(ISID=made_up(9)), "VPI[1] ISID"),
        (lambda m: m.of("vmpp", "VMPP")[1].update(VPID=made_up(9)), "VMPPS/VMPP[2] VPID"),
        (lambda m: m.of("amp", "AMP")[2].update(VPID=made_up(9)), "AMPS/AMP[3] VPID"),
        (lambda m: m.of("ampp", "AMPP")[0].update(APID=made_up(9)), "AMPPS/AMPP[1] APID"),
        (lambda m: m.of("ampp", "AMPP")[0].update(VPPID=made_up(9)), "AMPPS/AMPP[1] VPPID"),
        (lambda m: m.of("vmp", "CONTROL_INFO")[0].update(VPID=made_up(9)), "CONTROL_INFO[1] VPID"),
    ],
)
def test_a_reference_that_is_not_met_is_refused(
    releases: Releases, change: Change, place: str
) -> None:
    words = refused(releases, change)
    assert place in words
    assert made_up(9) in words


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda m: m.of("vmp", "VMP")[0].update(PRES_STATCD="0099"), "VMPS/VMP[1] PRES_STATCD"),
        (lambda m: m.of("vmp", "CONTROL_INFO")[1].update(CATCD="0099"), "CONTROL_INFO[2] CATCD"),
    ],
)
def test_a_safety_code_that_the_lookup_lacks_is_refused(
    releases: Releases, change: Change, place: str
) -> None:
    assert place in refused(releases, change)


def test_another_code_that_the_lookup_lacks_is_odd(releases: Releases) -> None:
    made = SmallRelease()
    made.of("vmp", "DFORM")[0]["FORMCD"] = made_up(9)
    report = load(releases, made)
    assert any("FORM lacks" in a.what and a.examples == (made_up(9),) for a in report.anomalies)
    assert rows(releases, "product")[VMP["tablet"]]["form"] is None


def test_a_code_described_twice_is_odd_or_refused(releases: Releases) -> None:
    def twice(made: SmallRelease, name: str) -> None:
        first = made.rows[("lookup", name, "INFO")][0]
        made.rows[("lookup", name, "INFO")].append({**first, "DESC": "Something else"})

    words = refused(releases, lambda m: twice(m, "CONTROL_DRUG_CATEGORY"))
    assert "CONTROL_DRUG_CATEGORY" in words
    made = SmallRelease()
    twice(made, "FORM")
    report = load(releases, made)
    assert any("described twice" in a.what for a in report.anomalies)


def test_progress_is_told_to_the_end(releases: Releases, tmp_path: Path) -> None:
    told: list[float] = []
    path = SmallRelease().write(tmp_path / "a.zip")
    releases.load(path, progress=lambda what, done: told.append(done))
    assert told == sorted(told)
    assert 0 < told[0] < told[-1] < 1


def test_an_id_twice_is_refused(releases: Releases) -> None:
    words = refused(releases, lambda m: m.of("amp", "AMP")[1].update(APID=AMP["tablet"]))
    assert "AMPS/AMP[2] APID" in words
    words = refused(releases, lambda m: m.of("vmp", "CONTROL_INFO")[1].update(VPID=VMP["tablet"]))
    assert "CONTROL_INFO[2] VPID" in words


def test_an_id_at_two_levels_is_refused(releases: Releases) -> None:
    def change(made: SmallRelease) -> None:
        made.of("ampp", "AMPP")[1]["APPID"] = VMPP["brand"]

    assert "one level only" in refused(releases, change)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.of("vmp", "VMP")[3].update(DF_INDCD="one"), "VMP[4]"),
        (lambda m: m.of("vmp", "VMP")[3].pop("NM"), "VMP[4]"),
        (lambda m: m.of("vmp", "VMP")[4].update(WHAT="x"), "VMP[5]"),
        (lambda m: m.of("vmp", "VMP")[0].update(VPIDDT="1 Jan"), "VMP[1]"),
    ],
)
def test_what_the_xsd_forbids_is_refused_with_its_line(
    releases: Releases, change: Change, said: str
) -> None:
    words = refused(releases, change)
    assert said in words
    assert "f_vmp2_3140825.xml" in words


def test_the_line_is_that_of_the_file(releases: Releases, tmp_path: Path) -> None:
    made = SmallRelease()
    made.of("vmp", "VMP")[4]["WHAT"] = "x"
    line = next(
        i for i, text in enumerate(made.xml("vmp").split("\n"), start=1) if "<WHAT>" in text
    )
    with pytest.raises(DataError, match=f"line {line}, VMP\\[5\\].*WHAT"):
        load(releases, made)


def test_without_its_xsd_the_columns_are_still_checked(releases: Releases, tmp_path: Path) -> None:
    made = SmallRelease()
    report = releases.load(made.write(tmp_path / "a.zip", schemas=False))
    assert any("Not checked against an XSD" in note for note in report.notes)
    for cells, said in (
        ({"DF_INDCD": "one"}, "DF_INDCD.*code of digits"),
        ({"UDFS": "NaN"}, "UDFS.*a number"),
        ({"UDFS": "-1"}, "UDFS.*a number"),
        ({"SUG_F": "7"}, "SUG_F.*0 or 1"),
        ({"VPIDDT": "2015-13-01"}, "VPIDDT.*a date"),
        ({"NM": " "}, "NM.*a value"),
    ):
        wrong = SmallRelease()
        wrong.of("vmp", "VMP")[0].update(cells)
        with pytest.raises(DataError, match=said):
            releases.load(wrong.write(tmp_path / "b.zip", schemas=False))


@pytest.mark.parametrize("more", ["<NM>Another</NM>", "<ABBREVNM><b>x</b></ABBREVNM>"])
def test_without_its_xsd_an_element_is_there_once_with_text_only(
    releases: Releases, tmp_path: Path, more: str
) -> None:
    files = SmallRelease().files(schemas=False)
    name = SmallRelease().name("vmp")
    files[name] = files[name].replace("</VMP>", f"{more}</VMP>", 1)
    with pytest.raises(DataError, match=r"VMPS/VMP\[1\].*each element once"):
        releases.load(write_zip(tmp_path / "a.zip", files))


def test_a_document_type_is_refused_before_anything_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "f_vmp2_3140825.xml"
    path.write_text("<?xml version='1.0'?><!-- x --><!DOCTYPE VMPS [<!ENTITY a 'b'>]><VMPS/>")
    with Source(path) as source, pytest.raises(DataError, match="document type"):
        head_of(source.entries[0])


def test_an_xsd_of_another_name_is_found_by_its_root(releases: Releases, tmp_path: Path) -> None:
    made = SmallRelease()
    made.of("vmp", "VMP")[0]["NEWCD"] = "1"
    files = made.files()
    files["other.xsd"] = files.pop(SCHEMA["vmp"][2])
    with pytest.raises(DataError, match=r"VMP\[1\].*NEWCD"):
        releases.load(write_zip(tmp_path / "a.zip", files))


def test_what_a_later_schema_adds_is_left_out_and_said(releases: Releases, tmp_path: Path) -> None:
    made = SmallRelease()
    made.of("vmp", "VMP")[0]["NEWCD"] = "1"
    files = made.files(schemas=False)
    name = made.name("vmp")
    files[name] = files[name].replace("</VMPS>", "</VMPS><NEWS><NEW/><NEW/></NEWS>")
    files[name] = files[name].replace("</VMP>\n<VMP>", "</VMP>\n<ODD/><VMP>", 1)
    report = releases.load(write_zip(tmp_path / "a.zip", files))
    said = {a.what.split(": ", 1)[1]: a.count for a in report.anomalies if "not known" in a.what}
    assert said == {
        "NEWS is not known and was left out": 2,
        "VMPS/ODD is not known and was left out": 1,
        "vmp: NEWCD is not known and was left out": 1,
    }
    assert report.tables["vmp"]["loaded"] == len(VMP)


def test_an_empty_section_may_be_missing(releases: Releases, tmp_path: Path) -> None:
    files = SmallRelease().files()
    name = SmallRelease().name("ampp")
    files[name] = files[name].replace("<COMB_CONTENT>\n</COMB_CONTENT>", "")
    report = releases.load(write_zip(tmp_path / "a.zip", files))
    assert any("COMB_CONTENT is missing" in a.what for a in report.anomalies)
    files[name] = files[name].replace("AMPPS", "COMB_CONTENT")
    with pytest.raises(DataError, match=r"f_ampp2.*line"):
        releases.load(write_zip(tmp_path / "b.zip", files))


def test_a_file_that_is_another_is_refused(releases: Releases, tmp_path: Path) -> None:
    files = SmallRelease().files()
    made = SmallRelease()
    files[made.name("vmp")], files[made.name("amp")] = (
        files[made.name("amp")],
        files[made.name("vmp")],
    )
    with pytest.raises(DataError, match="root element VIRTUAL_MED_PRODUCTS is expected"):
        releases.load(write_zip(tmp_path / "a.zip", files))
    files = SmallRelease().files()
    files["vmps.xml"] = files.pop(made.name("vmp"))
    with pytest.raises(DataError, match=r"vmps.xml.*release date"):
        releases.load(write_zip(tmp_path / "b.zip", files))


@pytest.mark.parametrize(
    "text",
    [
        "<xs:schema",
        "<not-a-schema/>",
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:import '
        'namespace="x" schemaLocation="file:///etc/passwd"/></xs:schema>',
    ],
)
def test_a_wrong_xsd_is_refused(releases: Releases, tmp_path: Path, text: str) -> None:
    files = SmallRelease().files()
    files[SCHEMA["vmp"][2]] = text
    with pytest.raises(DataError, match=r"vmp_v2_3.xsd"):
        releases.load(write_zip(tmp_path / "a.zip", files))


def test_no_document_type_no_entities(releases: Releases, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    files = SmallRelease().files(schemas=False)
    name = SmallRelease().name("vmp")
    root = "VIRTUAL_MED_PRODUCTS"
    files[name] = f'<!DOCTYPE {root} [<!ENTITY x SYSTEM "{secret.as_uri()}">]>' + files[
        name
    ].replace("Brandol 40mg tablets", "&x;")
    with pytest.raises(DataError, match="document type"):
        releases.load(write_zip(tmp_path / "a.zip", files))


@pytest.mark.slow
@pytest.mark.parametrize("schemas", [True, False])
def test_a_file_cut_off_anywhere_is_refused(
    releases: Releases, tmp_path: Path, schemas: bool
) -> None:
    files = SmallRelease().files(schemas=schemas)
    name = SmallRelease().name("vtm")
    whole = files[name]
    for size in range(0, len(whole), 41):
        files[name] = whole[:size]
        with pytest.raises(DataError, match=r"f_vtm2_3140825.xml"):
            releases.load(write_zip(tmp_path / "a.zip", files))
    files[name] = whole[:-1]
    with pytest.raises(DataError, match=r"f_vtm2_3140825.xml line"):
        releases.load(write_zip(tmp_path / "a.zip", files))


def test_a_damaged_member_is_refused(releases: Releases, tmp_path: Path) -> None:
    path = SmallRelease().write(tmp_path / "a.zip")
    with zipfile.ZipFile(path) as pack:
        info = pack.getinfo(SmallRelease().name("ampp"))
    content = bytearray(path.read_bytes())
    content[info.header_offset + 60] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"f_ampp2_3140825.xml.*undamaged"):
        releases.load(path)


def test_a_table_that_shrinks_stops_and_asks(releases: Releases) -> None:
    first = SmallRelease()
    load(releases, first)
    later = SmallRelease()
    later.date = "210825"
    del later.of("amp", "AMP")[1]
    with pytest.raises(DataError) as error:
        load(releases, later)
    assert "amp " in str(error.value)
    assert "2 rows of 3" in str(error.value)
    assert "--accept-loss" in str(error.value)
    assert releases.names() == ["dmd-2025-08-14"]
    assert load(releases, later, accept_loss=True).in_use == "dmd-2025-08-21"


def test_an_older_release_is_not_compared_with_a_newer_one(releases: Releases) -> None:
    load(releases, SmallRelease())
    older = SmallRelease()
    older.date = "070825"
    del older.of("amp", "AMP")[1]
    report = load(releases, older)
    assert report.name == "dmd-2025-08-07"
    assert report.in_use == "dmd-2025-08-14"


def test_a_history_that_runs_in_a_circle_is_said(releases: Releases) -> None:
    made = SmallRelease()
    steps = [(FORMER[3], FORMER[4]), (FORMER[4], FORMER[3]), (FORMER[5], VMP["tablet"])]
    steps += [(FORMER[5], VMP["liquid"])]
    made.rows[("history", "VMPS", "VMP")] = [
        {"IDPREVIOUS": old, "IDCURRENT": new, "STARTDT": "2010-01-01"} for old, new in steps
    ]
    report = load(releases, made, *SUPPLEMENT)
    said = {a.what.split(",")[0]: a.count for a in report.anomalies}
    assert said == {
        "former ids with several successors": 1,
        "former ids whose chain runs in a circle": 2,
    }
    for code in FORMER[3:6]:
        assert releases.resolve(code) == code
    assert releases.in_use().trace(FORMER[5]).successors == tuple(
        sorted((VMP["tablet"], VMP["liquid"]))
    )


def test_an_id_that_came_into_use_again_is_current(releases: Releases) -> None:
    made = SmallRelease()
    made.rows[("history", "VMPS", "VMP")] = [
        {"IDPREVIOUS": FORMER[3], "IDCURRENT": VMP["liquid"], "STARTDT": "2002-01-01"},
        {"IDPREVIOUS": FORMER[3], "IDCURRENT": FORMER[3], "STARTDT": "2016-01-01"},
    ]
    load(releases, made, *SUPPLEMENT)
    assert releases.in_use().trace(FORMER[3]).state == "current"


def test_the_source_rows_are_kept_word_for_word(releases: Releases) -> None:
    load(releases, SmallRelease())
    release = releases.current("dmd")
    assert release is not None
    kept = release.table("source/vmpp")
    assert kept["QTYVAL"].to_pylist() == ["28.0", "28.0"]
    lookup = release.table("lookup")
    status = lookup.filter(pc.equal(lookup["list"], "VIRTUAL_PRODUCT_PRES_STATUS"))
    assert status["code"].to_pylist() == ["0001", "0006"]
