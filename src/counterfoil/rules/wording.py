"""The words of facts in rule files: one kind a table, with its own settings, read into facts.

The tables are described in docs/reference/rules.md.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from counterfoil.foundation.days import to_day
from counterfoil.rules import facts
from counterfoil.rules.facts import ByValue, Comparison, Fact, Length, Source, Window
from counterfoil.rules.source_file import RuleFile, nearest, quoted

WINDOW = {"in_last", "at_least_ago", "this_qof_year", "on_or_after", "before"}
LIMITS = {"at_least": ">=", "below": "<", "above": ">", "at_most": "<="}
LIMIT = {*LIMITS, "unit"}
STAYS = ("any", "emergency", "elective", "day case", "other")
LETTERS = ("any", "discharge", "outpatient", "emergency", "registration", "other")
HAPPENINGS = ("issued", "coded", "admitted", "discharged", "document")
GREATEST = 10**9
"""Limits in rules lie below this: so do the results that are believed."""

Above = Mapping[str, Fact]
"""The facts written above, by name."""


class Words:
    """One fact's table while it is read; mistakes go to the file, with their line."""

    def __init__(self, file: RuleFile, where: str, table: dict[str, Any], above: Above) -> None:
        self.file, self.where, self.table, self.above = file, where, table, above

    def wrong(self, key: str, expected: str, found: object = "") -> None:
        self.file.wrong(self.where, key, expected, found)

    def text(self, key: str) -> str:
        return self.file.text(self.table, self.where, key)

    def whole(self, key: str, default: int | None = None) -> int:
        return self.file.whole(self.table, self.where, key, default)

    def length(self, key: str) -> Length:
        return self.file.length(self.table, self.where, key)

    def perhaps(self, key: str) -> Length | None:
        return self.length(key) if key in self.table else None

    def flag(self, key: str) -> bool:
        value = self.table.get(key, False)
        if not isinstance(value, bool):
            self.wrong(key, f"{key} must be true or false", value)
        return value is True

    def day(self, key: str) -> int | None:
        if key not in self.table:
            return None
        value = self.table[key]
        if type(value) is not date:
            self.wrong(key, f"{key} must be a date such as 2026-04-01", value)
            return None
        return to_day(value)

    def one_of(self, key: str, words: tuple[str, ...]) -> str:
        value = self.text(key)
        if value and value not in words:
            self.wrong(key, f"{key} must be one of {', '.join(words)}", value)
        return "" if value == "any" else value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.table.get(key)
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            self.wrong(key, f'{key} must be a list of texts such as ["as directed"]', value)
            return ("?",)
        return tuple(value)

    def number(self, key: str) -> int:
        """A number in millionths."""
        value = self.table.get(key)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
            or abs(value) >= GREATEST
        ):
            self.wrong(key, f"{key} must be a number below a thousand million", quoted(value))
            return 1
        return round(value * 1_000_000)

    def window(self) -> Window:
        return Window(
            self.perhaps("in_last"),
            self.perhaps("at_least_ago"),
            self.flag("this_qof_year"),
            self.day("on_or_after"),
            self.day("before"),
        )

    def comparison(self) -> Comparison:
        unit = self.text("unit")
        given = [key for key in LIMITS if key in self.table]
        if len(given) != 1:
            self.wrong(
                given[0] if given else "",
                "a limit is one of at_least, below, above, at_most = NUMBER",
                " and ".join(given),
            )
            return Comparison(">=", 0, unit)
        least = self.number("plausible_from") if "plausible_from" in self.table else None
        return Comparison(LIMITS[given[0]], self.number(given[0]), unit, least)  # type: ignore[arg-type]

    def source(self, key: str, value: object) -> Source:
        """``issued methotrexate_oral``, ``coded fbc``, ``admitted emergency``, ``document any``."""
        kind, _, name = value.partition(" ") if isinstance(value, str) else ("", "", "")
        if kind not in HAPPENINGS or not name:
            self.wrong(
                key,
                f"{key} says what happened: {', '.join(HAPPENINGS)}, then a set or a kind, such as "
                '"issued amiodarone_oral", "coded tft" or "admitted emergency"',
                value,
            )
            return facts.Codes("?")
        if kind == "issued":
            return facts.Drugs(name)
        if kind == "coded":
            return facts.Codes(name)
        kinds = LETTERS if kind == "document" else STAYS
        if name not in kinds:
            self.wrong(key, f"after {kind} stands one of {', '.join(kinds)}", name)
        which = "" if name == "any" else name
        if kind == "document":
            return facts.Letter(which)
        return facts.Stay("admitted" if kind == "admitted" else "discharged", which)

    def another(self, key: str) -> Fact | None:
        """The fact written above that a setting names."""
        name = self.text(key)
        if name and name not in self.above:
            there = f"; there are {', '.join(self.above)}" if self.above else ""
            self.wrong(key, f"{key} must name a fact written above{there}", name)
        return self.above.get(name)

    def every(self, table: dict[str, Any], where: str) -> Length | ByValue:
        """``every = "3 months"``, or months worked out from a result."""
        value = table.get("every")
        if not isinstance(value, dict):
            return self.file.length(table, where, "every")
        inner = Words(self.file, where, value, {})
        for key in value.keys() - {"months_from", "unit", "divided_by", "at_least", "at_most"}:
            self.file.wrong(where, "every", f"{key} has no meaning in an interval by value")
        return ByValue(
            inner.text("months_from"),
            inner.text("unit"),
            inner.number("divided_by"),
            inner.whole("at_least", 1),
            inner.whole("at_most", 12),
        )


def _issued(w: Words) -> Fact:
    drugs = w.text("issued")
    if "with" not in w.table:
        return facts.Issued(drugs, w.window())
    window = w.window()
    if not window.trailing:
        w.wrong("with", "a pair has in_last and no other window")
    apart = w.whole("fewer_days_apart")
    return facts.IssuedTogether(drugs, w.text("with"), apart, window.back or Length(days=1))


def _ever(w: Words) -> Fact:
    if "later_than" not in w.table:
        return facts.Ever(w.text("ever"), w.window())
    for key in (WINDOW - {"at_least_ago"}) & w.table.keys():
        w.wrong(key, f"{key} has no meaning beside later_than")
    return facts.LaterThan(w.text("ever"), w.text("later_than"), w.perhaps("at_least_ago"))


def _change(w: Words) -> Fact:
    given = [key for key in ("falls_by", "rises_by") if key in w.table]
    if len(given) != 1:
        w.wrong("", 'a change is falls_by or rises_by = NUMBER or "25%"', " and ".join(given))
        given = ["falls_by"]
    value, percent = w.table.get(given[0]), False
    if isinstance(value, str):
        found = re.fullmatch(r"(\d{1,3})\s?%", value)
        percent, by = True, int(found[1]) if found else 0
        if not found or (given[0] == "falls_by" and by > 100):
            w.wrong(given[0], f'{given[0]} must be a number or a percentage such as "25%"', value)
            by = 1
    else:
        by = w.number(given[0])
    direction = "fall" if given[0] == "falls_by" else "rise"
    unit, within = w.text("unit"), w.length("within")
    return facts.Change(w.text("change"), direction, by, percent, unit, within)  # type: ignore[arg-type]


def _overdue(w: Words) -> Fact | None:
    taking = w.another("taking")
    if not isinstance(taking, facts.Issued):
        if taking is not None:
            w.wrong("taking", "taking must name an issued fact", w.table.get("taking"))
        return None
    sooner, parts = [], w.table.get("sooner", [])
    if not isinstance(parts, list) or not all(isinstance(p, dict) for p in parts):
        w.wrong("sooner", "sooner is written as [[facts.NAME.sooner]] tables")
        parts = []
    for part in parts:
        place, known = f"{w.where}.sooner", ("when", "every", "bites")
        part = w.file.named(part, place, known, "{key} has no meaning in sooner")
        inner = Words(w.file, place, part, w.above)
        when, bites = inner.another("when"), part.get("bites", "")
        if bites not in ("from its start", "at once"):
            inner.wrong("bites", 'bites must be "from its start" or "at once"', bites)
        if when is not None:
            every = inner.every(part, inner.where)
            how = "from_start" if bites == "from its start" else "at_once"
            sooner.append(facts.Sooner(when, every, how))  # type: ignore[arg-type]
    anchors = w.texts("anchors") if "anchors" in w.table else ()
    return facts.Due(
        w.text("overdue"),
        taking,
        w.every(w.table, w.where),
        tuple(sooner),
        w.flag("dose_changes"),
        w.whole("grace_days", 0),
        tuple(w.source("anchors", a) for a in anchors),
    )


def _on(
    make: Callable[[Fact, Length], Fact], kind: str, key: str
) -> Callable[[Words], Fact | None]:
    def read(w: Words) -> Fact | None:
        of, length = w.another(kind), w.length(key)
        return None if of is None else make(of, length)

    return read


def _sex(w: Words) -> Fact:
    sex = w.one_of("sex", ("female", "male"))
    return facts.Sex("male" if sex == "male" else "female")


def _stay(at: str) -> Callable[[Words], Fact]:
    def read(w: Words) -> Fact:
        return facts.Happened(facts.Stay(at, w.one_of(at, STAYS)), w.window())  # type: ignore[arg-type]

    return read


KINDS: dict[str, tuple[set[str], Callable[[Words], Fact | None]]] = {
    "issued": ({*WINDOW, "with", "fewer_days_apart"}, _issued),
    "ever": ({*WINDOW, "later_than"}, _ever),
    "admitted": (WINDOW, _stay("admitted")),
    "discharged": (WINDOW, _stay("discharged")),
    "document": (
        WINDOW,
        lambda w: facts.Happened(facts.Letter(w.one_of("document", LETTERS)), w.window()),
    ),
    "after": (
        {"not_followed_by", "after_days", "within_days", "in_last"},
        lambda w: facts.NotFollowed(
            w.source("after", w.table["after"]),
            w.source("not_followed_by", w.table.get("not_followed_by")),
            w.whole("after_days", 0),
            w.whole("within_days"),
            w.perhaps("in_last"),
        ),
    ),
    "count": (
        {*WINDOW, "times"},
        lambda w: facts.Counted(w.source("count", w.table["count"]), w.whole("times"), w.window()),
    ),
    "quantity": (
        {*WINDOW, "at_least", "unit"},
        lambda w: facts.Quantity(
            w.text("quantity"), w.number("at_least"), w.text("unit"), w.window()
        ),
    ),
    "ingredients": (
        {"at_least", "in_last"},
        lambda w: facts.Ingredients(
            w.text("ingredients"), w.whole("at_least"), w.length("in_last")
        ),
    ),
    "latest": (
        {*LIMIT, "plausible_from", "in_last", "at_least_ago"},
        lambda w: facts.Latest(
            w.text("latest"), w.comparison(), w.perhaps("in_last"), w.perhaps("at_least_ago")
        ),
    ),
    "results": (
        {*LIMIT, "plausible_from", "times", "days_apart", "consecutive", "in_last"},
        lambda w: facts.Repeated(
            w.text("results"),
            w.comparison(),
            w.whole("times"),
            w.whole("days_apart", 1),
            w.flag("consecutive"),
            w.perhaps("in_last"),
        ),
    ),
    "change": ({"falls_by", "rises_by", "unit", "within"}, _change),
    "active_problem": (
        {"resolved"},
        lambda w: facts.ActiveProblem(
            w.text("active_problem"), w.text("resolved") if "resolved" in w.table else ""
        ),
    ),
    "daily_dose": (LIMIT, lambda w: facts.DailyDose(w.text("daily_dose"), w.comparison())),
    "dose_text": (
        {"contains"},
        lambda w: facts.DoseText(w.text("dose_text"), w.texts("contains")),
    ),
    "plan_for": ({"linked_to"}, lambda w: facts.PlanFor(w.text("plan_for"), w.text("linked_to"))),
    "supplied": (
        {"unknown_for"},
        lambda w: facts.Supplied(w.text("supplied"), w.length("unknown_for")),
    ),
    "allergy": (set(), lambda w: facts.Allergy(w.text("allergy"))),
    "age_at_least": (set(), lambda w: facts.Age(w.whole("age_at_least"))),
    "sex": (set(), _sex),
    "registered_for": (set(), lambda w: facts.Registered(w.length("registered_for"))),
    "lasting": ({"for"}, _on(facts.Lasting, "lasting", "for")),
    "held": ({"in_last"}, _on(facts.Lingering, "held", "in_last")),
    "began": ({"in_last"}, _on(facts.Began, "began", "in_last")),
    "overdue": (
        {"taking", "every", "sooner", "dose_changes", "grace_days", "anchors"},
        _overdue,
    ),
}
"""Every kind of fact: its own settings beside the one that names it, and how it is read."""


def read_fact(file: RuleFile, where: str, table: dict[str, Any], above: Above) -> Fact | None:
    """The fact of one table; None where something is wrong with it, which the file then knows."""
    kinds = [kind for kind in KINDS if kind in table]
    # Some kinds use a word that is a setting of another.
    for kind in list(kinds):
        if len(kinds) > 1 and any(kind in KINDS[other][0] for other in kinds if other != kind):
            kinds.remove(kind)
    if not kinds and (key := next((k for k in table if nearest(k, KINDS)), "")):
        file.wrong(
            where, key, f"there is no kind of fact called {key}; write {nearest(key, KINDS)}"
        )
        return None
    if len(kinds) != 1:
        file.wrong(where, "", "a fact has exactly one of " + ", ".join(KINDS), " and ".join(kinds))
        return None
    settings, read = KINDS[kinds[0]]
    takes = f"; it takes {', '.join(sorted(settings))}" if settings else ""
    known = {*settings, kinds[0], "says"}
    table = file.named(table, where, known, f"{{key}} has no meaning beside {kinds[0]}{takes}")
    try:
        return read(Words(file, where, table, above))
    except ValueError as error:
        file.wrong(where, "", str(error))
        return None
