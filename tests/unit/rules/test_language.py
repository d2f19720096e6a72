"""A rule file is refused whole, with one message a mistake: file, line, what to write instead."""

from __future__ import annotations

import time
import tomllib
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.foundation.errors import DataError
from counterfoil.rules import load, model
from counterfoil.rules.examples import check_rules
from counterfoil.rules.expression import parse
from counterfoil.rules.language import read_rule, read_rules
from counterfoil.rules.mutants import try_mutants
from counterfoil.rules.sets import TerminologySets
from counterfoil.rules.wording import KINDS

NSAID = (files("counterfoil.knowledge") / "rules" / "nsaid_65.toml").read_text("utf-8")


def messages(text: str) -> str:
    with pytest.raises(DataError) as caught:
        check_rules([read_rule(text, "a.toml")])
    return "\n".join(str(problem) for problem in caught.value.problems)


def test_the_shipped_rules_load_by_their_examples() -> None:
    rules = load()
    assert len(rules) == 20
    assert sum(len(rule.examples) for rule in rules) >= 100
    assert {r.id for r in rules if not r.makes_work} == {
        r.id for r in rules if r.purpose == "measure"
    }


@pytest.mark.parametrize(
    ("find", "replace", "expected"),
    [
        ('in_last = "3 months"', 'in_last = "three months"', 'such as "3 months"'),
        ("age_at_least = 65", "age_at_least = 0", "between 1 and 129"),
        ("age_at_least = 65", 'age_at_least = "old"', "must be a whole number"),
        ('issued = "nsaid_oral"', 'issued = "fbc"', "no drug set called fbc"),
        ('issued = "nsaid_oral"', 'issued = "no_such"', "no drug set called no_such"),
        (
            'when = "nsaid and aged_65 and not gastroprotection"',
            'when = "nsaid and (aged_65"',
            "bracket is opened and not closed",
        ),
        (
            'when = "nsaid and aged_65 and not gastroprotection"',
            'when = "aged_65"',
            "can hold without the driver",
        ),
        (
            'when = "nsaid and aged_65 and not gastroprotection"',
            'when = "nsaid and older"',
            "no fact called older",
        ),
        ('driver = "nsaid"', 'driver = "aged_65"', "driver must be a fact of issues"),
        ('owner = "pharmacist"', 'owner = "cleaner"', "owner must be one of"),
        ('status = "read"', 'status = "heard"', 'status must be "read" or "recalled"'),
        ('read_on = "2026-11"', "", "says when"),
        ("version = 1", 'version = "one"', "version must be a whole number"),
        ('subject = "oral NSAID"', "", "subject must be a text"),
        ('id = "safety', 'id = "Safety', "theme.name in lower case"),
        ('expect = "open"', 'expect = "perhaps"', "expect must be open"),
        ('expect = "open"', 'expect = "clear"', "should be clear"),
        ("as_of = 2026-05-31", 'as_of = "yesterday"', "as_of must be a date"),
        ("[facts.nsaid]", '[facts.nsaid]\nevery = "1 month"', "has no meaning beside issued"),
        ("[facts.nsaid]", '[facts.nsaid]\never = "fbc"', "exactly one of"),
        ("theme = ", "colour = ", "no setting called colour"),
        ("[facts.nsaid]", "[facts.nsaid", "must be TOML"),
    ],
)
def test_a_mistake_is_named_with_what_to_write_instead(
    find: str, replace: str, expected: str
) -> None:
    assert find in NSAID
    text = messages(NSAID.replace(find, replace))
    assert expected in text
    assert "a.toml" in text


def test_the_line_of_a_mistake_is_given() -> None:
    text = messages(NSAID.replace("age_at_least = 65", 'age_at_least = "old"'))
    line = NSAID.splitlines().index("age_at_least = 65") + 1
    assert f"line {line}" in text


def test_a_rule_without_an_example_for_a_clause_is_refused() -> None:
    start = NSAID.index('[[examples]]\nname = "The same with omeprazole')
    end = NSAID.index('[[examples]]\nname = "Naproxen a day before')
    assert "gastroprotection needs two examples" in messages(NSAID[:start] + NSAID[end:])


def test_a_source_that_is_only_recalled_makes_no_work() -> None:
    rule = read_rule(NSAID.replace('status = "read"', 'status = "recalled"'), "a.toml")
    assert not rule.makes_work


def test_two_rules_with_one_id_are_refused(tmp_path: object) -> None:
    path = tmp_path / "x.toml"  # type: ignore[operator]
    path.write_text(NSAID)
    with pytest.raises(DataError, match="already used"):
        read_rules([path, path])


def test_not_binds_tighter_than_and_and_and_than_or() -> None:
    is_ = model.Is
    assert parse("a or not b and c") == model.Some(
        (is_("a"), model.All((model.Not(is_("b")), is_("c"))))
    )
    assert parse("not (a or b)") == model.Not(model.Some((is_("a"), is_("b"))))


@pytest.mark.parametrize("text", ["", "and a", "a b", "a and", "(a", "a)", "A", "a & b", "not"])
def test_an_expression_that_cannot_be_read_says_why(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


def test_every_mutant_of_a_shipped_rule_dies_by_an_example() -> None:
    """Every clause turned round or left out, every window and limit moved by one step."""
    verdicts = [v for rule in read_rules() for v in try_mutants(rule, TerminologySets())]
    assert len(verdicts) > 300
    assert [
        (v.mutant.rule.id, v.mutant.clause, v.mutant.change) for v in verdicts if v.survived
    ] == []


def test_a_mutant_that_no_example_notices_survives() -> None:
    """Without the example of the last day that counts, a longer window goes unnoticed."""
    start = NSAID.index('[[examples]]\nname = "Naproxen a day before')
    end = NSAID.index('[[examples]]\nname = "65 tomorrow')
    rule = read_rule(NSAID[:start] + NSAID[end:], "a.toml")
    survivors = {
        (v.mutant.clause, v.mutant.change)
        for v in try_mutants(rule, TerminologySets())
        if v.survived
    }
    assert survivors == {("nsaid", "in_last: 4 months"), ("nsaid", "left out")}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_rule_file_gets_a_message_and_never_another_exception(
    data: st.DataObject,
) -> None:
    lines = NSAID.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        kind = data.draw(st.sampled_from(["drop", "double", "cut", "swap", "noise"]))
        if kind == "drop":
            lines[at] = ""
        elif kind == "double":
            lines.insert(at, lines[at])
        elif kind == "cut":
            lines[at] = lines[at][: len(lines[at]) // 2]
        elif kind == "swap":
            other = data.draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            lines[at] = data.draw(
                st.sampled_from(
                    [
                        "x = 1979",
                        "[facts]",
                        "facts = 3",
                        "when = []",
                        "[[facts.nsaid]]",
                        'issued = ["a"]',
                        "examples = 1",
                        "source = []",
                    ]
                )
            )
    text = "\n".join(lines)
    problems = None
    try:
        check_rules([read_rule(text, "a.toml")])
    except DataError as error:
        problems = error.problems
    assert problems or tomllib.loads(text)


HOSTILE = [
    "x = " + "[" * 2000,
    "at = 1e400\n",
    "n = " + "9" * 5000,
    'id = "' + "a" * 300_000 + '"',
    "\x00",
    "facts = [[[1]]]",
    "[facts]\nx = 1",
    "[[facts]]",
    "source = [1, 2]",
    "examples = [1]",
    "[[examples]]\nissues = [1]\nentries = 3\nplans = [[]]\npatient = []",
    "parameters = 3",
    "driver = [1]",
    "driver = []",
    "near_days = -1",
    'when = "' + "(" * 500 + '"',
    'when = "' + "not " * 5000 + 'a"',
    'when = "' + "a and " * 3000 + 'a"',
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_file_gets_a_message_soon(text: str) -> None:
    for whole in (text, text + "\n" + NSAID, NSAID + "\n" + text):
        with pytest.raises(DataError):
            check_rules([read_rule(whole, "a.toml")])


VALUES = [
    "1", "-1", "0", "1e9", "inf", "nan", "true", '""', '"x"', '"$x"', "[]", "[[]]", "{}", "2026-01-01",
    '"3 months"', '"99999 days"', '"61 years"', "99999999999999999999", '"__import__(\'os\')"',
    '"/etc/passwd"', '"nsaid"', '["nsaid"]', '"fbc"', '"issued fbc"', '"coded fbc"',
]  # fmt: skip
SETTINGS = sorted({key for settings, _ in KINDS.values() for key in settings} | set(KINDS))


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(SETTINGS), st.sampled_from(VALUES)), min_size=1, max_size=5)
)
def test_any_fact_of_any_settings_is_read_or_refused_in_words(
    given: list[tuple[str, str]],
) -> None:
    """Every kind of fact with every kind of value: a rule, or a message with its line."""
    lines = "\n".join(f"{key} = {value}" for key, value in dict(given).items())
    start, problems = time.monotonic(), ()
    try:
        check_rules([read_rule(NSAID + f'\n[facts.more]\nsays = "s"\n{lines}\n', "a.toml")])
    except DataError as error:
        problems = error.problems
    assert all(p.place.startswith("a.toml") and p.expected for p in problems)
    assert time.monotonic() - start < 10
