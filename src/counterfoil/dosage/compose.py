"""Items to steps: what belongs to which amount, what follows what, and what cannot be settled.

Nothing is filled in here that the text does not say, save three ellipses of ordinary English: a
later step may leave out the unit, the amount, or "daily" of the step before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from counterfoil.dosage import items as k
from counterfoil.dosage.clauses import ONCE_ONLY, Clause, Unsettled, clause_of
from counterfoil.dosage.grouping import COUNTED, split
from counterfoil.dosage.items import Change, Item, Quantity
from counterfoil.dosage.model import NO_FIXED_DOSE, Step, changed
from counterfoil.dosage.words import amount_words, days_words

MAX_STEPS = 60
_LOOSE = frozenset({k.ROUTE, k.SITE, k.INDICATION, k.CYCLE_WORD})
"""What may stand after the last step and belong to it."""

_CONTENT = frozenset({k.AMOUNT, k.FREQUENCY, k.TIME, k.WEEKDAYS, k.DIRECTED, k.STAT, k.PRN})
_PASSED = frozenset({k.HARMLESS, k.VERB, k.MARK, k.AND, k.NAME})


@dataclass
class Segment:
    """The items of one step in time, or a change that makes several."""

    items: list[Item] = field(default_factory=list)
    change: Change | None = None
    unfixed: str | None = None
    lasts: Fraction | None = None
    off: Fraction | None = None
    on: Fraction | None = None
    days: tuple[int, int, bool] | None = None
    stops: bool = False

    @property
    def has_content(self) -> bool:
        """Whether it says anything about a dose."""
        return any(i.kind in _CONTENT for i in self.items)

    @property
    def has_amount(self) -> bool:
        """Whether it holds an amount."""
        return any(i.kind == k.AMOUNT for i in self.items)


def compose(items: list[Item]) -> tuple[Step, ...]:
    """The steps that *items* say; :class:`Unsettled` where they do not settle it."""
    steps = _steps(_segments(items))
    if any(i.kind == k.CYCLE_WORD for i in items) and not any(s.cycle_days for s in steps):
        raise Unsettled("what is repeated is not clear")
    return steps


# -- segments --------------------------------------------------------------------------------------


def _segments(items: list[Item]) -> list[Segment]:
    segments: list[Segment] = []
    current = Segment()
    day_after = False

    def close() -> None:
        nonlocal current, day_after
        if current.has_content or current.change or current.unfixed:
            segments.append(current)
        elif any(i.kind not in _PASSED for i in current.items) and segments:
            if any(i.kind not in _PASSED | _LOOSE for i in current.items):
                raise Unsettled("a later step is not complete")
            segments[-1].items.extend(current.items)
        elif any(i.kind not in _PASSED for i in current.items):
            carried.extend(current.items)
        current = Segment()
        day_after = False

    carried: list[Item] = []
    for at, item in enumerate(items):
        kind = item.kind
        if kind == k.THEN:
            if _next_kind(items, at) in (k.CYCLE_OFF, k.STOP, k.CYCLE_WORD, k.UNFIXED, k.CHANGE_BY):
                continue
            if not current.has_content and not segments:
                raise Unsettled("it begins with a later step")
            _after_then(segments, current)
            close()
        elif kind == k.CHANGE_BY:
            close()
            current.change = item.value
            close()
        elif kind == k.UNFIXED:
            close()
            current.unfixed = item.value
            close()
        elif kind == k.STOP:
            target = current if current.has_content else (segments[-1] if segments else None)
            if target is None:
                raise Unsettled("it says stop")
            following = _next(items, at)
            if following is not None and following.kind == k.DURATION and not following.value[1]:
                target.off = following.value[0]
                items[items.index(following)] = following._replace(kind=k.HARMLESS)
            elif following is not None and following.kind not in (k.CYCLE_WORD, k.CYCLE_OFF):
                raise Unsettled("something follows after stop")
            target.stops = True
        elif kind == k.CYCLE_OFF:
            target = current if current.has_content else (segments[-1] if segments else current)
            if target.off is not None:
                raise Unsettled("two breaks are written")
            target.off = item.value
        elif kind == k.CYCLE_ON:
            current.on = item.value
        elif kind == k.DAY_NUMBER:
            if current.has_amount and current.days is None and not item.value[2]:
                current.days, day_after = item.value, True
            else:
                if current.has_amount:
                    close()
                if current.days is not None:
                    raise Unsettled("two days are written for one amount")
                current.days = item.value
        elif kind == k.AFTER:
            _after(items, at, segments, current)
        else:
            if kind == k.AMOUNT and day_after:
                close()
            current.items.append(item)
    close()
    if carried and segments:
        segments[0].items[:0] = carried
    elif carried and not segments:
        segments.append(Segment(items=carried))
    return segments


def _next(items: list[Item], at: int) -> Item | None:
    for item in items[at + 1 :]:
        if item.kind not in _PASSED:
            return item
    return None


def _next_kind(items: list[Item], at: int) -> str:
    following = _next(items, at)
    return following.kind if following else ""


def _after(items: list[Item], at: int, segments: list[Segment], current: Segment) -> None:
    following = _next(items, at)
    days = items[at].value
    if (following is not None and following.kind == k.THEN and current.has_content) or (
        following is not None and following.kind == k.CHANGE_BY and current.has_content
    ):
        target = current
    elif (following is None and segments and current.has_content) or (
        following is not None and not current.has_content and segments
    ):
        target = segments[-1]
    else:
        raise Unsettled(f"after {days_words(days)} what?")
    if target.lasts is not None or any(i.kind == k.DURATION for i in target.items):
        raise Unsettled("two lengths of time are written for one step")
    target.lasts = days


def _after_then(segments: list[Segment], current: Segment) -> None:
    if segments and not current.has_content and not segments[-1].items:
        raise Unsettled("a step says nothing")


# -- steps -----------------------------------------------------------------------------------------


def _steps(segments: list[Segment]) -> tuple[Step, ...]:
    steps: list[Step] = []
    sequence = 0
    last_day = 0
    for place, segment in enumerate(segments):
        previous = [s for s in steps if s.sequence == sequence]
        if segment.change is not None:
            steps, sequence = _changed(steps, segment.change, segment.stops, sequence)
            ends = segment.stops or segment.change.stops
            if place + 1 < len(segments) and (ends or steps[-1].duration_days is None):
                raise Unsettled("a step follows one that has no end")
            continue
        if segment.unfixed is not None:
            if not steps and len(segments) > 1:
                raise Unsettled("it begins with a later step")
            sequence += 1
            steps.append(Step(sequence=sequence, when=(NO_FIXED_DOSE, segment.unfixed)))
            continue
        if place + 1 < len(segments) and any(
            i.kind == k.DURATION and i.value[1] for i in segment.items
        ):
            raise Unsettled("when a step ends and the next begins is not said")
        rows = _rows(segment, previous)
        for row in rows:
            sequence += 1
            steps.extend(changed(step, sequence=sequence) for step in row)
        if segment.days is None and any(s.days for s in segments[place + 1 :]):
            raise Unsettled("some steps name their days and some do not")
        if segment.days is not None:
            if segment.days[0] != last_day + 1:
                raise Unsettled(f"what happens before day {segment.days[0]} is not said")
            last_day = segment.days[1]
        elif last_day and place + 1 < len(segments):
            raise Unsettled("some steps name their days and some do not")
    if len(steps) > MAX_STEPS:
        raise Unsettled("it has too many steps")
    _check_sequence(steps)
    return tuple(steps)


def _check_sequence(steps: list[Step]) -> None:
    last = steps[-1].sequence if steps else 0
    for step in steps:
        silent = step.times_high is None and not (step.no_fixed_dose or step.as_needed)
        if step.sequence < last and silent:
            raise Unsettled("how often an earlier step is taken is not said")
        if step.sequence < last and step.duration_days is None and step.cycle_days is None:
            following = [s for s in steps if s.sequence == step.sequence + 1]
            if not all(s.no_fixed_dose for s in following):
                raise Unsettled("when a step ends and the next begins is not said")


def _rows(segment: Segment, previous: list[Step]) -> list[list[Step]]:
    clauses, sequential = split(segment.items)
    rows: list[list[Step]] = []
    before = previous
    for clause in clauses:
        step = _inherit(clause, clause_of(clause, segment.days is not None), before)
        if sequential or not rows:
            rows.append([step])
            before = rows[-1] if sequential else before
        else:
            rows[-1].append(step)
    lasts = segment.lasts
    if segment.days is not None:
        length = Fraction(segment.days[1] - segment.days[0] + 1)
        if any(s.per_days is not None and s.per_days > length for s in rows[-1]):
            raise Unsettled("how often does not fit the days named")
        if lasts is not None or any(s.duration_days not in (None, length) for s in rows[-1]):
            raise Unsettled("two lengths of time are written for one step")
        lasts = length
    if lasts is not None:
        if any(s.duration_days is not None for s in rows[-1]) and segment.days is None:
            raise Unsettled("two lengths of time are written for one step")
        rows[-1] = [changed(s, duration_days=lasts) for s in rows[-1]]
    if segment.stops and segment.off is None and any(s.duration_days is None for s in rows[-1]):
        raise Unsettled("when it stops is not said")
    return _cycled(segment, rows)


def _cycled(segment: Segment, rows: list[list[Step]]) -> list[list[Step]]:
    if segment.off is None:
        if segment.on is not None:
            raise Unsettled("the days without are not said")
        return rows
    if len(rows) != 1:
        raise Unsettled("what is repeated is not clear")
    made: list[Step] = []
    for step in rows[0]:
        on = segment.on if segment.on is not None else step.duration_days
        if on is None or (step.duration_days not in (None, on)):
            raise Unsettled("the days with the medicine are not said")
        made.append(changed(step, duration_days=on, cycle_days=on + segment.off))
    return [made]


def _inherit(clause: Clause, step: Step, previous: list[Step]) -> Step:
    if not previous:
        return step
    before = previous[0]
    if step.unit is None and step.high is not None and before.unit is not None:
        if before.unit not in COUNTED or any(p.unit != before.unit for p in previous):
            raise Unsettled("the unit of a later step is not clear")
        step = changed(step, unit=before.unit)
    if step.high is None and not step.no_fixed_dose and len(previous) == 1 and step.times_high:
        if ONCE_ONLY in before.when:
            raise Unsettled("how much a later step is is not said")
        step = changed(
            step,
            low=before.low,
            high=before.high,
            unit=before.unit,
            site=step.site or before.site,
            route=step.route or before.route,
        )
    if step.times_high is None and step.high is not None and not step.as_needed:
        once = (
            before.times_low == before.times_high == 1
            and before.per_days == 1
            and ONCE_ONLY not in before.when
        )
        if len(previous) == 1 and once and not before.as_needed and not step.no_fixed_dose:
            kept = tuple(w for w in before.when if w not in step.when)
            step = changed(
                step,
                times_low=before.times_low,
                times_high=before.times_high,
                per_days=before.per_days,
                when=kept + step.when,
            )
        elif not step.no_fixed_dose:
            raise Unsettled("how often a later step is taken is not said")
    return step


def _changed(
    steps: list[Step], change: Change, stops: bool, sequence: int
) -> tuple[list[Step], int]:
    """The steps of "reduce by x every y until z", written out."""
    last = [s for s in steps if s.sequence == sequence]
    if len(last) != 1 or last[0].low is None or last[0].low != last[0].high:
        raise Unsettled("what is changed step by step is not clear")
    first = last[0]
    by: Quantity = change.amount
    if by.unit != first.unit and not (by.unit is None and first.unit in COUNTED):
        raise Unsettled("the change is in another unit than the dose")
    if change.daily and not first.times_low == first.times_high == first.per_days == 1:
        raise Unsettled("the steps end at another number of times a day")
    stops = stops or change.stops
    assert first.low is not None
    target = change.target
    if target is not None and target.unit not in (None, first.unit):
        raise Unsettled("the change is in another unit than the dose")
    if target is None and not (stops and change.sign < 0):
        word = "down" if change.sign < 0 else "up"
        amount = amount_words(by.low, by.high, by.unit or first.unit)
        raise Unsettled(f"it goes {word} by {amount} and no end is stated")
    if first.duration_days is None:
        steps = [changed(s, duration_days=change.days) if s is first else s for s in steps]
    end = target.high if target is not None else Fraction(0)
    value = first.low + change.sign * by.high
    while (value > end if change.sign < 0 else value < end) and value > 0:
        sequence += 1
        if sequence > MAX_STEPS:
            raise Unsettled("it has too many steps")
        steps.append(
            changed(first, sequence=sequence, low=value, high=value, duration_days=change.days)
        )
        value += change.sign * by.high
    if target is not None:
        if value != end:
            raise Unsettled("the steps do not end at the amount stated")
        sequence += 1
        length = change.days if stops else None
        steps.append(changed(first, sequence=sequence, low=end, high=end, duration_days=length))
    elif value != 0:
        raise Unsettled("the steps do not end at nothing")
    return steps, sequence
