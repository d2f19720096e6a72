"""Why a rule says what it says of one patient on one day: each clause with its rows and arithmetic.

The truth of a clause comes from the day-by-day reference; this module finds the rows that bear it
out and says them in words. It judges nothing: it shows what is recorded and the sum that follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from counterfoil.foundation.days import age_on, birthday, to_date, words
from counterfoil.rules import model
from counterfoil.rules.history import BEFORE, Entry
from counterfoil.rules.model import TRUE, UNKNOWN, Clause, Fact, Rule
from counterfoil.rules.reference import Reference, due_after, window_start
from counterfoil.rules.sets import TerminologySets

HOLDS = {0: False, 1: None, 2: True}


@dataclass(frozen=True)
class Reason:
    """One clause of a rule about one patient: whether it holds (None: cannot tell), and why.

    ``rows`` are (table, key) pairs of the record; ``values`` the figures of the arithmetic, dates
    as ISO text; ``since`` and ``until`` the days between which the clause holds, where known.
    """

    clause: str
    holds: bool | None
    text: str
    rows: tuple[tuple[str, str], ...] = ()
    values: dict[str, Any] = field(default_factory=dict, hash=False)
    since: int | None = None
    until: int | None = None
    cause: str = ""

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
        return tuple(self.reason(clause) for clause in rule.clauses)

    def reason(self, clause: Clause) -> Reason:
        """Why one clause holds, does not hold, or cannot be told."""
        value = self.reference.fact(clause.fact, self.day)
        text, rows, values, since, cause = self._say(clause.fact, value)
        return Reason(clause.name, HOLDS[value], text, rows, values, since, None, cause)

    def due(self, rule: Rule) -> int | None:
        """The earliest day on which one of the rule's monitored tests is due, while treated."""
        days = [
            self.reference.due(c.fact, self.day, earliest=False)
            for c in rule.clauses
            if isinstance(c.fact, model.Due) and self.reference.fact(c.fact.taking, self.day)
        ]
        return min(days, default=None)

    def _say(self, fact: Fact, value: int) -> Said:
        match fact:
            case model.Issued():
                return self._issued(fact, value)
            case model.IssuedTogether():
                return self._together(fact)
            case model.Ever(codes):
                return self._ever(codes, value)
            case model.Latest(codes, test) | model.Repeated(codes, test):
                return self._results(codes, test, value, single=isinstance(fact, model.Latest))
            case model.Age(years):
                return self._age(years, value)
            case model.Due():
                return self._due(fact, value)

    def _issues(self, drugs: str, first: int) -> list[tuple[int, str, str]]:
        found = [
            (i.day, i.text, i.row)
            for i in self.history.issues
            if first <= i.day <= self.day and self.sets.truth(drugs, i.code, i.text) is not False
        ]
        return sorted(found, reverse=True)

    def _issued(self, fact: model.Issued, value: int) -> Said:
        title = self.sets.title(fact.drugs)
        inside = self._issues(fact.drugs, window_start(self.day, fact.window))
        if inside:
            day, text, _ = inside[0]
            count = "" if len(inside) == 1 else f", {len(inside)} issues"
            cause = "" if value == TRUE else "product name not clear"
            note = "; its name does not say enough to be sure" if cause else ""
            return (
                f"{text} issued {words(day)} (last {fact.window}{count}){note}",
                tuple(("issue", row) for _, _, row in inside[:6]),
                {"last_issue": iso(day), "issues": len(inside), "window": str(fact.window)},
                self.reference.began(fact, self.day, value),
                cause,
            )
        plans = [
            p
            for p in self.history.hospital
            if p.since <= self.day < p.until
            and self.sets.truth(fact.drugs, p.code, p.text) is not False
        ]
        if plans and value == UNKNOWN:
            return (
                f"{plans[0].text} is on record as supplied by a hospital; what was supplied is "
                "not recorded here",
                tuple(("plan", p.row) for p in plans),
                {},
                plans[0].since,
                "supplied by hospital",
            )
        before = self._issues(fact.drugs, BEFORE)
        last = f"; last issued {words(before[0][0])}" if before else "; none on record"
        rows = (("issue", before[0][2]),) if before else ()
        return (
            f"No issue in the last {fact.window}: {lower(title)}{last}",
            rows,
            {"window": str(fact.window)},
            None,
            "",
        )

    def _together(self, fact: model.IssuedTogether) -> Said:
        first = window_start(self.day, fact.window)
        pairs = [
            (max(a[0], b[0]), a, b)
            for a in self._issues(fact.drugs, first)
            for b in self._issues(fact.other, first)
            if abs(a[0] - b[0]) < fact.apart
        ]
        if not pairs:
            return (
                f"No two issues fewer than {fact.apart} days apart in the last {fact.window}: "
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

    def _coded(self, codes: str) -> list[Entry]:
        wanted = self.sets.codes(codes)
        return [e for e in self.history.entries if e.code in wanted and e.low <= self.day]

    def _ever(self, codes: str, value: int) -> Said:
        entries = self._coded(codes)
        title = self.sets.title(codes)
        if not entries:
            return f"No code on record: {lower(title)}", (), {}, None, ""
        first = entries[0]
        when = words(first.high) if first.low == first.high else f"by {words(first.high)}"
        return (
            f"{title}: coded {when}",
            tuple((e.table, e.row) for e in entries[:6]),
            {"coded": iso(first.high)},
            first.high,
            "" if value == TRUE else "date not known to the day",
        )

    def _results(self, codes: str, test: model.Comparison, value: int, *, single: bool) -> Said:
        entries = [
            e for e in self._coded(codes) if e.low == e.high and (e.value is not None or e.has_text)
        ]
        if not entries:
            return f"No result on record: {lower(self.sets.title(codes))}", (), {}, None, ""
        shown = entries[-1:] if single else entries[-4:]
        limit = f"{'at least' if test.op == '>=' else 'below'} {plain(test.value)} {test.unit}"
        listed = "; ".join(f"{result(e)} on {words(e.low)}" for e in shown)
        cause = "a result whose unit or value is not known" if value == UNKNOWN else ""
        return (
            f"{self.sets.title(codes)}: {listed} (looked for: {limit})",
            tuple((e.table, e.row) for e in shown),
            {"limit": limit, "results": [{"date": iso(e.low), "value": result(e)} for e in shown]},
            shown[-1].low,
            cause,
        )

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

    def _due(self, fact: model.Due, value: int) -> Said:
        title = self.sets.title(fact.tests)
        if not self.reference.fact(fact.taking, self.day):
            return f"{title}: not asked for while the drug is not issued", (), {}, None, ""
        due = self.reference.due(fact, self.day, earliest=False)
        _, last = self.reference.last_test(fact, self.day)
        anchor = self.reference.anchor(fact, self.day, earliest=False)
        tests = [e for e in self._coded(fact.tests) if e.high == last]
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
            state = "cannot tell"
            if unsure:
                counted += "; an earlier test may be in the former practice's record"
        elif value == TRUE:
            days = self.day - due
            state = "due today" if days == 0 else f"{days} day{'' if days == 1 else 's'} overdue"
        else:
            days = due - self.day
            state = f"in {days} day{'' if days == 1 else 's'}"
        return (
            f"{title}: {counted}; every {interval}, so due {words(due)} ({state})",
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

    def _interval(self, fact: model.Due, base: int, due: int) -> str:
        """The interval in force that gives the day due, and why where it is a shorter one."""
        if due_after(base, fact.every) == due:
            return str(fact.every)
        for sooner in fact.sooner:
            if not self.reference.fact(sooner.when, self.day):
                continue
            start = base
            if sooner.bites == "from_start":
                start = max(base, self.reference.began(sooner.when, self.day, TRUE))
            if due_after(start, sooner.every) == due:
                what = self._say(sooner.when, TRUE)[0]
                note = f", from {words(start)}" if start != base else ""
                return f"{sooner.every}{note} because: {what}"
        return str(fact.every)


Said = tuple[str, tuple[tuple[str, str], ...], dict[str, Any], int | None, str]
"""Text, rows, values, since, cause."""


def lower(title: str) -> str:
    """A title within a sentence: its first letter small, unless the word is an abbreviation."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def plain(micro: int) -> str:
    """A number of millionths as people write it."""
    whole, part = divmod(abs(micro), 1_000_000)
    text = str(whole) if part == 0 else f"{whole}.{part:06d}".rstrip("0")
    return f"-{text}" if micro < 0 else text


def result(entry: Entry) -> str:
    """A result as recorded: comparator, number, unit; or that it is text only."""
    if entry.value is None:
        return "text only"
    unit = entry.unit or "(unit not known)"
    return f"{entry.comparator}{plain(entry.value)} {unit}"


def causes(reasons: tuple[Reason, ...]) -> Iterator[str]:
    """Why it cannot be told: the causes of the clauses that are neither true nor false."""
    seen = set()
    for reason in reasons:
        if reason.holds is None and reason.cause and reason.cause not in seen:
            seen.add(reason.cause)
            yield reason.cause
