"""How a dose and a drug name are shown: word by word, with the sums, the family and the rules."""

from __future__ import annotations

import pytest

from counterfoil.service.pages.presenters import dose as doses
from counterfoil.service.pages.presenters import medicines


def test_every_stretch_of_a_dose_says_what_it_was_taken_for() -> None:
    shown = doses.dose_page("ONE or TWO tablets every 4 to 6 hours prn, max 8 in 24 hours", "")
    said = [(s.text, s.sort) for s in shown.stretches if s.sort]
    assert said == [
        ("ONE or TWO tablets", "amount"),
        ("every 4 to 6 hours", "how often"),
        ("prn", "only when needed"),
        ("max 8 in 24 hours", "at most"),
    ]
    assert shown.status == "Read"
    assert shown.per_day == "0 to 8 tablets a day"
    assert shown.working[0] == "1 to 2 tablets \N{MULTIPLICATION SIGN} 4 to 6 = 4 to 12 a day"
    assert "none on some days" in shown.working[-1]


def test_the_sum_counts_ingredient_and_week() -> None:
    shown = doses.dose_page("Six tablets once a week", "Methotrexate 2.5mg tablets")
    assert shown.per_day == "6/7 (about 0.86) tablets a day"
    assert "\N{DIVISION SIGN} 7 days" in shown.working[0]
    assert shown.working[1] == "Methotrexate: 15/7 (about 2.14) mg a day"
    assert shown.guard == "It is taken once a week."


def test_a_conflict_gives_no_amount_and_says_both_sides() -> None:
    shown = doses.dose_page("Six tablets daily", "Methotrexate 2.5mg tablets")
    assert (shown.status, shown.colour, shown.per_day) == ("Conflict", "red", "")
    assert "once a week" in shown.conflicts[0]
    assert "once a day" in shown.conflicts[0]
    assert shown.unknown == ()
    assert all(line.a_day == "" for line in shown.steps)


def test_what_is_not_understood_is_marked_and_never_summed() -> None:
    shown = doses.dose_page("one tablet flurble six weekly", "")
    missed = {s.text: s.sort for s in shown.stretches if s.style == "missed"}
    assert missed == {"flurble": "not understood", "six weekly": "two ways"}
    assert shown.status == "Left to a person"
    assert (shown.per_day, shown.english, shown.steps) == ("", "", ())


def test_steps_have_an_amount_a_day_of_their_own() -> None:
    shown = doses.dose_page("30mg od for 5 days then reduce by 10mg every 3 days until stopped", "")
    assert [(s.number, s.amount, s.lasts, s.a_day) for s in shown.steps] == [
        ("1", "30 mg", "5 days", "30 mg"),
        ("2", "20 mg", "3 days", "20 mg"),
        ("3", "10 mg", "3 days", "10 mg"),
    ]
    assert shown.per_day == ""


def test_a_product_is_named_offered_or_not_known() -> None:
    assert doses.product_read("") is None
    exact = doses.product_read("Paracetamol 500mg tablets")
    assert exact is not None
    assert (exact.name, exact.words) == ("Paracetamol 500mg tablets", "")
    part = doses.product_read("paracetamol")
    assert part is not None
    assert part.name == ""
    assert "Paracetamol 500mg tablets" in part.choices
    nothing = doses.product_read("flurble")
    assert nothing is not None
    assert nothing.choices == ()
    assert "No product of this name" in nothing.words


def test_a_name_finds_products_and_sets() -> None:
    found = medicines.look_up("methotrexate")
    assert any(p.name == "Methotrexate 2.5mg tablets" for p in found.products)
    assert "methotrexate_oral" in [s.name for s in found.sets]
    assert found.note.startswith("As the name of a medicine this is read as")


def test_a_product_shows_family_sets_and_rules() -> None:
    line = next(p for p in medicines.look_up("Maxtrex 2.5mg tablets").products)
    shown = medicines.product_page(line.id)
    assert shown is not None
    assert shown.level == "brand"
    family = {f.generic.name: [b.name for b in f.brands] for f in shown.family}
    assert family["Methotrexate 2.5mg tablets"] == ["Maxtrex 2.5mg tablets"]
    assert [b.name for f in shown.family for b in f.brands if b.current] == [shown.name]
    assert ("methotrexate_oral", "belongs") in [(s.name, s.belongs) for s in shown.sets]
    assert "monitoring.methotrexate" in [r.name for r in shown.rules]
    assert "once a week" in shown.flags
    assert ("Own id", shown.id) in shown.facts


def test_a_code_shows_each_set_that_holds_it_once() -> None:
    (line,) = medicines.look_up("1011481000000105").codes
    assert {s.name for s in line.sets} >= {"egfr"}
    rows = medicines.look_up("egfr").codes
    assert len({r.code for r in rows}) == len(rows)


@pytest.mark.parametrize(
    ("typed", "why"), [("22298006", "well-formed"), ("22298007", "check digit does not fit")]
)
def test_an_unknown_id_says_why_nothing_is_shown(typed: str, why: str) -> None:
    found = medicines.look_up(typed)
    assert found.empty
    assert why in found.note


def test_a_set_shows_its_source_and_the_rules_that_use_it() -> None:
    shown = medicines.set_page("nsaid_oral")
    assert shown is not None
    assert (shown.status, shown.kind) == ("read", "drug set")
    assert dict(shown.says)["Routes"] == "oral"
    assert shown.products
    assert all(p.level == "generic product" for p in shown.products)
    assert any(r.name.startswith("safety.nsaid") for r in shown.rules)
    codes = medicines.set_page("egfr")
    assert codes is not None
    assert len(codes.codes) == 12
    assert medicines.set_page("flurble") is None
    assert medicines.product_page("flurble") is None


def test_every_set_and_every_rule_of_it_can_be_opened() -> None:
    for line in medicines.all_sets():
        assert medicines.set_page(line.name) is not None
