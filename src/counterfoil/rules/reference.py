"""The slow, obvious meaning of a rule: one patient, one day at a time.

It is the oracle for the engines and shares nothing with them but the algebra and the published
month rule. Everything is found by looking at the rows again for every day asked about. It also
serves one patient at the moment of a request, and runs the examples in rule files.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from datetime import date

from counterfoil.foundation.days import FOREVER, minus_months, to_date, to_day, window_end
from counterfoil.rules import facts, model
from counterfoil.rules.facts import ByValue, Fact, Length, Source, Window
from counterfoil.rules.gates import weaken
from counterfoil.rules.history import BEFORE, Entry, History, Plan, Sets
from counterfoil.rules.model import FALSE, TRUE, UNKNOWN, Rule
from counterfoil.rules.supplies import Span, covered_spans

Row = tuple[int, int, int]
"""Something that happened: the first and the last day it may have, and how true it is."""


def before(day: int, length: Length) -> int:
    """The day *length* earlier: the first day of "in the last *length*", both ends included."""
    return minus_months(day, length.months) if length.months else day - length.days


def due_after(base: int, interval: Length) -> int:
    """The day on which something done on *base* is due again: the last day of its window."""
    return window_end(base, interval.months) if interval.months else base + interval.days


def reach(window: Window, day: int) -> tuple[int, int]:
    """The first and the last day that count at index day *day*."""
    first, last = BEFORE, day if window.ago is None else before(day, window.ago)
    if window.back is not None:
        first = max(first, before(day, window.back))
    if window.qof_year:
        today = to_date(day)
        first = max(first, to_day(date(today.year - (today.month < 4), 4, 1)))
    if window.first is not None:
        first = max(first, window.first)
    if window.end is not None:
        last = min(last, window.end - 1)
    return first, last


def within(row: Row, first: int, last: int) -> int:
    """How true it is that something happened on one of these days."""
    low, high, value = row
    if first <= low and high <= last:
        return value
    return UNKNOWN if low <= last and high >= first and value else FALSE


class Reference:
    """The truth of facts and rules for one patient's history, day by day.

    With *continues* a day number, treatment that is true on that day goes on after it: the
    forecast question. *gated* are the sets whose absence shows nothing where this patient is
    registered (see :mod:`counterfoil.rules.gates`).
    """

    def __init__(
        self,
        history: History,
        sets: Sets,
        continues: int | None = None,
        gated: frozenset[str] = frozenset(),
    ) -> None:
        self.history = history
        self.sets = sets
        self.continues = continues
        self.gated = gated
        self._known: dict[tuple[int, int], int] = {}
        self._kept: dict[int, Fact] = {}
        self._rows: dict[Source, list[Row]] = {}
        self._days: dict[Source, tuple[list[int], list[Row]]] = {}
        self._entries: dict[str, list[Entry]] = {}
        self._runs: dict[tuple[int, int], tuple[int, int]] = {}
        self._supplies: dict[tuple[str, Length], list[Span]] = {}
        self.earliest = self._earliest()
        """The first day on which anything is on record; 0 where nothing is."""

    def rule(self, rule: Rule, day: int) -> int:
        """The truth of the rule's ``when`` on a day, for a patient registered and alive then."""
        if self.expression(rule, rule.when, day) == FALSE:
            return FALSE
        return weaken(rule, self.clauses(rule, day), self.gated)[0]

    def expression(self, rule: Rule, expression: model.Expression, day: int) -> int:
        """The truth of one of the rule's expressions; false outside registration and life."""
        since, until = self.history.registered
        if not since <= day < until:
            return FALSE
        return model.truth(expression, self.clauses(rule, day))

    def clauses(self, rule: Rule, day: int) -> dict[str, int]:
        """The truth of every clause of the rule on a day."""
        return {c.name: self.fact(c.fact, day) for c in rule.clauses}

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
            and isinstance(fact, facts.TREATMENT)
            and self.fact(fact, self.continues) == TRUE
        ):
            return TRUE
        match fact:
            case facts.Issued():
                return self._issued(fact, day)
            case facts.IssuedTogether():
                return self._together(fact, day)
            case facts.Ever(codes, window):
                return self._happened(facts.Codes(codes), window, day)
            case facts.Happened(source, window):
                return self._happened(source, window, day)
            case facts.LaterThan():
                return self._later(fact, day)
            case facts.NotFollowed():
                return self._not_followed(fact, day)
            case facts.Counted(source, times, window):
                first, last = reach(window, day)
                return _at_least(times, (within(row, first, last) for row in self.rows(source)))
            case facts.Quantity():
                return self._quantity(fact, day)
            case facts.Ingredients():
                return self._ingredients(fact, day)
            case facts.Latest():
                return self._latest(fact, day)
            case facts.Repeated():
                return self._repeated(fact, day)
            case facts.Change():
                return self._change(fact, day)
            case facts.Due():
                return min(self.fact(fact.taking, day), self._overdue(fact, day))
            case facts.Lasting(of, least):
                return min(self.fact(of, d) for d in range(before(day, least), day + 1))
            case facts.Lingering(of, length):
                return max(self.fact(of, d) for d in range(before(day, length), day + 1))
            case facts.Began(of, length):
                days = range(before(day, length), day + 1)
                return max(self._beginning(of, d) for d in days)
            case _:
                return self._in_force(fact, day)

    def _in_force(self, fact: Fact, day: int) -> int:
        match fact:
            case facts.ActiveProblem():
                return self._problem(fact, day)
            case facts.DailyDose():
                return self._daily(fact, day)
            case facts.DoseText(drugs, phrases):
                texts = [(p.dose, v) for p, v in self._plans(drugs, day)]
                return max((min(v, says(t, phrases)) for t, v in texts), default=FALSE)
            case facts.PlanFor(drugs, codes):
                wanted = self.sets.codes(codes)
                return max(
                    (v for p, v in self._plans(drugs, day) if p.problem in wanted), default=0
                )
            case facts.Supplied(drugs, length):
                spans = self.covered(drugs, length)
                return max((v for since, until, v in spans if since <= day < until), default=0)
            case facts.Allergy(drugs):
                known = (
                    self.sets.allergen(drugs, a.code, a.text)
                    for a in self.history.allergies
                    if a.since <= day
                )
                return max((truth_of(k) for k in known), default=FALSE)
            case facts.Age(years):
                reached = self.history.age_reached(years)
                if reached is None:
                    return UNKNOWN
                return TRUE if reached[1] <= day else UNKNOWN if reached[0] <= day else FALSE
            case facts.Sex(sex):
                recorded = self.history.sex
                return UNKNOWN if recorded == "unknown" else TRUE if recorded == sex else FALSE
            case facts.Registered(least):
                since, until = self.history.registered
                if since == BEFORE:
                    return UNKNOWN
                return TRUE if since <= before(day, least) and day < until else FALSE
        raise TypeError(f"no meaning is given to {type(fact).__name__}")

    # Rows that happened --------------------------------------------------------------------

    def rows(self, source: Source) -> list[Row]:
        """Everything of a source that happened, once per day or stretch of days, in order."""
        if source not in self._rows:
            found: dict[tuple[int, int], int] = {}
            for low, high, value in self._all(source):
                found[low, high] = max(found.get((low, high), FALSE), value)
            self._rows[source] = sorted((*days, value) for days, value in found.items())
        return self._rows[source]

    def _all(self, source: Source) -> Iterable[Row]:
        match source:
            case facts.Drugs(name):
                for issue in self.history.issues:
                    if value := truth_of(self.sets.truth(name, issue.code, issue.text)):
                        yield issue.day, issue.day, value
            case facts.Codes(name):
                for entry in self._coded(name):
                    yield entry.low, entry.high, TRUE
            case facts.Stay(at, which):
                for h in self.history.happenings:
                    if h.what == at and which in ("", h.which):
                        yield h.day, h.day, TRUE
            case facts.Letter(which):
                for h in self.history.happenings:
                    if h.what == "document" and which in ("", h.which):
                        yield h.day, h.day, TRUE

    def _coded(self, codes: str) -> list[Entry]:
        if codes not in self._entries:
            wanted = self.sets.codes(codes)
            self._entries[codes] = [e for e in self.history.entries if e.code in wanted]
        return self._entries[codes]

    def _happened(self, source: Source, window: Window, day: int) -> int:
        first, last = reach(window, day)
        sure, rest = self._sure(source)
        at = bisect_left(sure, first)
        if at < len(sure) and sure[at] <= last:
            return TRUE
        return max((within(row, first, last) for row in rest), default=FALSE)

    def _sure(self, source: Source) -> tuple[list[int], list[Row]]:
        """The days on which something of a source surely happened, in order, and its other rows."""
        if source not in self._days:
            rows = self.rows(source)
            sure = sorted({low for low, high, value in rows if low == high and value == TRUE})
            rest = [row for row in rows if row[0] != row[1] or row[2] != TRUE]
            self._days[source] = sure, rest
        return self._days[source]

    def _issued(self, fact: facts.Issued, day: int) -> int:
        value = self._happened(facts.Drugs(fact.drugs), fact.window, day)
        if value == FALSE:
            for plan in self.history.elsewhere:
                belongs = self.sets.truth(fact.drugs, plan.code, plan.text)
                if plan.since <= day < plan.until and belongs is not False:
                    return UNKNOWN
        return value

    def _together(self, fact: facts.IssuedTogether, day: int) -> int:
        first = before(day, fact.back)
        one = [r for r in self.rows(facts.Drugs(fact.drugs)) if first <= r[0] <= day]
        other = [r for r in self.rows(facts.Drugs(fact.other)) if first <= r[0] <= day]
        return max(
            (min(a[2], b[2]) for a in one for b in other if abs(a[0] - b[0]) < fact.apart),
            default=FALSE,
        )

    def _later(self, fact: facts.LaterThan, day: int) -> int:
        seen = day if fact.ago is None else before(day, fact.ago)
        one = [r for r in self.rows(facts.Codes(fact.codes)) if r[0] <= seen]
        other = [r for r in self.rows(facts.Codes(fact.other)) if r[0] <= seen]
        surely = max((low for low, high, _ in one if high <= seen), default=None)
        rivals = max((high for _, high, _ in other), default=BEFORE)
        if surely is not None and surely > rivals:
            return TRUE
        perhaps = max((high for _, high, _ in one), default=None)
        rival = max((low for low, high, _ in other if high <= seen), default=BEFORE)
        return FALSE if perhaps is None or rival > perhaps else UNKNOWN

    def _not_followed(self, fact: facts.NotFollowed, day: int) -> int:
        then = [r for r in self.rows(fact.then) if r[0] <= day]
        best = FALSE
        for low, high, value in self.rows(fact.one):
            if low + fact.within >= day:
                continue
            if fact.back is not None and before(day, fact.back) > high:
                continue
            perhaps = any(r[1] >= high + fact.after for r in then)
            surely = any(r[2] == TRUE and r[0] >= high + fact.after and r[1] <= day for r in then)
            known = low == high and value == TRUE
            best = max(best, TRUE if known and not perhaps else FALSE if surely else UNKNOWN)
        return best

    def _quantity(self, fact: facts.Quantity, day: int) -> int:
        first, last = reach(fact.window, day)
        total, open_ended = 0, False
        for issue in self.history.issues:
            value = truth_of(self.sets.truth(fact.drugs, issue.code, issue.text))
            if not value or not first <= issue.day <= last:
                continue
            if value == UNKNOWN or issue.quantity is None or issue.unit != fact.unit:
                open_ended = True
            else:
                total += max(0, issue.quantity)
        return TRUE if total >= fact.value else UNKNOWN if open_ended else FALSE

    def _ingredients(self, fact: facts.Ingredients, day: int) -> int:
        first = before(day, fact.back)
        found: dict[str, int] = {}
        for issue in self.history.issues:
            value = truth_of(self.sets.truth(fact.drugs, issue.code, issue.text))
            if value and first <= issue.day <= day:
                for name in self.sets.ingredients(issue.code, issue.text) or (issue.text,):
                    found[name] = max(found.get(name, FALSE), value)
        return _at_least(fact.at_least, found.values())

    # Results -------------------------------------------------------------------------------

    def _results(self, codes: str, test: facts.Comparison, day: int) -> dict[int, int]:
        """For each day up to *day* on which a result was taken, how true the limit is of it."""
        days: dict[int, int] = {}
        for entry in self._measured(codes, day):
            days[entry.low] = max(days.get(entry.low, FALSE), meets(entry, test))
        return days

    def _measured(self, codes: str, day: int) -> list[Entry]:
        return [
            e
            for e in self._coded(codes)
            if e.low == e.high <= day and (e.value is not None or e.has_text)
        ]

    def _latest(self, fact: facts.Latest, day: int) -> int:
        seen = day if fact.ago is None else before(day, fact.ago)
        results = self._results(fact.codes, fact.test, seen)
        if not results:
            return FALSE
        last = max(results)
        if fact.back is not None and last < before(day, fact.back):
            return FALSE
        return results[last]

    def _repeated(self, fact: facts.Repeated, day: int) -> int:
        results = self._results(fact.codes, fact.test, day)
        if fact.back is not None:
            first = before(day, fact.back)
            return _at_least(fact.times, (v for d, v in results.items() if d >= first))
        for wanted in (TRUE, UNKNOWN):
            days = [d for d, value in results.items() if value >= wanted]
            if fact.consecutive:
                breaks = [d for d, value in results.items() if value < wanted]
                days = [d for d in days if d > max(breaks, default=BEFORE)]
            if len(days) >= fact.times and max(days) - min(days) >= fact.apart:
                return wanted
        return FALSE

    def _change(self, fact: facts.Change, day: int) -> int:
        results = self._measured(fact.codes, day)
        if not results:
            return FALSE
        latest = max(e.low for e in results)
        first = before(latest, fact.within)
        now = [e for e in results if e.low == latest]
        past = [e for e in results if first <= e.low < latest]
        if not past:
            return FALSE
        exact = [
            (a.value, b.value)
            for a in past
            for b in now
            if plain(a, fact.unit) and plain(b, fact.unit)
        ]
        for was, became in exact:
            assert was is not None
            assert became is not None
            moved = was - became if fact.direction == "fall" else became - was
            if moved * 100 >= fact.by * was if fact.percent else moved >= fact.by:
                return TRUE
        return UNKNOWN if any(not plain(e, fact.unit) for e in (*now, *past)) else FALSE

    # In force ------------------------------------------------------------------------------

    def covered(self, drugs: str, length: Length) -> list[Span]:
        """The days that supplies of a drug set cover, and how surely: see ``facts.Supplied``."""
        if (drugs, length) not in self._supplies:
            self._supplies[drugs, length] = covered_spans(
                self.history.supplies,
                lambda i: self.sets.truth(drugs, i.product_code, i.product_text),
                length,
            )
        return self._supplies[drugs, length]

    def _plans(self, drugs: str, day: int) -> list[tuple[Plan, int]]:
        return [
            (plan, value)
            for plan in self.history.plans
            if plan.since <= day < plan.until
            and (value := truth_of(self.sets.truth(drugs, plan.code, plan.text)))
        ]

    def _daily(self, fact: facts.DailyDose, day: int) -> int:
        least = most = 0
        unread = False
        plans = self._plans(fact.drugs, day)
        for plan, value in plans:
            test = fact.test
            amount = self.sets.daily(fact.drugs, plan.code, plan.text, plan.dose, test.unit)
            if amount is None:
                unread = True
            else:
                least += amount[0] if value == TRUE else 0
                most += amount[1]
        if not plans:
            return FALSE
        limit = fact.test.limit
        enough = TRUE if least >= limit else UNKNOWN if unread or most >= limit else FALSE
        if fact.test.upward:
            return enough
        return min(TRUE - enough, max(value for _, value in plans))

    def _problem(self, fact: facts.ActiveProblem, day: int) -> int:
        wanted, best = self.sets.codes(fact.codes), FALSE
        ends = [r[0] for r in self.rows(facts.Codes(fact.resolved))] if fact.resolved else []
        for problem in self.history.problems:
            if problem.code not in wanted:
                continue
            onset = BEFORE if problem.onset is None else problem.onset
            over = [e for e in ends if problem.onset is None or e >= onset]
            until = min([*over, FOREVER if problem.ended is None else problem.ended])
            if onset <= day < until:
                sure = problem.onset is not None and not problem.past
                best = max(best, TRUE if sure else UNKNOWN)
        return best

    def _beginning(self, of: Fact, day: int) -> int:
        """How true it is that a fact began on this very day."""
        now, last = self.fact(of, day), self.fact(of, day - 1)
        if now == FALSE or last == TRUE:
            return FALSE
        sure = now == TRUE and last == FALSE
        if sure and isinstance(of, facts.Issued) and of.window.trailing:
            assert of.window.back is not None
            sure = not self.continued(of.window.back, day)
        return TRUE if sure else UNKNOWN

    def continued(self, length: Length, start: int) -> bool:
        """Whether treatment that starts here on *start* may have been going on elsewhere."""
        joined = self.history.registered[0]
        return joined > BEFORE and before(start, length) <= joined <= start

    # Monitoring ----------------------------------------------------------------------------

    def began(self, fact: Fact, day: int, least: int) -> int:
        """The first day of the unbroken run, ending on *day*, of the fact being at least so true."""
        first, last = self._runs.get((id(fact), least), (day + 1, day))
        if not first <= day <= last:
            self._kept[id(fact)] = fact
            first = day
            earliest = self.earliest
            if self.history.birth and any(isinstance(p, facts.Age) for p in facts.parts(fact)):
                earliest = min(earliest, self.history.birth[0])
            while first > BEFORE and self.fact(fact, first - 1) >= least:
                first = first - 1 if first >= earliest - 1 else BEFORE
            self._runs[id(fact), least] = (first, day)
        return first

    def _earliest(self) -> int:
        h = self.history
        days = [i.day for i in h.issues] + [e.low for e in h.entries]
        days += [p.since for p in (*h.elsewhere, *h.plans) if p.since > BEFORE]
        days += [x.day for x in h.happenings] + [a.since for a in h.allergies if a.since > BEFORE]
        days += [p.onset for p in h.problems if p.onset is not None]
        days += [p.ended for p in h.problems if p.ended is not None]
        if h.registered[0] > BEFORE:
            days.append(h.registered[0])
        return min(days, default=0)

    def anchor(self, fact: facts.Due, day: int, *, earliest: bool) -> int:
        """The latest anchor on or before *day*: a start, a restart, or what else the fact names.

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
        for source in fact.anchors:
            low, high = _last(self.rows(source), day, sure=earliest)
            found = low if earliest else high
            anchors += [] if found is None else [found]
        start = self.began(fact.taking, day, UNKNOWN)
        while earliest and self.may_continue(fact, start):
            prior = start - 1
            while prior >= self.earliest and self.fact(fact.taking, prior) == FALSE:
                prior -= 1
            start = BEFORE if prior < self.earliest else self.began(fact.taking, prior, UNKNOWN)
        return max(*anchors, start)

    def may_continue(self, fact: facts.Due, start: int) -> bool:
        """Whether treatment that starts here on *start* may have been going on elsewhere."""
        assert fact.taking.window.back is not None
        return self.continued(fact.taking.window.back, start)

    def last_test(self, fact: facts.Due, day: int) -> tuple[int | None, int | None]:
        """The latest test on or before *day*: the earliest and the latest day it may have been."""
        return _last(self.rows(facts.Codes(fact.tests)), day, sure=True)

    def interval(self, every: Length | ByValue, day: int, *, earliest: bool) -> Length:
        """An interval in force on a day; one by value is taken at its shortest, or its longest."""
        if isinstance(every, Length):
            return every
        results = self._measured(every.codes, day)
        last = max((e.low for e in results), default=None)
        of_day = [e for e in results if e.low == last]
        known = [e.value for e in of_day if plain(e, every.unit) and e.value is not None]
        months = min((value // every.divisor for value in known), default=None)
        if months is None or (earliest and len(known) < len(of_day)):
            months = every.least if earliest else every.most
        return Length(months=min(max(months, every.least), every.most))

    def due(self, fact: facts.Due, day: int, *, earliest: bool) -> int:
        """The day on which the test is due, as seen on *day* while the drug is taken.

        *earliest* takes everything unknown in the way that makes it due first; otherwise last.
        """
        low, high = self.last_test(fact, day)
        test = low if earliest else high
        base = max(self.anchor(fact, day, earliest=earliest), BEFORE if test is None else test)
        dates = [due_after(base, self.interval(fact.every, day, earliest=earliest))]
        least = UNKNOWN if earliest else TRUE
        for sooner in fact.sooner:
            if self.fact(sooner.when, day) >= least:
                start = base
                if sooner.bites == "from_start":
                    start = max(base, self.began(sooner.when, day, least))
                every = self.interval(sooner.every, day, earliest=earliest)
                dates.append(due_after(start, every))
        return min(dates)

    def _overdue(self, fact: facts.Due, day: int) -> int:
        if self.fact(fact.taking, day) == FALSE:
            return FALSE
        if day >= self.due(fact, day, earliest=False) + fact.grace:
            return TRUE
        return UNKNOWN if day >= self.due(fact, day, earliest=True) + fact.grace else FALSE


def _last(rows: list[Row], day: int, *, sure: bool) -> tuple[int | None, int | None]:
    """Of rows on record by *day*, the earliest and the latest day that the last may have been."""
    there = [r for r in rows if r[0] <= day and (r[2] == TRUE or not sure)]
    lows, highs = [r[0] for r in there], [min(r[1], day) for r in there]
    return max(lows, default=None), max(highs, default=None)


def _at_least(times: int, values: Iterable[int]) -> int:
    """Whether so many of these values are true; unknown while the unknown ones could make it so."""
    found = sorted(values, reverse=True)
    return found[times - 1] if len(found) >= times else FALSE


def truth_of(answer: bool | None) -> int:
    """An answer that may be left open as a truth value."""
    return UNKNOWN if answer is None else TRUE if answer else FALSE


def says(text: str | None, phrases: tuple[str, ...]) -> int:
    """Whether a text has one of the phrases, whole words, whatever the case; unknown without one."""
    if text is None:
        return UNKNOWN
    words = f" {' '.join(re.findall(r'[a-z0-9]+', text.casefold()))} "
    wanted = (" ".join(re.findall(r"[a-z0-9]+", p.casefold())) for p in phrases)
    return TRUE if any(f" {phrase} " in words for phrase in wanted) else FALSE


def plain(entry: Entry, unit: str) -> bool:
    """Whether a result is a bare number in this unit, fit for arithmetic."""
    return entry.value is not None and entry.unit == unit and not entry.comparator


def meets(entry: Entry, test: facts.Comparison) -> int:
    """How true it is that a result meets a limit: its unit and comparator decide what is known."""
    if entry.value is None or entry.unit != test.unit:
        return UNKNOWN
    value, limit, least = entry.value, test.limit, test.plausible_from
    if least is not None and (
        value < least or (value == least and entry.comparator in ("<", "<="))
    ):
        return UNKNOWN
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
    return reaches if test.upward else TRUE - reaches
