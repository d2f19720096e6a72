"""Before a set changes: who would enter, who would leave, and by which codes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from people import People

from counterfoil.foundation.days import to_day
from counterfoil.foundation.errors import DataError
from counterfoil.rules import load
from counterfoil.rules.set_changes import preview
from counterfoil.rules.sets import TerminologySets, check_sets
from counterfoil.terminology.codesets import (
    CodeSet,
    DrugSet,
    ProductSet,
    Source,
    load_codeset,
    load_drugset,
)

AS_OF = to_day(date(2026, 11, 20))
DAY = date(2026, 11, 1)
NSAID, PPI = "Ibuprofen 400mg tablets", "Omeprazole 20mg gastro-resistant capsules"
OTHER = "Famotidine 20mg tablets"
RULES = load()
RULE = next(r for r in RULES if r.drug_sets >= {"gastroprotection", "nsaid_oral"})


def people() -> People:
    made = People()
    for key in ("both", "h2", "bare", "young"):
        made.patient(key, born=date(1990, 1, 1) if key == "young" else date(1945, 1, 1))
        made.issued(key, NSAID, DAY, DAY)
    made.issued("both", PPI, DAY, DAY)
    made.issued("h2", OTHER, DAY, DAY)
    return made


def narrower() -> DrugSet:
    own = load_drugset("gastroprotection")
    return replace(
        own,
        version="2",
        classes=frozenset({"proton pump inhibitor"}),
        ingredients=frozenset({"omeprazole"}),
    )


def test_who_enters_is_named_with_the_product_that_makes_it_so() -> None:
    found = preview(
        people().tables(),
        RULES,
        AS_OF,
        TerminologySets(),
        TerminologySets({"gastroprotection": narrower()}),
    )
    assert [(c.rule, c.patient_id, c.before, c.after) for c in found.changes] == [
        (RULE.id, "h2", "clear", "open")
    ]
    change = found.changes[0]
    assert change.enters
    assert not change.leaves
    assert [(c.set, c.change, c.text, c.rows, c.latest) for c in change.causes] == [
        ("gastroprotection", "removed", OTHER, 1, "2026-11-01")
    ]
    assert [e.rule for e in found.effects] == [
        r.id for r in RULES if "gastroprotection" in r.drug_sets
    ]
    effect = next(e for e in found.effects if e.rule == RULE.id)
    assert (effect.open_before, effect.open_after, effect.enters, effect.leaves) == (1, 2, 1, 0)


@pytest.mark.slow
def test_the_way_back_is_its_mirror() -> None:
    new = TerminologySets({"gastroprotection": narrower()})
    there = preview(people().tables(), RULES, AS_OF, TerminologySets(), new)
    back = preview(people().tables(), RULES, AS_OF, new, TerminologySets())
    assert [(c.patient_id, c.after, c.before) for c in there.changes] == [
        (c.patient_id, c.before, c.after) for c in back.changes
    ]
    assert back.changes[0].leaves
    assert back.changes[0].causes[0].change == "added"


def test_equal_sets_change_nobody_and_concern_no_rule() -> None:
    own = load_drugset("gastroprotection")
    same = TerminologySets({"gastroprotection": own})
    found = preview(people().tables(), RULES, AS_OF, TerminologySets(), same)
    assert found.effects == found.changes == ()


def test_a_code_set_names_the_codes_and_the_denominator_moves() -> None:
    made = People()
    rule = next(r for r in RULES if r.code_sets and "hba1c" in r.code_sets)
    own = load_codeset("diabetes")
    code = min(own.codes)
    made.patient("p")
    for day in (date(2026, 3, 1), date(2026, 9, 1)):
        made.tested("p", "hba1c", day, value=60, unit="mmol/mol")
    made.tested("p", "diabetes", date(2020, 1, 1))
    less = replace(own, version="2", codes=own.codes - {code})
    found = preview(
        made.tables(), [rule], AS_OF, TerminologySets(), TerminologySets({"diabetes": less})
    )
    assert [(c.patient_id, c.before, c.after) for c in found.changes] == [("p", "clear", "open")]
    causes = found.changes[0].causes
    assert [(c.set, c.change, c.code, c.rows) for c in causes] == [("diabetes", "removed", code, 1)]


LIST = Source("a list", "1")
IDS = frozenset({"42356411000001102"})
PRODUCTS = ProductSet("our", "1", "Ours", LIST, "read", IDS, {"42356411000001102": PPI})
CODES = CodeSet("our", "1", "Ours", LIST, "read", frozenset({"73211009"}), {"73211009": "x"})


def test_dmd_ids_asked_about_coded_entries_are_refused_when_the_rules_load() -> None:
    rule = next(r for r in RULES if "egfr" in r.code_sets or "diabetes" in r.code_sets)
    name = min(rule.code_sets)
    with pytest.raises(DataError) as caught:
        check_sets([rule], {name: PRODUCTS})
    said = str(caught.value)
    assert rule.file in said
    assert f"{name} is asked about coded entries" in said
    assert "holds dm+d products" in said
    with pytest.raises(DataError):
        TerminologySets({name: PRODUCTS}).codes(name)


def test_codes_asked_about_issues_are_refused_when_the_rules_load() -> None:
    with pytest.raises(DataError, match="holds SNOMED CT codes"):
        check_sets([RULE], {"gastroprotection": CODES})
    with pytest.raises(DataError):
        TerminologySets({"gastroprotection": CODES}).truth("gastroprotection", None, PPI)


def test_a_chosen_list_of_ids_answers_in_place_of_the_rules_own_set() -> None:
    sets = TerminologySets({"gastroprotection": PRODUCTS})
    check_sets([RULE], sets.chosen)
    assert sets.truth("gastroprotection", "42356411000001102", "as sent") is True
    assert sets.truth("gastroprotection", None, PPI) is True
    assert sets.truth("gastroprotection", None, OTHER) is False
    assert (sets.title("gastroprotection"), sets.version("gastroprotection")) == ("Ours", "1")
    assert TerminologySets().truth("gastroprotection", None, OTHER) is True
