"""The formulary's rows: enough of them, whole, and saying what the rest of the house relies on."""

from __future__ import annotations

import re

import pytest

from counterfoil.foundation.errors import DataError
from counterfoil.terminology import formulary
from counterfoil.terminology.model import Product
from counterfoil.terminology.strengths import in_units

FLAGS = {
    "high_risk", "weekly", "anticoagulant", "antiplatelet", "insulin", "opioid", "dmard", "lithium",
    "antiepileptic", "digoxin", "amiodarone", "steroid", "cytotoxic", "critical",
}  # fmt: skip


def product(name: str) -> Product:
    found = next((p for p in formulary().products if p.name == name), None)
    assert found is not None, f"{name} is not in the formulary"
    return found


def test_it_holds_at_least_four_hundred_generics_and_their_common_brands() -> None:
    levels = [p.level for p in formulary().products]
    assert levels.count("VMP") >= 400
    assert levels.count("AMP") >= 300


def test_names_and_ids_are_unique() -> None:
    products = formulary().products
    assert len({p.id for p in products}) == len(products)
    assert len({p.name.lower() for p in products}) == len(products)


def test_every_product_is_whole() -> None:
    for p in formulary().products:
        assert p.form, p.name
        assert p.route, p.name
        assert p.unit_dose, p.name
        assert p.drug_class, p.name
        assert p.ingredients, p.name
        assert all(i == i.lower().strip() for i in p.ingredients), p.name
        assert len(p.strengths) == len(p.ingredients), p.name
        assert not p.salts or len(p.salts) == len(p.ingredients), p.name
        assert p.flags <= FLAGS, p.name
        assert p.cd_schedule in {"", "2", "3", "4", "5"}, p.name


def test_a_brand_is_its_generic_with_a_name() -> None:
    for p in formulary().products:
        if p.level == "AMP":
            parent = formulary().by_id(p.vmp_id)
            assert parent is not None
            assert parent.level == "VMP"
            assert p.brand
            assert (p.ingredients, p.strengths, p.form, p.route, p.release, p.flags) == (
                parent.ingredients,
                parent.strengths,
                parent.form,
                parent.route,
                parent.release,
                parent.flags,
            )


def test_every_strength_in_a_generic_name_is_in_its_columns() -> None:
    """Told apart by another reading than the room's own; three odd kinds of name are left out."""
    number = re.compile(r"(\d[\d,]*(?:\.\d+)?)(?=mg|g\b|microgram|nanogram|unit|%)")
    for p in formulary().products:
        if p.level == "VMP" and not p.name.startswith(("Co-", "Lactulose", "Peppermint")):
            name = re.sub(r"\([^)]*\)", "", p.name)
            stated = [n.replace(",", "") for n in number.findall(in_units(name))]
            held = [str(s).split("/")[0] for s in p.strengths if s is not None]
            held = [re.sub(r"[a-z%]+$", "", h) for h in held]
            assert stated == held, p.name


WEEKLY = (
    "methotrexate",
    "alendronic acid 70mg",
    "risedronate sodium 35mg",
    "dulaglutide",
    "tirzepatide",
)


def test_weekly_drugs_are_flagged_weekly_and_daily_ones_are_not() -> None:
    for p in formulary().products:
        name = p.name.lower()
        generic = formulary().by_id(p.vmp_id)
        assert generic is not None
        plain = generic.name.lower()
        expected = plain.startswith(WEEKLY) or (
            plain.startswith("semaglutide") and p.form == "injection"
        )
        assert ("weekly" in p.flags) == expected, name


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("Methotrexate 2.5mg tablets", {"weekly", "high_risk", "dmard", "cytotoxic"}),
        ("Warfarin 3mg tablets", {"anticoagulant", "high_risk", "critical"}),
        ("Apixaban 5mg tablets", {"anticoagulant", "high_risk", "critical"}),
        ("Lithium carbonate 400mg modified-release tablets", {"lithium", "high_risk", "critical"}),
        ("Amiodarone 200mg tablets", {"amiodarone", "high_risk"}),
        ("Digoxin 125microgram tablets", {"digoxin", "high_risk"}),
        ("Clopidogrel 75mg tablets", {"antiplatelet"}),
        ("Aspirin 75mg dispersible tablets", {"antiplatelet"}),
        ("Phenytoin sodium 100mg capsules", {"antiepileptic", "critical", "high_risk"}),
        ("Prednisolone 5mg tablets", {"steroid", "critical"}),
        ("Morphine 10mg modified-release tablets", {"opioid", "high_risk"}),
        ("Atorvastatin 20mg tablets", set()),
    ],
)
def test_flags_of_drugs_the_rules_rely_on(name: str, flags: set[str]) -> None:
    assert product(name).flags == flags


@pytest.mark.parametrize(
    "drug",
    ["lithium carbonate", "lithium citrate", "theophylline", "aminophylline", "ciclosporin",
     "tacrolimus", "phenytoin", "carbamazepine", "phenobarbital", "primidone", "diltiazem"],
)  # fmt: skip
def test_brand_matters_for(drug: str) -> None:
    found = [p for p in formulary().products if drug in p.ingredients and p.route == "oral"]
    assert found
    assert all(p.brand_matters for p in found)


def test_brand_matters_for_insulin_and_modified_release_nifedipine_and_cfc_free_beclometasone() -> (
    None
):
    for p in formulary().products:
        insulin = "insulin" in p.flags
        nifedipine = p.ingredients == ("nifedipine",) and p.release == "modified-release"
        inhaler = p.ingredients == ("beclometasone",) and p.form == "inhaler"
        if insulin or nifedipine or inhaler:
            assert p.brand_matters, p.name


@pytest.mark.parametrize(
    ("name", "schedule"),
    [
        ("Morphine 10mg modified-release tablets", "2"),
        ("Morphine sulfate 10mg/5ml oral solution", "5"),
        ("Tramadol 50mg capsules", "3"),
        ("Pregabalin 75mg capsules", "3"),
        ("Temazepam 10mg tablets", "3"),
        ("Diazepam 5mg tablets", "4"),
        ("Zopiclone 7.5mg tablets", "4"),
        ("Co-codamol 30mg/500mg tablets", "5"),
        ("Methylphenidate 10mg tablets", "2"),
        ("Paracetamol 500mg tablets", ""),
    ],
)
def test_controlled_drug_schedules(name: str, schedule: str) -> None:
    assert product(name).cd_schedule == schedule


def test_linking_to_a_release_is_by_exact_name_only_and_changes_nothing_else() -> None:
    plain = formulary()
    linked = plain.linked({"Apixaban 5mg tablets": "11111", "apixaban 2.5mg TABLETS": "22222"})
    found = linked.by_id("11111")
    assert found is not None
    assert found.name == "Apixaban 5mg tablets"
    assert linked.by_id("22222") is None
    assert [p.id for p in linked.products] == [p.id for p in plain.products]
    assert linked.match("anything", "11111").product is not None


def test_a_wrong_row_is_named_with_its_file_and_row(monkeypatch: pytest.MonkeyPatch) -> None:
    module = __import__("counterfoil.terminology.own_products", fromlist=["_rows"])
    real = module._rows

    def broken(name: str) -> list[tuple[int, dict[str, str]]]:
        rows = real(name)
        if name == "formulary.csv":
            rows[3][1]["strengths"] = "forty"
        return rows

    monkeypatch.setattr(module, "_rows", broken)
    with pytest.raises(DataError, match=r"formulary\.csv row 5: a strength such as"):
        module.load_products()
