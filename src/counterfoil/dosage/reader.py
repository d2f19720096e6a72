"""From text, product and coded timing to a :class:`Dose`."""

from __future__ import annotations

import itertools
import json
from typing import Any, TypeAlias

from counterfoil.dosage import items as k
from counterfoil.dosage.arithmetic import per_day
from counterfoil.dosage.checks import (
    against_coded,
    against_itself,
    against_product,
    equivalents_without_product,
)
from counterfoil.dosage.clauses import Unsettled
from counterfoil.dosage.compose import compose
from counterfoil.dosage.items import Item
from counterfoil.dosage.lexicon import LEXICON
from counterfoil.dosage.model import Dose, Status, Step, Word, changed
from counterfoil.dosage.phrases import scan
from counterfoil.dosage.product import ProductLike, View, view_of
from counterfoil.dosage.tokens import MAX_TEXT, Token, tokenise

Coded: TypeAlias = dict[str, Any] | list[Any] | str | None

MAX_TOKENS = 250


def read(text: str, product: ProductLike = None, coded: Coded = None) -> Dose:
    """What a dose instruction says.

    ``text`` is read as written in the UK; ``product`` (a product or match of the terminology room,
    or a name) informs it; ``coded`` is FHIR Dosage, one or a list, as objects or JSON text, and is
    held against the words. Never raises for any text: what cannot be read right is left to a
    person with ``status`` ``partial``, ``unread`` or ``conflict`` and the reasons.
    """
    try:
        return read_strictly(text, product, coded)
    except Exception:  # a fault here must not stop a list of work: a person reads the text
        return Dose(text, "unread", reasons=("it could not be read",))


def read_strictly(text: str, product: ProductLike = None, coded: Coded = None) -> Dose:
    """As :func:`read`, but a fault in the reader shows itself. For tests."""
    view = view_of(product)
    dose = _read_text(text, view)
    if coded:
        dose = against_coded(dose, _coded(coded), view)
    return dose


def _coded(coded: Coded) -> list[Any]:
    if isinstance(coded, str):
        try:
            coded = json.loads(coded)
        except ValueError:
            return []
    if isinstance(coded, dict):
        return [coded]
    return coded if isinstance(coded, list) else []


def _read_text(text: str, view: View | None) -> Dose:
    if len(text) > MAX_TEXT:
        return Dose(text, "unread", reasons=("too long for a dose instruction",))
    tokens = tokenise(text, LEXICON.ranged)
    if len(tokens) > MAX_TOKENS:
        return Dose(text, "unread", reasons=("too long for a dose instruction",))
    items = scan(tokens, text, view)
    items = _eye(items, tokens, view)
    words = _words(items, tokens, text)
    status, steps, reasons = _settle(items, tokens, text)
    if steps:
        steps = _with_text(steps, text)
    if status in ("read", "partial") and view is not None:
        status, steps, more = against_product(status, steps, items, view)
        reasons += more
    elif status in ("read", "partial"):
        status, more = _without_product(status, items)
        reasons += more
    if status in ("read", "partial") and (against := against_itself(steps)):
        status = "conflict"
        reasons += against
    amount = None
    if status == "read":
        amount, why = per_day(steps)
        if why:
            reasons.append(why)
    return Dose(text, status, steps, amount, tuple(dict.fromkeys(reasons)), words)


def _without_product(status: Status, items: list[Item]) -> tuple[Status, list[str]]:
    if not any(i.kind == k.EQUIVALENT for i in items):
        return status, []
    against, unchecked = equivalents_without_product(items)
    if against:
        return "conflict", against
    return ("partial" if unchecked else status), unchecked


def _with_text(steps: tuple[Step, ...], text: str) -> tuple[Step, ...]:
    from counterfoil.dosage.render import render_step

    if len(steps) == 1:
        return (changed(steps[0], text=text.strip()),)
    return tuple(changed(s, text=render_step(s)) for s in steps)


def _eye(items: list[Item], tokens: list[Token], view: View | None) -> list[Item]:
    """ "od" beside eye drops: the right eye where another frequency stands, else not settled."""
    at = [n for n, i in enumerate(items) if i.kind == k.FREQUENCY and tokens[i.first].low == "od"]
    if not at or any(i.kind == k.SITE for i in items):
        return items
    if view is None or not view.kind:
        eye = any(i.kind == k.AMOUNT and i.value.unit == "drop" for i in items)
    else:
        eye = view.eye
    if not eye:
        return items
    out = list(items)
    others = [i for n, i in enumerate(items) if i.kind in (k.FREQUENCY, k.TIME) and n not in at]
    for n in at:
        if others:
            out[n] = items[n]._replace(kind=k.SITE, value="right eye", label="where: right eye")
        else:
            said = '"od" beside drops can be read two ways: once daily, or right eye'
            out[n] = items[n]._replace(kind=k.AMBIGUOUS, value=said, label="two ways")
    return out


def _words(items: list[Item], tokens: list[Token], text: str) -> tuple[Word, ...]:
    return tuple(
        Word(
            tokens[i.first].start,
            tokens[i.last - 1].end,
            text[tokens[i.first].start : tokens[i.last - 1].end],
            "" if i.kind == k.UNKNOWN else i.label,
            i.kind,
        )
        for i in items
        if i.last > i.first
    )


def _settle(
    items: list[Item], tokens: list[Token], text: str
) -> tuple[Status, tuple[Step, ...], list[str]]:
    reasons: list[str] = []
    unknown = [i for i in items if i.kind == k.UNKNOWN]
    junk = [i for i in items if i.kind == k.JUNK]
    known = [i for i in items if i.kind not in (k.UNKNOWN, k.MARK, k.JUNK)]
    if junk and not known and not unknown:
        return "unread", (), ["it is no instruction"]
    unknown += junk
    if unknown:
        reasons.append(
            "not understood: " + ", ".join(f'"{w}"' for w in _stretches(unknown, tokens, text))
        )
    two_ways = [i.value for i in items if i.kind == k.AMBIGUOUS]
    two_ways += _odd_order(items, tokens)
    if two_ways:
        return "unread", (), reasons + two_ways
    if not known:
        return "unread", (), reasons or ["it is empty"]
    try:
        steps = compose([i for i in items if i.kind not in (k.UNKNOWN, k.JUNK)])
    except Unsettled as problem:
        return "unread", (), [*reasons, str(problem)]
    if not steps or not any(_says(s) for s in steps):
        return "unread", (), reasons or ["it says neither an amount nor how often"]
    if unknown:
        if all(_bare(s) for s in steps):
            return "unread", (), reasons
        return "partial", steps, reasons
    if all(_bare(s) for s in steps):
        only = [i for i in known if i.kind not in (k.VERB, k.HARMLESS, k.ROUTE, k.AND, k.NAME)]
        if len(only) == 1 and steps[0].unit is None:
            return "unread", (), ["a number alone is no instruction"]
        if len(only) == 1 or steps[0].when == ():
            return "partial", steps, ["only an amount is stated, not how often"]
    return "read", steps, reasons


def _says(step: Step) -> bool:
    return (
        step.high is not None or step.times_high is not None or step.no_fixed_dose or step.as_needed
    )


def _bare(step: Step) -> bool:
    return step.times_high is None and not step.no_fixed_dose and not step.as_needed


def _odd_order(items: list[Item], tokens: list[Token]) -> list[str]:
    """ "1 take every day": a bare number, then "take"."""
    found: list[str] = []
    for before, item in itertools.pairwise(items):
        if (
            item.kind == k.VERB
            and item.last - item.first == 1
            and tokens[item.first].low == "take"
            and before.kind == k.AMOUNT
            and before.value.bare
        ):
            found.append("a number stands before take")
        if item.kind == k.SINGLE and not _repeated(items, tokens):
            found.append("whether it is one dose in all or one each time is not clear")
        if (
            item.kind == k.FREQUENCY
            and before.kind == k.AMOUNT
            and before.value.multiplied
            and item.value.bare
        ):
            found.append("whether it is so many a day or so much at each time is not clear")
        if item.kind == k.FREQUENCY and item.value.low != item.value.high and before.kind == k.MARK:
            found += _listed(items, item)
    return found


def _repeated(items: list[Item], tokens: list[Token]) -> bool:
    """Whether a "single dose" is plainly once in all (no time of day) or plainly once each day."""
    times = [i for i in items if i.kind == k.TIME]
    if not times or any(i.kind in (k.FREQUENCY, k.DURATION, k.WEEKDAYS, k.THEN) for i in items):
        return True
    return any(tokens[i.first].low in ("each", "every", "nightly") for i in times)


def _listed(items: list[Item], item: Item) -> list[str]:
    """ "One, two or three times a day"."""
    at = items.index(item)
    first = items[at - 2] if at > 1 else None
    if first is not None and first.kind == k.AMOUNT and first.value.bare:
        return ["whether the first number is an amount or how often is not clear"]
    return []


def _stretches(unknown: list[Item], tokens: list[Token], text: str) -> list[str]:
    joined: list[list[int]] = []
    for item in unknown:
        if joined and joined[-1][1] == item.first:
            joined[-1][1] = item.last
        else:
            joined.append([item.first, item.last])
    return [_short(text[tokens[a].start : tokens[b - 1].end]) for a, b in joined][:20]


def _short(words: str) -> str:
    return words if len(words) <= 80 else f"{words[:77]}..."
