"""The slow, obvious meaning of a rule: one patient, one day at a time.

It is the oracle for the engines and shares nothing with them but the algebra and the published
month rule. Everything is found by looking at the rows again for every day asked about. It also
serves one patient at the moment of a request, and runs the examples in rule files.
"""

from __future__ import annotations

from counterfoil.foundation.days import minus_months, window_end
from counterfoil.rules import model
from counterfoil.rules.history import BEFORE, Entry, History, Sets
from counterfoil.rules.model import FALSE, TRUE, UNKNOWN, Fact, Length, Rule


def window_start(day: int, window: Length) -> int:
    """The first day of "in the last *window*" at index day *day*; both ends are included."""
    return minus_months(day, window.months) if window.months else day - window.days


def due_after(base: int, interval: Length) -> int:
    """The day on which something done on *base* is due again: the last day of its window."""
    return window_end(base, interval.months) if interval.months else base + interval.days


class Reference:
    """The truth of facts and rules for one patient's history, day by day.

    With *continues* a day number, treatment that is true on that day goes on after it: the
    forecast question.
    """

    def __init__(self, history: History, sets: Sets, continues: int | None = None) -> None:
        self.history = history
        self.sets = sets
        self.continues = continues
        self._known: dict[tuple[int, int], int] = {}
        self._kept: dict[int, Fact] = {}
        self._issues: dict[str, list[tuple[int, int]]] = {}
        self._entries: dict[str, list[Entry]] = {}
        self._first = self._earliest()

    def rule(self, rule: Rule, day: int) -> int:
        """The truth of the rule's ``when`` on a day, for a patient registered and alive then."""
        return self.expression(rule, rule.when, day)

    def expression(self, rule: Rule, expression: model.Expression, day: int) -> int:
        """The truth of one of the rule's expressions; false outside registration and life."""
        since, until = self.history.registered
        if not since <= day < until:
            return FALSE
        return model.truth(expression, {c.name: self.fact(c.fact, day) for c in rule.clauses})

    def fact(self, fact: Fact, day: int) -> int:
        """The truth value of one fact on a day."""
        # By identity: hashing a nested fact for every day cost more than answering.
        key = (id(fact), day)
        found = self._known.get(key)
        if found is None:
            self._kept[id(fact)] = fact
            found = self._known[key] = self._fact(fact, day)
        return found

    def _fact(self, fact: Fact, day: int) -> int:
        if (
            self.continues is not None
            and day > self.continues
            and isinstance(fact, model.Issued | model.IssuedTogether)
            and self.fact(fact, self.continues) == TRUE
        ):
            return TRUE
        match fact:
            case model.Issued():
                return self._issued(fact, day)
            case model.IssuedTogether():
                return self._together(fact, day)
            case model.Ever(codes):
                return max((_dated(e, day) for e in self._coded(codes)), default=FALSE)
            case model.Latest():
                return self._latest(fact, day)
            case model.Repeated():
                return self._repeated(fact, day)
            case model.Age(years):
                reached = self.history.age_reached(years)
                if reached is None:
                    return UNKNOWN
                return TRUE if reached[1] <= day else UNKNOWN if reached[0] <= day else FALSE
            case model.Due():
                return min(self.fact(fact.taking, day), self._overdue(fact, day))

    def _coded(self, codes: str) -> list[Entry]:
        if codes not in self._entries:
            wanted = self.sets.codes(codes)
            self._entries[codes] = [e for e in self.history.entries if e.code in wanted]
        return self._entries[codes]

    def issues(self, drugs: str, first: int, last: int) -> list[tuple[int, int]]:
        """The days, from *first* to *last*, on which a product of the set was issued.

        Each with how true that is: unknown where the product's name leaves its set open.
        """
        if drugs not in self._issues:
            self._issues[drugs] = [
                (issue.day, UNKNOWN if belongs is None else TRUE)
                for issue in self.history.issues
                if (belongs := self.sets.truth(drugs, issue.code, issue.text)) is not False
            ]
        return [(day, value) for day, value in self._issues[drugs] if first <= day <= last]

    def _issued(self, fact: model.Issued, day: int) -> int:
        issues = self.issues(fact.drugs, window_start(day, fact.window), day)
        if issues:
            return max(value for _, value in issues)
        for plan in self.history.hospital:
            belongs = self.sets.truth(fact.drugs, plan.code, plan.text)
            if plan.since <= day < plan.until and belongs is not False:
                return UNKNOWN
        return FALSE

    def _together(self, fact: model.IssuedTogether, day: int) -> int:
        first = window_start(day, fact.window)
        others = self.issues(fact.other, first, day)
        return max(
            (
                min(value, other_value)
                for one, value in self.issues(fact.drugs, first, day)
                for other, other_value in others
                if abs(one - other) < fact.apart
            ),
            default=FALSE,
        )

    def _results(self, codes: str, test: model.Comparison, day: int) -> dict[int, int]:
        """For each day up to *day* on which a result was taken, how true the limit is of it."""
        days: dict[int, int] = {}
        for entry in self._coded(codes):
            if entry.low == entry.high <= day and (entry.value is not None or entry.has_text):
                days[entry.low] = max(days.get(entry.low, FALSE), meets(entry, test))
        return days

    def _latest(self, fact: model.Latest, day: int) -> int:
        results = self._results(fact.codes, fact.test, day)
        if not results:
            return FALSE
        last = max(results)
        if fact.window is not None and last < window_start(day, fact.window):
            return FALSE
        return results[last]

    def _repeated(self, fact: model.Repeated, day: int) -> int:
        results = self._results(fact.codes, fact.test, day)
        for wanted in (TRUE, UNKNOWN):
            days = [d for d, value in results.items() if value >= wanted]
            if len(days) >= fact.times and max(days) - min(days) >= fact.apart:
                return wanted
        return FALSE

    # Monitoring ----------------------------------------------------------------------------

    def began(self, fact: Fact, day: int, least: int) -> int:
        """The first day of the unbroken run, ending on *day*, of the fact being at least so true."""
        while day > BEFORE and self.fact(fact, day - 1) >= least:
            if day < self._first - 1:
                return BEFORE
            day -= 1
        return day

    def _earliest(self) -> int:
        days = [i.day for i in self.history.issues] + [e.low for e in self.history.entries]
        days += [p.since for p in self.history.hospital if p.since > BEFORE]
        if self.history.birth:
            days.append(self.history.birth[0])
        return min(days, default=0)

    def anchor(self, fact: model.Due, day: int, *, earliest: bool) -> int:
        """The latest anchor on or before *day*: a start, a restart, or a dose change if asked for.

        A start first seen here within its own window of joining may be a continuation. Taken in
        the way that makes the test due first, it does not count, and an earlier anchor does.
        """
        anchors = [BEFORE]
        if fact.dose_changes:
            anchors += [
                c.day
                for c in self.history.dose_changes
                if c.day <= day and self.sets.truth(fact.taking.drugs, c.code, c.text)
            ]
        start = self.began(fact.taking, day, UNKNOWN)
        while earliest and self.may_continue(fact, start):
            before = start - 1
            while before >= self._first and self.fact(fact.taking, before) == FALSE:
                before -= 1
            start = BEFORE if before < self._first else self.began(fact.taking, before, UNKNOWN)
        return max(*anchors, start)

    def may_continue(self, fact: model.Due, start: int) -> bool:
        """Whether treatment that starts here on *start* may have been going on elsewhere."""
        joined = self.history.registered[0]
        return joined > BEFORE and window_start(start, fact.taking.window) <= joined <= start

    def last_test(self, fact: model.Due, day: int) -> tuple[int | None, int | None]:
        """The latest test on or before *day*: the earliest and the latest day it may have been."""
        low = high = None
        for entry in self._coded(fact.tests):
            if entry.low <= day:
                low = entry.low if low is None else max(low, entry.low)
                could = min(entry.high, day)
                high = could if high is None else max(high, could)
        return low, high

    def due(self, fact: model.Due, day: int, *, earliest: bool) -> int:
        """The day on which the test is due, as seen on *day* while the drug is taken.

        *earliest* takes everything unknown in the way that makes it due first; otherwise last.
        """
        low, high = self.last_test(fact, day)
        test = low if earliest else high
        base = max(self.anchor(fact, day, earliest=earliest), BEFORE if test is None else test)
        dates = [due_after(base, fact.every)]
        least = UNKNOWN if earliest else TRUE
        for sooner in fact.sooner:
            if self.fact(sooner.when, day) >= least:
                start = base
                if sooner.bites == "from_start":
                    start = max(base, self.began(sooner.when, day, least))
                dates.append(due_after(start, sooner.every))
        return min(dates)

    def _overdue(self, fact: model.Due, day: int) -> int:
        if self.fact(fact.taking, day) == FALSE:
            return FALSE
        if day >= self.due(fact, day, earliest=False) + fact.grace:
            return TRUE
        return UNKNOWN if day >= self.due(fact, day, earliest=True) + fact.grace else FALSE


def _dated(entry: Entry, day: int) -> int:
    return TRUE if entry.high <= day else UNKNOWN if entry.low <= day else FALSE


def meets(entry: Entry, test: model.Comparison) -> int:
    """How true it is that a result meets a limit: its unit and comparator decide what is known."""
    if entry.value is None or entry.unit != test.unit or entry.comparator == "~":
        return UNKNOWN
    value, limit = entry.value, test.value
    match entry.comparator:
        case "":
            reaches: int = TRUE if value >= limit else FALSE
        case ">" | ">=":
            reaches = TRUE if value >= limit else UNKNOWN
        case "<":
            reaches = FALSE if value <= limit else UNKNOWN
        case "<=":
            reaches = FALSE if value < limit else UNKNOWN
        case _:
            return UNKNOWN
    return reaches if test.op == ">=" else TRUE - reaches
