"""Letters of one practice: chosen, decided, written, each with its truth."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa

from counterfoil.synthetic import columns
from counterfoil.synthetic.draws import stream
from counterfoil.synthetic.letters import boxed, markup, messages, office, paper, plain, rich
from counterfoil.synthetic.letters.cases import Chosen, choose, items_of, number_of, stay, stories
from counterfoil.synthetic.letters.model import Item, LetterLine, Stay, SyntheticLetter
from counterfoil.synthetic.letters.scanned import scanned
from counterfoil.synthetic.letters.words import Sheet
from counterfoil.synthetic.lists import schedules
from counterfoil.synthetic.numbers import CAPACITY
from counterfoil.synthetic.plans import Plans
from counterfoil.synthetic.script import Script

FHIR = "application/fhir+json"
OFF = ("stopped", "on_hold")
TEXT: dict[str, Callable[[Stay], Sheet]] = {**plain.LAYOUTS, **boxed.LAYOUTS}
PAGES = {**markup.LAYOUTS, **paper.LAYOUTS, **office.LAYOUTS}
DATA: dict[str, tuple[Callable[[Stay], str], str, str]] = {
    **rich.LAYOUTS,
    "fhir_stu3": (messages.fhir_stu3, FHIR, "json"),
    "fhir_message": (messages.fhir_message, FHIR, "json"),
    "fhir_text": (messages.fhir_text, FHIR, "json"),
}
SCAN, SCANNED = "scanned", "numbered"
"""The layout without text, and the one that it is a picture of."""

NAMES = sorted(
    [*TEXT, *PAGES, *DATA, SCAN], key=lambda name: hashlib.sha256(name.encode()).digest()
)
"""Every layout, the kinds of file well mixed."""

PARTIAL = frozenset(["changes_only"])
SILENT = frozenset(["paragraph", "shorthand"])
"""Layouts that do not say of a medicine that it is continued."""


def _as_said(item: Item, layout: str) -> Item:
    """The item as this layout lets it be understood."""
    if layout not in SILENT or item.stated != "continued":
        return item
    if item.expected == "conflict":
        return replace(
            item, stated=None, expected="changed", subclass="another dose, nothing said of it"
        )
    return replace(item, stated=None)


def _line(item: Item, text: str, span: tuple[int, int] | None, place: int | None) -> LetterLine:
    start, end = span if span else (None, None)
    plan = schedules()[item.freq]
    told = bool(text) and not item.garbled and item.stated not in OFF
    return LetterLine(
        item.expected,
        item.subclass,
        item.also,
        item.stated,
        text,
        start,
        end,
        item.plan_ids,
        item.gp_product,
        item.product if text else "",
        item.gp_daily,
        item.daily if text else None,
        item.note,
        place,
        item.amount if told else "",
        item.unit if told else "",
        plan.times if told else None,
        plan.per_days if told else None,
        plan.as_needed and told,
        item.duration if text else "",
        item.remark if text else "",
    )


def _write(told: Stay, layout: str) -> tuple[bytes, str, str, tuple[LetterLine, ...]]:
    """The file, media type, file ending and truth of one letter."""
    if layout == SCAN:
        below, _, _, truth = _write(told, SCANNED)
        blind = tuple(replace(line, start=None, end=None) for line in truth)
        return scanned(below.decode("utf-8"), told.key), "application/pdf", "pdf", blind
    unnamed = [_line(item, "", None, None) for item in told.unnamed]
    if layout in TEXT:
        sheet = TEXT[layout](told)
        text = sheet.text
        order = sorted(told.items, key=lambda item: sheet.places[id(item)])
        lines = []
        for number, item in enumerate(order, start=1):
            span = sheet.places[id(item)]
            lines.append(_line(_as_said(item, layout), text[slice(*span)], span, number))
        return text.encode("utf-8"), "text/plain", "txt", (*lines, *unnamed)
    if layout in PAGES:
        writer, media, ending = PAGES[layout]
        content, page = writer(told)
        order = page.items
    else:
        make, media, ending = DATA[layout]
        content, order = make(told).encode("utf-8"), rich.order(told, layout)
    lines = [
        _line(item, item.garbled or item.product, None, number)
        for number, item in enumerate(order, start=1)
    ]
    return content, media, ending, (*lines, *unnamed)


def _astray(number: int, practices: int, count: int, seed: int) -> dict[int, str]:
    """Which letters are not for whom they seem: of an odd practice one for nobody known, of an even
    one for somebody else, of the only practice one of each.
    """
    order = stream(seed, f"letters astray {number}").permutation(count)
    kinds = ["no_such_patient" if number % 2 else "another_patient"]
    if practices == 1:
        kinds.append("another_patient")
    return dict(zip(order.tolist(), kinds, strict=False))


def _allergies(table: pa.Table) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for patient, what in zip(
        table["patient_id"].to_pylist(), table["substance_text"].to_pylist(), strict=True
    ):
        found[patient] = (*found.get(patient, ()), what)
    return found


def letters(
    script: Script, made: Plans, allergy: pa.Table, seed: int, practices: int, wanted: int
) -> tuple[list[SyntheticLetter], list[tuple[int, int, int, str]]]:
    """The letters of one practice, and the stays they tell of (patient, in, out, trust)."""
    who = script.who
    chosen, plans = choose(script, made, seed, wanted)
    allergic = _allergies(allergy)
    out, stays = [], []
    astray = _astray(who.place.number, practices, len(chosen), seed)
    told_of = stories(seed, who.place.code, len(chosen))
    for turn, case in enumerate(chosen):
        rng = stream(seed, f"letter {turn}", who.place.code)
        layout = NAMES[(turn + 3 * who.place.number) % len(NAMES)]
        expected = astray.get(turn, "reconcile")
        if expected != "reconcile" and layout in (*PARTIAL, SCAN):
            layout = "numbered"
        if layout == SCAN:
            expected = "for_a_person"
        number = number_of(seed, int(who.serial[case.patient]))
        if expected == "no_such_patient":
            number = number_of(seed, CAPACITY + who.place.number)
        elif expected == "another_patient":
            number = number_of(seed, int(who.serial[(case.patient + 1) % who.size]))
        items, kinds = items_of(made, plans[case.patient], who.place.number, who.as_of)
        told = stay(
            rng,
            who,
            case,
            items,
            kinds,
            turn,
            told_of[turn],
            layout in PARTIAL,
            allergic.get(who.patient_id(case.patient), ()),
            number,
        )
        out.append(_letter(script, told, case, layout, expected, turn))
        if expected != "no_such_patient":
            stays.append((case.patient, case.admitted, case.discharged, told.trust_code))
    return out, stays


def _letter(
    script: Script, told: Stay, case: Chosen, layout: str, expected: str, turn: int
) -> SyntheticLetter:
    content, media, ending, truth = _write(told, layout)
    code = script.who.place.code
    known = expected != "no_such_patient"
    return SyntheticLetter(
        f"{code}-letter-{turn + 1:04d}.{ending}",
        media,
        content,
        code,
        script.who.patient_id(case.patient) if known else None,
        told.nhs_number,
        case.received,
        told.discharged,
        layout,
        told.trust_code,
        told.ward,
        expected,
        truth,
    )


def document_table(script: Script, written: list[SyntheticLetter]) -> pa.Table:
    """The canonical ``document`` table: letters matched to nobody yet have no patient."""
    size = len(written)
    number = np.arange(size, dtype=np.int64)
    received = np.array([letter.received_at for letter in written], dtype=np.int64)
    matched = [x.patient_id if x.expected == "reconcile" else None for x in written]
    return columns.table(
        "document",
        script.who.place.code,
        size,
        {
            "document_id": columns.ids(f"D{script.who.place.number}", number + 1, 8),
            "patient_id": pa.array(matched, pa.string()),
            "kind": columns.constant("discharge", size),
            "event_on": columns.days(np.array([x.discharged_on for x in written], dtype=np.int64)),
            "received_at": columns.times(received, 8 * 3600 + number * 397 % 30000),
            "sender_code": pa.array([x.sender_code for x in written], pa.string()),
            "sender_unit": pa.array([x.sender_unit for x in written], pa.string()),
            "media_type": pa.array([x.media_type for x in written], pa.string()),
            "sha256": pa.array(
                [hashlib.sha256(x.content).hexdigest() for x in written], pa.string()
            ),
        },
        received,
    )
