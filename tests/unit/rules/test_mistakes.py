"""Plausible mistakes in a rule file, one each: one message, with its line and what to write instead."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from counterfoil.foundation.errors import DataError
from counterfoil.rules import load, load_usable

_RULES = files("counterfoil.knowledge") / "rules"
NSAID, EGFR, MTX = (
    (_RULES / name).read_text("utf-8")
    for name in ("nsaid_65.toml", "egfr_nsaid.toml", "methotrexate.toml")
)
WEEKS = 'every = "12 weeks"'
BITES = 'bites = "from its start"'
MISTAKES = [
    # The text to change, what to change it to, in which rule, and what the one message says.
    ("driver =", "drvier =", NSAID, "there is no setting called drvier; write driver"),
    ("[[source]]", "[[sauce]]", NSAID, "there is no setting called sauce; write source"),
    ("inlast", "inlast", NSAID.replace("in_last", "inlast", 1), "called inlast; write in_last"),
    ('issued = "nsaid', 'isued = "nsaid', NSAID, "no kind of fact called isued; write issued"),
    ("version = 1", 'version = "1"', NSAID, 'version must be a whole number. Found: "1"'),
    ("nsaid_oral", "nsaid_orall", NSAID, "no drug set called nsaid_orall; write nsaid_oral"),
    ('issued = "nsaid_oral"', 'ever = "nsaid_oral"', NSAID, "is a set for issues and plans"),
    ('issued = "nsaid_oral"', 'issued = "egfr"', NSAID, "is a set for coded entries"),
    ('issued = "nsaid_oral"', 'issued = "../../etc/passwd"', NSAID, "no drug set called"),
    ('issued = "nsaid_oral"', 'issued = "http://x/y"', NSAID, "no drug set called"),
    ("unit = ", "# unit = ", EGFR, "unit must be a text in [facts.low_egfr]"),
    ("below = 45", "below = 45\nat_least = 20", EGFR, "a limit is one of"),
    ("below = 45", "", EGFR, "a limit is one of"),
    ("below = 45", 'below = "45"', EGFR, 'below must be a number below a thousand million. Found: "45"'),
    ("below = 45", "below = nan", EGFR, "below must be a number"),
    ("below = 45", "below = 1e300", EGFR, "below must be a number"),
    ('"3 months"', '"three months"', NSAID, 'a length such as "3 months"'),
    ('"3 months"', '"3m"', NSAID, 'a length such as "3 months"'),
    ('"3 months"', '"-3 months"', NSAID, 'a length such as "3 months"'),
    ('"3 months"', '"0 months"', NSAID, 'a length such as "3 months"'),
    ('"3 months"', "3", NSAID, 'a length such as "3 months"'),
    ('"3 months"', '"' + "1" * 50_000 + ' months"', NSAID, 'a length such as "3 months"'),
    (WEEKS, 'every = { months_from = "egfr", unit = "mL/min", divided_by = 10, at_least = 6, '
     "at_most = 3 }", MTX, "at_least below at_most"),
    (WEEKS, WEEKS + '\nanchors = ["dischargd any"]', MTX, "anchors says what happened"),
    ('taking = "taking"', 'taking = "takin"', MTX, "must name a fact written above"),
    (BITES, 'bites = "now"', MTX, 'must be "from its start" or "at once"'),
    (BITES, 'bite = "from its start"', MTX, "there is no setting called bite; write bites"),
    ("not gastroprotection", "not (gastroprotection", NSAID, "a bracket is opened and not closed"),
    ('when = "nsaid', 'when = "' + "(" * 300 + "nsaid", NSAID, "at most 1,000 words"),
    ('when = "nsaid', 'when = "' + "a" * 60_000 + "! nsaid", NSAID, "is not a clause name"),
    ('when = "nsaid and aged_65', 'when = "nsaid AND aged_65', NSAID, "use lower-case names joined by"),
    ('when = "nsaid and aged_65', 'when = "nsaid & aged_65', NSAID, "use lower-case names joined by"),
    ('when = "nsaid and', "when = \"__import__('os').system('id') and", NSAID, "is not a clause name"),
    ('when = "nsaid and aged_65', 'when = "nsaid and aged65', NSAID, "there is no fact called aged65"),
    ('driver = "nsaid"', 'driver = "nsaids"', NSAID, "driver must name one of the facts: nsaid"),
    ("= 65", '= "$age"', NSAID, "there is no parameter age"),
    ('says = "', '# says = "', NSAID, "says must be a text in [facts.nsaid]"),
    ('title = "', 'title = 2026-01-01 # "', NSAID, "title must be a text. Found: 2026-01-01"),
    ("as_of = ", 'as_of = "2026-13-01" # ', NSAID, "as_of must be a date such as 2026-06-01"),
    ('read_on = "2026-11"', 'read_on = "last week"', NSAID, "read_on must be a month or a day"),
    ('status = "read"', 'status = "Read"', NSAID, 'status must be "read" or "recalled"'),
    ('expect = "open"', 'expect = "yes"', NSAID, "expect must be open, cannot_tell or clear"),
    ("issues = [[", "issues = [[2026-01-01], [", NSAID, 'Found: ["2026-01-01"]'),
    ("issues = [[", 'issues = [["01/02/2026", "x"], [', NSAID, "must be a date such as 2026-06-01"),
    ("entries = [[", 'entries = [[2026-01-01, "nope"], [', EGFR, "names a code set that is not there"),
    ('title = "', "title = ", NSAID, "the file must be TOML"),
    ('title = "', 'title = "\0', NSAID, "the file must be TOML"),
    ("[facts.nsaid]", "[facts.aged_65]", NSAID, "twice"),
    ("version = 1", 'version = 1\nid = "a.b"', NSAID, "the file must be TOML"),
    ("[[examples]]", "[examples]", NSAID, "the file must be TOML"),
    ("id = ", "x = " + "[" * 5000 + "]" * 5000 + "\nid = ", NSAID, "a nesting goes too far"),
    ("id = ", "#" * 5_000_000 + "\nid = ", NSAID, "at most 200,000 characters"),
    (NSAID, "", NSAID, "the file is empty; a rule begins with id, version and title"),
]  # fmt: skip


def problems(data: bytes, path: Path) -> list[str]:
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        load([path])
    return [str(problem).replace(str(path), "FILE") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("find", "replace", "rule", "expected"), MISTAKES, ids=range(len(MISTAKES))
)
def test_one_mistake_is_one_message_with_its_line(
    find: str, replace: str, rule: str, expected: str, tmp_path: Path
) -> None:
    assert find in rule
    [said] = problems(rule.replace(find, replace, 1).encode(), tmp_path / "rule.toml")
    assert said.startswith("FILE, line ")
    assert expected in said
    assert len(said) < 600
    line = int(said.removeprefix("FILE, line ").split(":")[0])
    if (
        "TOML" not in said
        and "example '" not in said
        and find != NSAID
        and len(replace) < 1_000_000
    ):
        at = rule[: rule.index(find)].count("\n") + 1
        # A setting that is missing has no line: its table's stands for it.
        assert -1 <= at - line <= 6


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (NSAID[: NSAID.index("[[examples]]")].encode(), "a rule needs [[examples]]"),
        (NSAID.replace('title = "', 'title = "é', 1).encode("latin-1"), "in UTF-8 text is needed"),
        (NSAID.encode("utf-16"), "in UTF-8 text is needed"),
        (bytes(range(256)) * 20, "in UTF-8 text is needed"),
    ],
)
def test_a_file_wrong_as_a_whole_gets_one_message(
    data: bytes, expected: str, tmp_path: Path
) -> None:
    [said] = problems(data, tmp_path / "rule.toml")
    assert expected in said


def test_what_editors_do_to_a_file_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "rule.toml"
    for text in ("\ufeff" + NSAID, NSAID.replace("\n", "\r\n")):
        path.write_bytes(text.encode())
        assert load([path])[0].id == "safety.nsaid_65_no_gastroprotection"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for path, expected in ((tmp_path / "x.toml", "no such file"), (tmp_path, "this is a folder")):
        with pytest.raises(DataError, match=expected):
            load([path])


def test_a_set_that_is_not_there_stops_the_rule_and_not_the_run(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.toml", tmp_path / "good.toml"
    bad.write_text(NSAID.replace('"gastroprotection"', '"no_such"', 1))
    good.write_text(MTX)
    rules, said = load_usable([bad, good])
    assert [rule.id for rule in rules] == ["monitoring.methotrexate"]
    assert [str(problem) for problem in said] == [
        f"{bad}, line 31: there is no drug set called no_such."
    ]
    with pytest.raises(DataError, match="no drug set called no_such"):
        load_usable([bad])
