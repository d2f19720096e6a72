"""The published extract, the supplementary release and the product lists, as they were delivered.

Rows are counted a second time by a plain reader that shares nothing with the importer.
"""

from __future__ import annotations

import csv
import gzip
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from counterfoil.foundation.errors import DataError
from counterfoil.terminology.releases import Releases
from support import needs_shared, shared

pytestmark = [*needs_shared, pytest.mark.slow]

EXTRACT = "dmd_xml_2019-04_extract.zip"
SUPPLEMENT = "nhsbsa_dmdbonus_2.2.0_20250217000001.zip"
RECORDS = {
    "f_vtm2": {"VTM": "vtm"},
    "f_ingredient2": {"ING": "ingredient"},
    "f_lookup2": {"INFO": "lookup"},
    "f_vmp2": {
        "VMP": "vmp",
        "VPI": "vmp_ingredient",
        "ONT": "vmp_ont_form",
        "DFORM": "vmp_form",
        "DROUTE": "vmp_route",
        "CONTROL_INFO": "vmp_cd",
    },
    "f_vmpp2": {"VMPP": "vmpp", "DTINFO": "vmpp_tariff"},
    "f_amp2": {
        "AMP": "amp",
        "AP_ING": "amp_excipient",
        "LIC_ROUTE": "amp_route",
        "AP_INFO": "amp_information",
    },
    "f_ampp2": {
        "AMPP": "ampp",
        "PACK_INFO": "ampp_appliance",
        "PRESCRIB_INFO": "ampp_prescribing",
        "PRICE_INFO": "ampp_price",
        "REIMB_INFO": "ampp_reimbursement",
    },
    "f_gtin2": {"GTINDATA": "gtin"},
    "f_bnf1": {"VMP": "bnf_vmp"},
    "f_history1": dict.fromkeys("VTM VMP ING SUPP FORM ROUTE UOM".split(), "history"),  # noqa: SIM905
    "f_vtm_ing1": {"VTM_ING": "vtm_ingredient"},
}


def members(content: BytesIO | Path) -> Iterator[tuple[str, str]]:
    with zipfile.ZipFile(content) as pack:
        for name in pack.namelist():
            if name.endswith(".zip"):
                yield from members(BytesIO(pack.read(name)))
            elif name.endswith(".xml"):
                yield Path(name).name, pack.read(name).decode()


def counted(path: Path) -> Counter[str]:
    """Rows by table, by counting end tags in the text."""
    found: Counter[str] = Counter()
    for name, text in members(path):
        (tags,) = (t for start, t in RECORDS.items() if name.startswith(start + "_"))
        for tag, table in tags.items():
            found[table] += len(re.findall(f"</{tag}>", text))
    return +found


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    releases = Releases(tmp_path_factory.mktemp("home") / "terminology")
    for name in (EXTRACT, SUPPLEMENT):
        releases.load(shared("terminology", name))
    return releases


@pytest.mark.parametrize(
    ("name", "release"),
    [(EXTRACT, "dmd-2019-04-01"), (SUPPLEMENT, "dmd-supplement-2025-02-13")],
)
def test_row_counts_equal_the_files(loaded: Releases, name: str, release: str) -> None:
    assert loaded.get(release).counts == dict(counted(shared("terminology", name)))


def test_loading_them_again_changes_nothing(loaded: Releases) -> None:
    assert loaded.load(shared("terminology", EXTRACT)).already
    assert len(loaded.names()) == 2


def test_together_in_one_folder_their_dates_differ(tmp_path: Path) -> None:
    folder = tmp_path / "both"
    folder.mkdir()
    for name in (EXTRACT, SUPPLEMENT):
        (folder / name).write_bytes(shared("terminology", name).read_bytes())
    releases = Releases(tmp_path / "home")
    with pytest.raises(DataError, match=r"2019-04-01.*2025-02-13"):
        releases.load(folder)
    report = releases.load(folder, allow_mixed=True)
    both = counted(shared("terminology", EXTRACT)) + counted(shared("terminology", SUPPLEMENT))
    assert {k: v["loaded"] for k, v in report.tables.items()} == dict(both)


def test_the_extract_s_awkward_products(loaded: Releases) -> None:
    together = loaded.in_use()
    adenosine = "35894711000001106"
    release = loaded.get("dmd-2019-04-01")
    (strength,) = (r for r in release.table("strength").to_pylist() if r["product_id"] == adenosine)
    assert (strength["numerator"], strength["denominator"]) == ("3", "1")
    assert (strength["amount"], strength["amount_unit"]) == ("3000", "microgram/ml")
    coal_tar = together.ingredients("28946311000001106")
    assert [i.name for i in coal_tar] == ["Salicylic acid", "Coal tar"]
    product = together.product(adenosine) or {}
    assert product["previous_name"] == "Adenosine 3mg/ml injection 2ml vials"
    assert (product["form"], product["route"]) == ("Solution for injection", "Intravenous")
    assert loaded.resolve("347209005") == "36016311000001102"


def test_stale_ids_of_published_code_lists_resolve(loaded: Releases) -> None:
    """Every former VMP id that the history knows leads to one that is current there."""
    together = loaded.in_use()
    history = loaded.get("dmd-supplement-2025-02-13").table("source/history").to_pylist()
    vmps = [r for r in history if r["LEVEL"] == "VMPS"]
    current = {r["IDCURRENT"] for r in vmps if r["IDCURRENT"] == r["IDPREVIOUS"]}
    former = {r["IDPREVIOUS"] for r in vmps} - current
    with gzip.open(shared("terminology", "dmd_ids_seen_in_codelists.csv.gz"), "rt") as file:
        seen = [(r["dmd_id"], r["type"]) for r in csv.DictReader(file)]
    stale = [(code, type_) for code, type_ in seen if code in former]
    resolved = [code for code, _ in stale if together.resolve(code) in current]
    typed = [code for code, type_ in stale if type_ == "VMP"]
    print(f"{len(resolved)} of {len(stale)} former VMP ids resolve, {len(typed)} listed as VMP")
    assert len(typed) == 1168
    assert len(stale) == 1482
    assert len(resolved) == len(stale)


def test_the_product_lists_of_2025_load_with_every_row(tmp_path: Path) -> None:
    folder = tmp_path / "lists"
    folder.mkdir()
    rows = {}
    for level in ("vmp", "vmpp", "ampp"):
        path = shared("terminology", f"dmd_2025w34_{level}.parquet")
        (folder / path.name).write_bytes(path.read_bytes())
        rows[level] = pq.read_metadata(path).num_rows
    releases = Releases(tmp_path / "home")
    report = releases.load(folder)
    assert {k: v["loaded"] for k, v in report.tables.items()} == rows
    assert releases.in_use().products.num_rows == sum(rows.values()) == 165_718
    assert report.date == "2025-08-14"


def test_the_bnf_mapping_inside_the_extract_loads_on_its_own(tmp_path: Path) -> None:
    with zipfile.ZipFile(shared("terminology", EXTRACT)) as pack:
        (tmp_path / "mapping.xlsx").write_bytes(pack.read("mapping.xlsx"))
    releases = Releases(tmp_path / "home")
    counts = releases.load(tmp_path / "mapping.xlsx").tables["bnf_map"]
    assert counts == {"read": 56, "loaded": 56, "rejected": 0}
    release = releases.current("bnf")
    assert release is not None
    codes = dict(
        zip(*release.table("bnf_map", ["id", "bnf_code"]).to_pydict().values(), strict=True)
    )
    assert codes["347208002"] == "1106000X0AAAIAI"
