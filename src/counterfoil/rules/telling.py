"""What the record shows for the rarer facts, in words: rows, figures and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from counterfoil.foundation.days import words
from counterfoil.rules import facts
from counterfoil.rules.facts import Fact, Source
from counterfoil.rules.history import BEFORE, Entry
from counterfoil.rules.model import TRUE, UNKNOWN
from counterfoil.rules.reference import before, reach

if TYPE_CHECKING:
    from counterfoil.rules.explain import Explainer, Said

Rows = tuple[tuple[str, str], ...]
LIMITS = {">=": "at least", "<": "below", ">": "above", "<=": "at most"}
DATES = "dates or products not known well enough"


def tell(by: Explainer, fact: Fact, value: int) -> Said:
    """Text, rows, values, since and cause of a fact that has this truth value on the day."""
    match fact:
        case facts.Lasting(of, length):
            return _other(by, of, value, f"for at least {length}")
        case facts.Lingering(of, length):
            return _other(by, of, value, f"now or in the last {length}")
        case facts.Began(of, length):
            return _began(by, of, length, value)
        case facts.Happened(source, window):
            first, last = reach(window, by.day)
            return _list(by, source, first, last, str(window), value)
        case facts.Counted(source, times, window):
            first, last = reach(window, by.day)
            text, rows, values, since, cause = _list(by, source, first, last, str(window), value)
            days = len({r[0] for r in happened(by, source) if first <= r[0] <= last})
            said = f"{text}; on {_days(days)} (asked for: {times})"
            return said, rows, {**values, "days": days, "asked": times}, since, cause
        case facts.LaterThan():
            return _later(by, fact, value)
        case facts.NotFollowed():
            return _not_followed(by, fact, value)
        case facts.Quantity() | facts.Ingredients():
            return _issues(by, fact, value)
        case facts.Change():
            return _change(by, fact, value)
        case _:
            return _standing(by, fact, value)


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"


def happened(by: Explainer, source: Source) -> list[tuple[int, str, str, str]]:
    """Everything of a source up to the day: when, what, table and row; latest first."""
    found: list[tuple[int, str, str, str]] = []
    match source:
        case facts.Drugs(name):
            found = [(d, text, "issue", row) for d, text, row in by.issues(name, BEFORE)]
        case facts.Codes(name):
            title = by.sets.title(name)
            found = [(e.low, title, e.table, e.row) for e in by.coded(name)]
        case facts.Stay(at, which):
            found = [
                (h.day, f"{h.which} stay, {at}", "admission", h.row)
                for h in by.history.happenings
                if h.what == at and which in ("", h.which)
            ]
        case facts.Letter(which):
            found = [
                (h.day, f"{h.which} letter", "document", h.row)
                for h in by.history.happenings
                if h.what == "document" and which in ("", h.which)
            ]
    return sorted((f for f in found if f[0] <= by.day), reverse=True)


def named(by: Explainer, source: Source) -> str:
    """A source in words."""
    match source:
        case facts.Drugs(name) | facts.Codes(name):
            return by.sets.title(name)
        case facts.Stay(at, which):
            return f"{which or 'any'} hospital stay, {at}"
        case facts.Letter(which):
            return f"{which or 'any'} letter"


def _list(by: Explainer, source: Source, first: int, last: int, window: str, value: int) -> Said:
    every = happened(by, source)
    inside = [r for r in every if first <= r[0] <= last]
    if not inside:
        other = f"; last {words(every[0][0])}" if every else "; none on record"
        return f"{named(by, source)}: none {window}{other}", (), {"window": window}, None, ""
    listed = "; ".join(f"{text} {words(day)}" for day, text, _, _ in inside[:4])
    more = f" and {len(inside) - 4} more" if len(inside) > 4 else ""
    rows: Rows = tuple((table, row) for _, _, table, row in inside[:6])
    cause = DATES if value == UNKNOWN else ""
    values: dict[str, Any] = {"last": words(inside[0][0]), "window": window}
    return f"{listed}{more} ({window})", rows, values, inside[-1][0], cause


def _other(by: Explainer, of: Fact, value: int, how: str) -> Said:
    text, rows, values, since, cause = by.say(of, by.reference.fact(of, by.day))
    holds = {2: "it has held", 1: "whether it held cannot be told", 0: "it has not held"}[value]
    unsure = (cause or DATES) if value == UNKNOWN else ""
    return f"{text}; {holds} {how}", rows, values, since, unsure


def _began(by: Explainer, of: Fact, length: facts.Length, value: int) -> Said:
    text, rows, values, _, cause = by.say(of, by.reference.fact(of, by.day))
    start = None
    if by.reference.fact(of, by.day):
        start = by.reference.began(of, by.day, UNKNOWN)
    since = f"; seen from {words(start)}" if start is not None and start > BEFORE else ""
    said = {
        2: f"it began in the last {length}",
        1: f"whether it began in the last {length} cannot be told",
        0: f"it did not begin in the last {length}",
    }[value]
    if value == UNKNOWN and not cause:
        cause = "it may have begun before the patient joined the practice"
    return f"{text}{since}; {said}", rows, values, start, cause if value == UNKNOWN else ""


def _later(by: Explainer, fact: facts.LaterThan, value: int) -> Said:
    seen = by.day if fact.ago is None else before(by.day, fact.ago)
    one = [r for r in happened(by, facts.Codes(fact.codes)) if r[0] <= seen]
    other = [r for r in happened(by, facts.Codes(fact.other)) if r[0] <= seen]
    parts = []
    for codes, found in ((fact.codes, one), (fact.other, other)):
        last = f"last coded {words(found[0][0])}" if found else "not coded"
        parts.append(f"{by.sets.title(codes)}: {last}")
    when = f" (as seen {fact.ago} before)" if fact.ago else ""
    rows: Rows = tuple((r[2], r[3]) for r in (*one[:1], *other[:1]))
    cause = "both were coded at a time whose order is not known" if value == UNKNOWN else ""
    since = one[0][0] if one and value == TRUE else None
    return "; ".join(parts) + when, rows, {}, since, cause


def _not_followed(by: Explainer, fact: facts.NotFollowed, value: int) -> Said:
    one, then = happened(by, fact.one), happened(by, fact.then)
    if fact.back is not None:
        one = [r for r in one if r[0] >= before(by.day, fact.back)]
    asked = f"{fact.after} to {fact.within} days"
    if not one:
        return f"{named(by, fact.one)}: none", (), {"asked": asked}, None, ""
    # The earliest one still waiting is the reason; where none waits, the latest.
    waiting = [
        r
        for r in reversed(one)
        if r[0] + fact.within < by.day and not any(t[0] >= r[0] + fact.after for t in then)
    ]
    first = (waiting or one)[0]
    after = [t for t in reversed(then) if t[0] >= first[0] + fact.after]
    met = f"followed {words(after[0][0])}" if after else "nothing of it since"
    rows: Rows = tuple((r[2], r[3]) for r in (first, *after[:1]))
    since = first[0] + fact.within + 1
    return (
        f"{first[1]} {words(first[0])}; {named(by, fact.then)} looked for after {asked}: {met}",
        rows,
        {"asked": asked},
        since if value == TRUE else None,
        DATES if value == UNKNOWN else "",
    )


def _issues(by: Explainer, fact: facts.Quantity | facts.Ingredients, value: int) -> Said:
    if isinstance(fact, facts.Quantity):
        first, last = reach(fact.window, by.day)
    else:
        first, last = before(by.day, fact.back), by.day
    found = by.issues(fact.drugs, first, last)
    rows: Rows = tuple(("issue", row) for _, _, row in found[:6])
    keys = {row for _, _, row in found}
    issues = [i for i in by.history.issues if i.row in keys]
    title = by.sets.title(fact.drugs)
    if isinstance(fact, facts.Quantity):
        total = sum(max(0, i.quantity or 0) for i in issues if i.unit == fact.unit)
        figures = {"total": total / 10**6, "asked": fact.value / 10**6, "unit": fact.unit}
        text = f"{title}: {total / 10**6:g} {fact.unit} issued {fact.window} "
        text += f"(asked for: {fact.value / 10**6:g})"
        cause = "an issue without a quantity in that unit" if value == UNKNOWN else ""
        return text, rows, figures, found[-1][0] if found else None, cause
    names = sorted({n for i in issues for n in by.sets.ingredients(i.code, i.text) or (i.text,)})
    text = f"{title}: {len(names)} in the last {fact.back}: {', '.join(names) or 'none'} "
    text += f"(asked for: {fact.at_least})"
    cause = "product name not clear" if value == UNKNOWN else ""
    return text, rows, {"ingredients": names}, found[-1][0] if found else None, cause


def _change(by: Explainer, fact: facts.Change, value: int) -> Said:
    entries = [
        e for e in by.coded(fact.codes) if e.low == e.high and (e.value is not None or e.has_text)
    ]
    title = by.sets.title(fact.codes)
    if not entries:
        return f"No result on record: {title}", (), {}, None, ""
    latest = entries[-1]
    first = before(latest.low, fact.within)
    past = [e for e in entries if first <= e.low < latest.low]
    amount = f"{fact.by}%" if fact.percent else f"{plain(fact.by)} {fact.unit}"
    asked = f"looked for: a {fact.direction} of {amount} or more within {fact.within}"
    if not past:
        text = f"{title}: {result(latest)} on {words(latest.low)}, none before it ({asked})"
        return text, ((latest.table, latest.row),), {}, None, ""
    pick = max if fact.direction == "fall" else min
    known = [e for e in past if e.value is not None] or past
    peer = pick(known, key=lambda e: (e.value or 0, e.low))
    return (
        f"{title}: {result(latest)} on {words(latest.low)}, {result(peer)} on {words(peer.low)} "
        f"({asked})",
        ((latest.table, latest.row), (peer.table, peer.row)),
        {"asked": asked},
        latest.low if value == TRUE else None,
        "a result whose unit or value is not known" if value == UNKNOWN else "",
    )


def _standing(by: Explainer, fact: Fact, value: int) -> Said:
    match fact:
        case facts.DailyDose(drugs) | facts.DoseText(drugs) | facts.PlanFor(drugs):
            return _plans(by, fact, drugs, value)
        case facts.ActiveProblem(codes):
            wanted = by.sets.codes(codes)
            mine = [p for p in by.history.problems if p.code in wanted]
            rows: Rows = tuple(("problem", p.row) for p in mine)
            state = {2: "active", 1: "cannot tell whether active", 0: "not active"}[value]
            begun = [p.onset for p in mine if p.onset is not None]
            since = f", since {words(min(begun))}" if begun and value == TRUE else ""
            cause = "the problem's dates are not recorded" if value == UNKNOWN else ""
            text = f"{by.sets.title(codes)}: problem {state}{since}"
            return text, rows, {}, min(begun, default=None), cause
        case facts.Allergy(drugs):
            found = [
                a
                for a in by.history.allergies
                if a.since <= by.day and by.sets.allergen(drugs, a.code, a.text) is not False
            ]
            rows = tuple(("allergy", a.row) for a in found)
            names = ", ".join(a.text for a in found) or "none on record"
            cause = "what was recorded leaves the drug open" if value == UNKNOWN else ""
            return f"Allergy to {by.sets.title(drugs).lower()}: {names}", rows, {}, None, cause
        case facts.Sex(sex):
            cause = "sex not recorded" if value == UNKNOWN else ""
            return f"Recorded sex: {by.history.sex} (asked for: {sex})", (), {}, None, cause
        case facts.Registered(least):
            joined = by.history.registered[0]
            if joined == BEFORE:
                return "No joining date is recorded", (), {}, None, "joining date not recorded"
            return (
                f"Registered since {words(joined)} (asked for: {least})",
                (),
                {"joined": words(joined)},
                joined if value == TRUE else None,
                "",
            )
        case facts.Supplied(drugs):
            found_ = by.issues(drugs, BEFORE)
            rows = tuple(("issue", row) for _, _, row in found_[:3])
            last = f"last issued {words(found_[0][0])}" if found_ else "none on record"
            state = {2: "covers", 1: "may or may not cover", 0: "does not cover"}[value]
            cause = "how long a supply lasts is not known" if value == UNKNOWN else ""
            text = f"{by.sets.title(drugs)}: {last}; what was supplied {state} {words(by.day)}"
            return text, rows, {}, None, cause
    raise TypeError(f"no words are given to {type(fact).__name__}")


def _plans(by: Explainer, fact: Fact, drugs: str, value: int) -> Said:
    plans = [
        p
        for p in by.history.plans
        if p.since <= by.day < p.until and by.sets.truth(drugs, p.code, p.text) is not False
    ]
    rows: Rows = tuple(("plan", p.row) for p in plans)
    if not plans:
        return f"No active plan: {by.sets.title(drugs)}", (), {}, None, ""
    listed = "; ".join(f"{p.text}, {p.dose or 'no dose recorded'}" for p in plans)
    since = min(p.since for p in plans)
    match fact:
        case facts.DailyDose(_, test):
            asked = f"{LIMITS[test.op]} {plain(test.value)} {test.unit} a day"
            cause = "dose or strength not read" if value == UNKNOWN else ""
            return f"{listed} (looked for: {asked})", rows, {"asked": asked}, since, cause
        case facts.DoseText(_, phrases):
            cause = "no dose is recorded" if value == UNKNOWN else ""
            return f"{listed} (looked for: {', '.join(phrases)})", rows, {}, since, cause
        case facts.PlanFor(_, codes):
            asked = by.sets.title(codes)
            cause = "product name not clear" if value == UNKNOWN else ""
            return f"{listed} (looked for: a link to {asked})", rows, {}, since, cause
    raise TypeError(f"no words are given to {type(fact).__name__}")


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
