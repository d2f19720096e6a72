"""Checking code lists: what is stale, missing or strange is found, and what is not is left alone."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pytest

from counterfoil.foundation.errors import DataError
from counterfoil.terminology.check import Against, Finding, Report, check
from counterfoil.terminology.codelists import CodeList, read_codelist
from counterfoil.terminology.collect import collect, read_items
from counterfoil.terminology.ids import check_digit
from counterfoil.terminology.products import Products, amount_of, drug_and_form, route_of
from counterfoil.terminology.releases import Releases
from counterfoil.terminology.releases.history import History
from counterfoil.terminology.releases.source import Source
from counterfoil.terminology.snomed import Snomed, read_rf2
from rf2 import POSSIBLY, REPLACED_BY, own, write_rf2
from support import needs_shared, shared


def dmd(number: int) -> str:
    digits = f"{number}100000110"
    return digits + check_digit(digits)


def core(number: int) -> str:
    digits = f"{number}00"
    return digits + check_digit(digits)


def products(
    names: dict[int, str],
    *,
    brands: dict[int, tuple[str, int]] | None = None,
    former: dict[str, list[int]] | None = None,
    invalid: tuple[int, ...] = (),
) -> Products:
    rows = [
        {"id": dmd(n), "level": "VMP", "name": name, "invalid": n in invalid}
        for n, name in names.items()
    ]
    rows += [
        {"id": dmd(n), "level": "AMP", "name": name, "vmp_id": dmd(vmp), "invalid": False}
        for n, (name, vmp) in (brands or {}).items()
    ]
    steps = [(old, dmd(new)) for old, several in (former or {}).items() for new in several]
    return Products.of(pa.Table.from_pylist(rows, schema=PRODUCT), History(steps))


PRODUCT = pa.schema(
    [
        *((n, pa.string()) for n in ("id", "level", "name", "vmp_id", "atc")),
        ("invalid", pa.bool_()),
    ]
)
STRENGTHS = {1: "Examplol 5mg tablets", 2: "Examplol 10mg tablets", 3: "Examplol 20mg tablets"}


def listed(folder: Path, rows: dict[str, str], name: str = "one") -> CodeList:
    path = folder / f"{name}.csv"
    body = "".join(f'{code},"{term}"\n' for code, term in rows.items())
    path.write_text(f"dmd_id,term\n{body}", "utf-8")
    return read_codelist(path)


def found(report: Report) -> list[tuple[str, str]]:
    return [(f.kind, f.id) for f in report.findings]


def look(folder: Path, rows: dict[str, str], known: Products) -> list[Finding]:
    return list(check([listed(folder, rows)], Against(known)).findings)


@pytest.mark.parametrize(
    ("name", "drug", "form"),
    [
        ("Examplol 5mg/5ml oral solution sugar free", "examplol", "oral solution"),
        ("Perindopril erbumine 4mg / Indapamide 1.25mg tablets", "perindopril erbumine / indapamide", "tablets"),
        ("Warfarin 500microgram tablets", "warfarin", "tablets"),
        ("Heparin 5,000units/5ml solution for injection ampoules", "heparin", "solution for injection ampoules"),
        ("Macrogol compound oral powder", "macrogol compound oral powder", ""),
        ("Co-amoxiclav 250mg/125mg tablets", "co-amoxiclav", "tablets"),
    ],
)  # fmt: skip
def test_a_name_is_taken_apart_into_drug_and_form(name: str, drug: str, form: str) -> None:
    assert drug_and_form(name) == (drug, form)


def test_a_strength_is_compared_in_one_unit() -> None:
    amounts = [amount_of(f"Examplol {s} tablets") for s in ("500microgram", "1mg", "1.5g", "")]
    assert amounts == [(500, "microgram"), (1000, "microgram"), (1_500_000, "microgram"), None]


@pytest.mark.parametrize(
    ("form", "route"),
    [
        ("oral solution unit dose vials", "oral"),
        ("solution for injection vials", "injected"),
        ("eye drops", "eye"),
        ("modified-release tablets", "oral"),
        ("nebuliser liquid unit dose vials", "inhaled"),
        ("something else", ""),
    ],
)
def test_a_form_shows_its_route(form: str, route: str) -> None:
    assert route_of(form) == route


def test_a_former_id_is_found_where_its_successor_is_not_listed(tmp_path: Path) -> None:
    known = products(STRENGTHS, former={core(7101): [1], core(7102): [2]})
    rows = {core(7101): "Examplol 5mg tablets", core(7102): "old", dmd(2): "b", dmd(3): "c"}
    findings = look(tmp_path, rows, known)
    assert [(f.kind, f.id, f.name, f.sure) for f in findings] == [
        ("former_id", dmd(1), "Examplol 5mg tablets", True)
    ]
    assert [(e.code, e.row) for e in findings[0].listed] == [(core(7101), 2)]
    summary = check([listed(tmp_path, rows)], Against(known)).summaries[0]
    assert (summary.ids, summary.current, summary.former, summary.not_checked) == (4, 2, 2, 0)


def test_a_former_id_with_two_successors_leaves_the_choice_to_a_person(tmp_path: Path) -> None:
    known = products(STRENGTHS, former={core(7101): [1, 2]})
    findings = look(tmp_path, {core(7101): "x", dmd(3): "c"}, known)
    assert [(f.kind, f.id, f.sure) for f in findings] == [
        ("former_id", dmd(2), False),
        ("former_id", dmd(1), False),
    ]
    assert look(tmp_path, {core(7101): "x", dmd(1): "a", dmd(2): "b", dmd(3): "c"}, known) == []


def test_a_product_listed_by_name_under_an_id_nobody_knows_is_found(tmp_path: Path) -> None:
    rows = {core(9901): "examplol 5mg  tablets", dmd(2): "b", dmd(3): "c"}
    findings = look(tmp_path, rows, products(STRENGTHS))
    assert [(f.kind, f.id) for f in findings] == [("other_id", dmd(1))]


def test_a_missing_strength_is_found_where_most_of_them_are_listed(tmp_path: Path) -> None:
    known = products(STRENGTHS)
    assert [(f.kind, f.id) for f in look(tmp_path, {dmd(1): "a", dmd(2): "b"}, known)] == [
        ("sibling_missing", dmd(3))
    ]
    assert look(tmp_path, {dmd(1): "only one of three"}, known) == []
    assert look(tmp_path, {dmd(n): "all" for n in STRENGTHS}, known) == []


def test_an_invalid_strength_is_not_missing(tmp_path: Path) -> None:
    known = products(STRENGTHS, invalid=(3,))
    assert look(tmp_path, {dmd(1): "a", dmd(2): "b"}, known) == []
    assert look(tmp_path, {dmd(1): "a", dmd(2): "b", dmd(3): "c"}, known) == []


def test_a_list_that_chooses_high_strengths_lacks_no_low_ones(tmp_path: Path) -> None:
    names = {
        10 * drug + i: f"Drug{drug} {mg}mg tablets"
        for drug in (1, 2)
        for i, mg in enumerate((5, 10, 20, 40, 80))
    }
    known = products(names)
    high = {dmd(10 * drug + i): "x" for drug in (1, 2) for i in (2, 3, 4)}
    report = check([listed(tmp_path, high)], Against(known))
    assert report.findings == ()
    assert "choose by strength" in report.summaries[0].notes[0]
    low = {dmd(10 * drug + i): "x" for drug in (1, 2) for i in (0, 1, 2)}
    assert len(look(tmp_path, low, known)) == 4


def test_what_does_not_fit_nearly_all_others_is_found(tmp_path: Path) -> None:
    names = {n: f"Drug{chr(65 + n)} 5mg tablets" for n in range(1, 25)}
    names[30] = "DrugZ 5mg/1ml solution for injection ampoules"
    known = products(names)
    findings = look(tmp_path, {dmd(n): "x" for n in names}, known)
    assert [(f.kind, f.id) for f in findings] == [("does_not_fit", dmd(30))]
    assert "24 of 25 have oral" in findings[0].why
    few = {dmd(n): "x" for n in (*range(1, 9), 30)}
    assert look(tmp_path, few, known) == []


def test_brands_are_judged_only_where_the_release_holds_brands(tmp_path: Path) -> None:
    rows = {dmd(101): "Brandol 5mg tablets (Some Ltd)", dmd(999): "Gone 5mg tablets (Old Ltd)"}
    one = {1: "Examplol 5mg tablets"}
    report = check([listed(tmp_path, rows)], Against(products(one)))
    assert (report.findings, report.summaries[0].not_checked) == ((), 2)
    brands = {101: ("Brandol 5mg tablets", 1), 102: ("Otherol 5mg tablets", 1)}
    known = products(one, brands=brands)
    assert [(f.kind, f.id) for f in look(tmp_path, rows, known)] == [
        ("generic_missing", dmd(1)),
        ("unknown_id", dmd(999)),
    ]
    findings = look(tmp_path, {dmd(1): "a", dmd(101): "b"}, known)
    assert [(f.kind, f.id) for f in findings] == [("brands_missing", dmd(1))]
    assert findings[0].why == "1 of 2 brands: Otherol 5mg tablets"


def test_suppliers_products_alone_show_that_the_generic_one_is_missing(tmp_path: Path) -> None:
    rows = {dmd(901): "Examplol 5mg tablets (Some (UK) Ltd)", dmd(2): "b", dmd(3): "c"}
    assert [(f.kind, f.id) for f in look(tmp_path, rows, products(STRENGTHS))] == [
        ("generic_missing", dmd(1))
    ]


def test_the_most_dispensed_come_first(tmp_path: Path) -> None:
    known = products(STRENGTHS, former={core(7101): [1], core(7102): [2]})
    one = listed(tmp_path, {core(7101): "x", core(7102): "y", dmd(3): "z"})
    report = check([one], Against(known, None, {dmd(2): 7, dmd(1): 3}))
    assert [(f.id, f.items) for f in report.findings] == [(dmd(2), 7), (dmd(1), 3)]


def test_concepts_are_held_against_snomed(tmp_path: Path) -> None:
    folder = write_rf2(
        tmp_path / "rf2",
        [(2, 1), (3, 1)],
        inactive=[8, 9, 10],
        history=[(8, REPLACED_BY, 2), (9, POSSIBLY, 2), (9, POSSIBLY, 3), (10, REPLACED_BY, 1)],
    )
    with Source(folder) as source:
        snomed = Snomed(read_rf2(source.entries))
    path = tmp_path / "c.csv"
    path.write_text("code,term\n" + "".join(f"{own(n)},x\n" for n in (1, 8, 9, 10, 77)), "utf-8")
    report = check([read_codelist(path)], Against(None, snomed))
    assert {(f.kind, f.id, f.sure) for f in report.findings} == {
        ("inactive", own(2), True),
        ("inactive", own(2), False),
        ("inactive", own(3), False),
        ("unknown_id", own(77), True),
    }
    nothing = check([read_codelist(path)], Against())
    assert (nothing.findings, nothing.summaries[0].not_checked) == ((), 5)


def test_lists_of_both_systems_are_found(tmp_path: Path) -> None:
    clinical = f"7{'1000000'}10"
    rows = {dmd(1): "a", dmd(2): "b", dmd(3): "c", clinical + check_digit(clinical): "d"}
    findings = look(tmp_path, rows, products(STRENGTHS))
    assert [(f.kind, len(f.listed)) for f in findings] == [("mixed_systems", 1)]


def test_a_folder_gives_its_lists_and_says_what_is_none(tmp_path: Path) -> None:
    listed(tmp_path, {dmd(1): "a"}, "good")
    (tmp_path / "bad.csv").write_text("code,term\n1.96E+14,a\n", "utf-8")
    (tmp_path / "index.csv").write_text("file,rows\ngood.csv,1\n", "utf-8")
    (tmp_path / "README.md").write_text("words", "utf-8")
    seen = collect([tmp_path])
    assert [x.name for x in seen.lists] == ["good"]
    assert [name for name, _ in seen.unreadable] == ["bad"]
    assert seen.passed_over == ("README.md", "index.csv")
    with pytest.raises(DataError, match="nothing there"):
        collect([tmp_path / "nowhere"])


def test_items_are_summed_by_product_and_a_wrong_number_has_its_row(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("bnf_code,items,vpid\nx,3,1\ny,4,1\nz,9,\n", "utf-8")
    assert read_items(path) == {"1": 7}
    path.write_text("items,vpid\nmany,1\n", "utf-8")
    with pytest.raises(DataError, match="row 2, column items"):
        read_items(path)
    path.write_text("a,b\n", "utf-8")
    with pytest.raises(DataError, match="vpid and items"):
        read_items(path)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    releases = Releases(tmp_path_factory.mktemp("home") / "terminology")
    releases.load(shared("terminology", "dmd_2025w34_vmp.parquet"))
    releases.load(shared("terminology", "nhsbsa_dmdbonus_2.2.0_20250217000001.zip"))
    used = releases.in_use()
    with shared("codelists", "INDEX.csv").open(encoding="utf-8", newline="") as file:
        names = [row["file"] for row in csv.DictReader(file) if row["kind"] == "dmd"]
    lists = [read_codelist(shared("codelists", name)) for name in names]
    items = read_items(shared("terminology", "bnf_presentation_items_2022-09_2023-08.csv.gz"))
    known = Products.of(used.products, used.history)
    return check(lists, Against(known, None, items))


@pytest.mark.slow
class TestPublished:
    """The 101 dm+d lists at hand, held against the product list of week 34, 2025."""

    pytestmark = needs_shared

    @pytest.mark.parametrize(
        ("name", "product"),
        [
            ("pincer-ppi", "Omeprazole 20mg gastro-resistant capsules"),
            ("pincer-antiplat", "Clopidogrel 75mg tablets"),
            ("pincer-non_asp_antiplate", "Clopidogrel 75mg tablets"),
            ("pincer-amio", "Amiodarone 200mg tablets"),
            ("pincer-aspirin", "Aspirin 75mg dispersible tablets"),
            ("pincer-anticoag", "Warfarin 1mg tablets"),
            ("pincer-acei", "Ramipril 5mg capsules"),
            ("pincer-lith", "Lithium carbonate 400mg modified-release tablets"),
        ],
    )
    def test_the_present_ids_of_common_products_are_missing(
        self, report: Report, name: str, product: str
    ) -> None:
        there = [f for f in report.findings if (f.list_name, f.name) == (name, product)]
        assert [f.kind for f in there] == ["other_id" if "lith" in name else "former_id"]

    def test_the_most_dispensed_missing_product_is_the_first_of_its_kind(
        self, report: Report
    ) -> None:
        former = [f for f in report.findings if f.kind == "former_id"]
        assert former[0].name == "Omeprazole 20mg gastro-resistant capsules"
        assert former[0].items > 30_000_000  # type: ignore[operator]
        assert len(former) == 603

    def test_a_list_brought_up_to_date_has_no_stale_product(self, report: Report) -> None:
        lists = {f.list_name for f in report.findings if f.kind == "former_id"}
        assert not {"pincer-nsaid", "pincer-diur"} & lists
