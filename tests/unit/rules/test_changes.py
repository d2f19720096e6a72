"""A change of a rule: who enters, who leaves, and because of which clause."""

from __future__ import annotations

from datetime import date

import pytest
from people import People

from counterfoil.foundation.days import to_day
from counterfoil.foundation.errors import DataError
from counterfoil.rules import load
from counterfoil.rules.changes import difference
from counterfoil.rules.language import override, read_override, read_rule

RULES = {rule.id: rule for rule in load()}
DAY = to_day(date(2026, 6, 30))
NSAID = RULES["safety.nsaid_65_no_gastroprotection"]


def two() -> People:
    """One aged 64 with naproxen in May; one aged 70 with naproxen last in March."""
    people = People()
    people.patient("a", born=date(1962, 1, 1))
    people.issued("a", "Naproxen 500mg tablets", date(2026, 5, 1), date(2026, 5, 1))
    people.patient("b", born=date(1956, 1, 1))
    people.issued("b", "Naproxen 500mg tablets", date(2026, 4, 1), date(2026, 4, 1))
    return people


def test_who_enters_and_who_leaves_and_because_of_which_clause() -> None:
    text = NSAID.text.replace("age_at_least = 65", "age_at_least = 60")
    new = read_rule(text.replace('issued = "nsaid_oral"\nin_last = "3 months"',
                                 'issued = "nsaid_oral"\nin_last = "2 months"'), "new.toml")  # fmt: skip
    found = difference(two().tables(), NSAID, new, DAY)
    assert (found.before, found.after) == (1, 1)
    assert [(m.patient_id, m.change) for m in found.moved] == [("a", "enters"), ("b", "leaves")]
    enters, leaves = found.moved
    assert [(b.clause, b.before, b.after) for b in enters.because] == [("aged_65", False, True)]
    assert [(b.clause, b.before, b.after) for b in leaves.because] == [("nsaid", True, False)]
    assert "asked for: 60" in enters.because[0].text
    assert "last issued 1 April 2026" in leaves.because[0].text


def test_the_same_rule_moves_nobody() -> None:
    assert difference(two().tables(), NSAID, NSAID, DAY).moved == ()


def test_clauses_joined_in_another_way_are_said_so() -> None:
    text = NSAID.text.replace(
        "nsaid and aged_65 and not gastro", "nsaid and (aged_65 or not aged_65) and not gastro"
    )
    found = difference(two().tables(), NSAID, read_rule(text, "new.toml"), DAY)
    assert [b.clause for b in found.moved[0].because] == ["when"]


OWN = """
rule = "coding.example"
version = 1
organisation = "X00001"
reason = "Agreed with the hospital"
expires = 2027-03-31
[parameters]
age = 60
"""


def own_rule() -> str:
    """The NSAID rule with its age as a parameter."""
    text = NSAID.text.replace("age_at_least = 65", 'age_at_least = "$age"')
    text = text.replace('id = "safety.nsaid_65_no_gastroprotection"', 'id = "coding.example"')
    return text.replace("[facts.nsaid]", "[parameters]\nage = 65\n\n[facts.nsaid]", 1)


def test_an_organisation_overrides_a_parameter() -> None:
    rule = read_rule(own_rule(), "a.toml")
    assert rule.clause("aged_65").fact == NSAID.clause("aged_65").fact
    changed = override(rule, read_override(OWN, "own.toml"), DAY)
    assert changed.override is not None
    assert changed.override.reason == "Agreed with the hospital"
    found = difference(two().tables(), rule, changed, DAY)
    assert [(m.patient_id, m.change) for m in found.moved] == [("a", "enters")]


@pytest.mark.parametrize(
    ("find", "replace", "expected"),
    [
        ("version = 1", "version = 2", "must be written for coding.example version 1"),
        ("2027-03-31", "2026-06-30", "expires must lie ahead"),
        ("age = 60", "years = 60", "has no parameter years; it has age"),
        ("age = 60", 'age = "old"', "age_at_least must be a whole number"),
        ("age = 60", "age = 200", "between 1 and 129"),
        ('reason = "Agreed with the hospital"', "", "reason must be a text"),
        ("expires = 2027-03-31", 'expires = "soon"', "expires must be a date"),
        ("[parameters]\nage = 60", "", "has \\[parameters\\] with the values"),
    ],
)
def test_an_override_that_does_not_fit_says_why(find: str, replace: str, expected: str) -> None:
    rule = read_rule(own_rule(), "a.toml")
    with pytest.raises(DataError, match=expected):
        override(rule, read_override(OWN.replace(find, replace), "own.toml"), DAY)


def test_a_parameter_that_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match="no parameter years; there are age"):
        read_rule(own_rule().replace("$age", "$years"), "a.toml")
