"""Why a rule says what it says of one patient on one day: each clause with its rows and arithmetic.

The truth of a clause comes from the day-by-day reference; this module finds the rows that bear it
out and says them in words. It judges nothing: it shows what is recorded and the sum that follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from counterfoil.foundation.days import age_on, birthday, to_date, words
from counterfoil.rules import facts, telling
from counterfoil.rules.facts import Fact
from counterfoil.rules.gates import absences
from counterfoil.rules.gates import cause as gates_cause
from counterfoil.rules.history import BEFORE, Entry
from counterfoil.rules.model import FALSE, TRUE, UNKNOWN, Clause, Rule
from counterfoil.rules.reference import Reference, before, due_after, reach
from counterfoil.rules.sets import TerminologySets
from counterfoil.rules.stands import overdue, until
from counterfoil.rules.telling import LIMITS, plain, result

HOLDS = {0: False, 1: None, 2: True}


@dataclass(frozen=True)
class Reason:
    """One clause of a rule about one patient: whether it holds (None: cannot tell), and why.

    ``rows`` are (table, key) pairs of the record; ``values`` the figures of the arithmetic, dates
    as ISO text; ``since`` and ``until`` the days between which the clause holds, where known.
    ``stands``: the first day on which the words may differ (:mod:`counterfoil.rules.stands`).
    """

    clause: str
    holds: bool | None
    text: str
    rows: tuple[tuple[str, str], ...] = ()
    values: dict[str, Any] = field(default_factory=dict, hash=False)
    since: int | None = None
    until: int | None = None
    cause: str = ""
    stands: int = field(default=0, compare=False)

    def to_json(self) -> dict[str, Any]:
        """The reason as design section 9 gives it."""
        return {
            "clause": self.clause,
            "holds": self.holds,
            "text": self.text,
            "rows": [{"table": table, "id": key} for table, key in self.rows],
            "values": self.values,
            "since": iso(self.since),
            "until": iso(self.until),
        }


def iso(day: int | None) -> str | None:
    """A day number as an ISO date; None stays None, and so does a day before any record."""
    return None if day is None or day <= BEFORE else to_date(day).isoformat()


class Explainer:
    """The reasons of rules for one patient's history on one day."""

    def __init__(self, reference: Reference, sets: TerminologySets, day: int) -> None:
        self.reference = reference
        self.history = reference.history
        self.sets = sets
        self.day = day

    def reasons(self, rule: Rule) -> tuple[Reason, ...]:
        """A reason for every clause, in the rule's order."""
        return tuple(self.reason(clause, rule) for clause in rule.clauses)

    def reason(self, clause: Clause, rule: Rule | None = None) -> Reason:
        """Why one clause holds, does not hold, or cannot be told."""
        value = self.reference.fact(clause.fact, self.day)
        text, rows, values, since, cause = self._say(clause.fact, value)
        weak = absences(rule).get(clause.name, frozenset()) if rule is not None else frozenset()
        weak &= self.reference.gated
        stands = until(self, clause.fact)
        if weak and value == (TRUE if isinstance(clause.fact, facts.Due) else FALSE):
            value, cause = UNKNOWN, gates_cause(sorted(weak), {n: self.sets.title(n) for n in weak})
            text, stands = f"{text}; {cause}", self.day + 1
        return Reason(clause.name, HOLDS[value], text, rows, values, since, None, cause, stands)

    def due(self, rule: Rule) -> int | None:
        """The earliest day on which one of the rule's monitored tests is due, while treated."""
        days = [
            self.reference.due(c.fact, self.day, earliest=False)
            for c in rule.clauses
            if isinstance(c.fact, facts.Due) and self.reference.fact(c.fact.taking, self.day)
        ]
        return min(days, default=None)

    def _say(self, fact: Fact, value: int) -> Said:
        match fact:
            case facts.Issued():
                return self._issued(fact, value)
            case facts.IssuedTogether():
                return self._together(fact)
            case facts.Ever(codes, window):
                return self._ever(codes, window, value)
            case facts.Latest() | facts.Repeated():
                return self._results(fact, value)
            case facts.Age(years):
                return self._age(years, value)
            case facts.Due():
                return self._due(fact, value)
            case _:
                return telling.tell(self, fact, value)

    def say(self, fact: Fact, value: int) -> Said:
        """Text, rows, values, since and cause of any fact that has this truth value."""
        return self._say(fact, value)

    def issues(self, drugs: str, first: int, last: int | None = None) -> list[tuple[int, str, str]]:
        """Day, product and row of the issues of a drug set from one day to another, latest first."""
        end = self.day if last is None else last
        found = [
            (i.day, i.text, i.row)
            for i in self.history.issues
            if first <= i.day <= end and self.sets.truth(drugs, i.code, i.text) is not False
        ]
        return sorted(found, reverse=True)

    def _issued(self, fact: facts.Issued, value: int) -> Said:
        title, window = self.sets.title(fact.drugs), fact.window
        inside = self.issues(fact.drugs, *reach(window, self.day))
        within = f"last {window.back}" if window.trailing else str(window)
        if inside and value:
            day, text, _ = inside[0]
            count = "" if len(inside) == 1 else f", {len(inside)} issues"
            cause = "" if value == TRUE else "product name not clear"
            note = "; its name does not say enough to be sure" if cause else ""
            return (
                f"{text} issued {words(day)} ({within}{count}){note}",
                tuple(("issue", row) for _, _, row in inside[:6]),
                {
                    "last_issue": iso(day),
                    "issues": len(inside),
                    "window": str(window.back or window),
                },
                self.reference.began(fact, self.day, value),
                cause,
            )
        plans = [
            p
            for p in self.history.elsewhere
            if p.since <= self.day < p.until
            and self.sets.truth(fact.drugs, p.code, p.text) is not False
        ]
        if plans and value == UNKNOWN:
            known = all(p.kind == "hospital" for p in plans)
            by = "by a hospital" if known else "elsewhere, or in a way that is not known"
            return (
                f"{plans[0].text} is on record as supplied {by}; what was supplied is "
                "not recorded here",
                tuple(("plan", p.row) for p in plans),
                {},
                plans[0].since,
                "supplied by hospital" if known else "may be supplied elsewhere",
            )
        past = self.issues(fact.drugs, BEFORE)
        last = f"; last issued {words(past[0][0])}" if past else "; none on record"
        rows = (("issue", past[0][2]),) if past else ()
        within = f"in the last {window.back}" if window.trailing else str(window)
        return (
            f"No issue {within}: {lower(title)}{last}",
            rows,
            {"window": str(window.back or window)},
            None,
            "",
        )

    def _together(self, fact: facts.IssuedTogether) -> Said:
        first = before(self.day, fact.back)
        pairs = [
            (max(a[0], b[0]), a, b)
            for a in self.issues(fact.drugs, first)
            for b in self.issues(fact.other, first)
            if abs(a[0] - b[0]) < fact.apart
        ]
        if not pairs:
            return (
                f"No two issues fewer than {fact.apart} days apart in the last {fact.back}: "
                f"{lower(self.sets.title(fact.drugs))} with {lower(self.sets.title(fact.other))}",
                (),
                {},
                None,
                "",
            )
        day, one, other = max(pairs)
        apart = abs(one[0] - other[0])
        gap = "on the same day" if apart == 0 else f"{apart} day{'' if apart == 1 else 's'} apart"
        return (
            f"{one[1]} issued {words(one[0])} and {other[1]} issued {words(other[0])}, {gap} "
            f"(fewer than {fact.apart})",
            (("issue", one[2]), ("issue", other[2])),
            {"first": iso(one[0]), "second": iso(other[0]), "days_apart": apart},
            day,
            "",
        )

    def coded(self, codes: str) -> list[Entry]:
        """The entries of a code set up to the day, in order."""
        wanted = self.sets.codes(codes)
        return [e for e in self.history.entries if e.code in wanted and e.low <= self.day]

    def _ever(self, codes: str, window: facts.Window, value: int) -> Said:
        title, (first, last) = self.sets.title(codes), reach(window, self.day)
        every = self.coded(codes)
        entries = [e for e in every if e.high >= first and e.low <= last]
        when = "" if window == facts.Window() else f" {window}"
        if not entries:
            other = f"; last coded {words(every[-1].low)}" if every else ""
            return f"No code on record{when}: {lower(title)}{other}", (), {}, None, ""
        entry = entries[0] if not when else entries[-1]
        on = words(entry.high) if entry.low == entry.high else f"by {words(entry.high)}"
        return (
            f"{title}: coded {on}{f' ({when.strip()})' if when else ''}",
            tuple((e.table, e.row) for e in entries[:6]),
            {"coded": iso(entry.high)},
            entry.high,
            "" if value == TRUE else "date not known to the day",
        )

    def _results(self, fact: facts.Latest | facts.Repeated, value: int) -> Said:
        test, single = fact.test, isinstance(fact, facts.Latest)
        seen = self.day
        if isinstance(fact, facts.Latest) and fact.ago is not None:
            seen = before(self.day, fact.ago)
        entries = [
            e
            for e in self.coded(fact.codes)
            if e.low == e.high <= seen and (e.value is not None or e.has_text)
        ]
        title = self.sets.title(fact.codes)
        if not entries:
            return f"No result on record: {lower(title)}", (), {}, None, ""
        shown = entries[-1:] if single else entries[-4:]
        limit = f"{LIMITS[test.op]} {plain(test.value)} {test.unit}"
        listed = "; ".join(f"{result(e)} on {words(e.low)}" for e in shown)
        cause = "a result whose unit or value is not known" if value == UNKNOWN else ""
        short = self._short(fact, shown[-1]) if single else ""
        return (
            f"{title}: {listed} (looked for: {limit}{short})",
            tuple((e.table, e.row) for e in shown),
            {"limit": limit, "results": [{"date": iso(e.low), "value": result(e)} for e in shown]},
            shown[-1].low,
            cause,
        )

    def _short(self, fact: facts.Latest | facts.Repeated, entry: Entry) -> str:
        """By how much a bare result misses its limit."""
        if entry.value is None or entry.unit != fact.test.unit or entry.comparator:
            return ""
        off = fact.test.value - entry.value
        missed = off > 0 if fact.test.upward else off < 0
        return f"; off by {plain(abs(off))}" if missed else ""

    def _age(self, years: int, value: int) -> Said:
        birth = self.history.birth
        if birth is None or value == UNKNOWN:
            return (
                "The date of birth does not tell the age",
                (),
                {"at_least": years},
                None,
                "date of birth not known to the day",
            )
        age = age_on(birth[1], self.day)
        return (
            f"Aged {age} (asked for: {years} or over)",
            (),
            {"age": age, "at_least": years},
            birthday(birth[1], years) if value == TRUE else None,
            "",
        )

    def _due(self, fact: facts.Due, value: int) -> Said:
        title = self.sets.title(fact.tests)
        if not self.reference.fact(fact.taking, self.day):
            return f"{title}: not asked for while the drug is not issued", (), {}, None, ""
        due = self.reference.due(fact, self.day, earliest=False)
        _, last = self.reference.last_test(fact, self.day)
        anchor = self.reference.anchor(fact, self.day, earliest=False)
        tests = [e for e in self.coded(fact.tests) if e.high == last]
        interval = self._interval(fact, max(anchor, last or BEFORE), due)
        counted = f"last done {words(last)}" if last is not None else "none on record"
        if last is None or anchor > last:
            counted += f"; counted from treatment seen from {words(anchor)}"
        unsure = self.reference.may_continue(
            fact, self.reference.began(fact.taking, self.day, UNKNOWN)
        )
        cause = ""
        if value == UNKNOWN:
            cause = (
                "joined the practice shortly before the first issue"
                if unsure
                else "dates or supply not known well enough"
            )
            if unsure:
                counted += "; an earlier test may be in the former practice's record"
        return (
            f"{title}: {counted}; every {interval}, so due {words(due)} ({overdue(due, self.day, value)})",
            tuple((e.table, e.row) for e in tests[:6]),
            {
                "last_test": iso(last),
                "anchor": iso(anchor),
                "interval": str(interval),
                "due": iso(due),
                "days_overdue": max(0, self.day - due) if value else 0,
            },
            due if value == TRUE else None,
            cause,
        )

    def _interval(self, fact: facts.Due, base: int, due: int) -> str:
        """The interval in force that gives the day due, and why where it is a shorter one."""
        usual = self.reference.interval(fact.every, self.day, earliest=False)
        if due_after(base, usual) == due:
            return str(usual)
        for sooner in fact.sooner:
            if not self.reference.fact(sooner.when, self.day):
                continue
            start = base
            if sooner.bites == "from_start":
                start = max(base, self.reference.began(sooner.when, self.day, TRUE))
            every = self.reference.interval(sooner.every, self.day, earliest=False)
            if due_after(start, every) == due:
                what = self._say(sooner.when, TRUE)[0]
                note = f", from {words(start)}" if start != base else ""
                return f"{every}{note} because: {what}"
        return str(usual)


Said = tuple[str, tuple[tuple[str, str], ...], dict[str, Any], int | None, str]
"""Text, rows, values, since, cause."""


def lower(title: str) -> str:
    """A title within a sentence: its first letter small, unless the word is an abbreviation."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def causes(reasons: tuple[Reason, ...]) -> Iterator[str]:
    """Why it cannot be told: the causes of the clauses that are neither true nor false."""
    seen = set()
    for reason in reasons:
        if reason.holds is None and reason.cause and reason.cause not in seen:
            seen.add(reason.cause)
            yield reason.cause
