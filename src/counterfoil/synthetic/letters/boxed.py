"""Boxed and wrapped text: pages as an old ward printer lays them out, names broken over lines."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from counterfoil.synthetic.letters.model import Item, Stay
from counterfoil.synthetic.letters.page import STYLES, Page, page
from counterfoil.synthetic.letters.words import (
    Sheet,
    dose,
    often,
    shortened,
    slashed,
    spelled,
    status,
)

WIDTH = 92
OFF = ("stopped", "on_hold")


def _head(sheet: Sheet, told: Page) -> None:
    sheet.line(told.trust)
    sheet.line(f"{told.title} - {told.ward}")
    sheet.line()
    for label, value in told.labels:
        sheet.line(f"{label}: {value}")
    sheet.line()
    for label, words in told.paragraphs:
        sheet.wrap(f"{label}: {words}" if label else words)
        sheet.line()


def _widths(count: int) -> list[int]:
    """The first column is the widest and still too narrow for many names."""
    rest = (WIDTH - 26 - 3 * count - 1) // (count - 1)
    return [26] + [rest] * (count - 1)


def _wrapped(cells: tuple[str, ...], widths: list[int], bar: str) -> str:
    """The lines of one row, its cells broken at spaces where they are too long."""
    parts = [textwrap.wrap(cell, wide) or [""] for cell, wide in zip(cells, widths, strict=True)]
    out = []
    for number in range(max(len(part) for part in parts)):
        found = [part[number] if number < len(part) else "" for part in parts]
        words = bar.join(f" {cell:<{wide}} " for cell, wide in zip(found, widths, strict=True))
        out.append(f"{bar}{words}{bar}".rstrip() if bar.strip() else words.rstrip())
    return "\n".join(out)


def _table(style: str, bar: str) -> Callable[[Stay], Sheet]:
    def write(stay: Stay) -> Sheet:
        told, sheet = page(stay, STYLES[style]), Sheet()
        _head(sheet, told)
        for block in told.blocks:
            sheet.line(block.heading.upper())
            widths = _widths(len(block.heads))
            rule = "+" + "+".join("-" * (wide + 2) for wide in widths) + "+"
            if not block.rows:
                sheet.line(told.none)
            else:
                if bar.strip():
                    sheet.line(rule)
                sheet.line(_wrapped(block.heads, widths, bar))
                sheet.line(rule if bar.strip() else "=" * WIDTH)
            for item, cells in block.rows:
                sheet.item(item, _wrapped(cells, widths, bar))
                sheet.line(rule if bar.strip() else "")
            sheet.line()
        sheet.line(f"Signed: {told.sign}")
        return sheet

    return write


def shorthand(stay: Stay) -> Sheet:
    """A junior doctor's list: abbreviated forms, Latin times, arrows for what changed."""
    sheet = Sheet()
    sheet.line(f"{stay.trust}, {stay.ward}")
    sheet.line(f"{stay.name} {slashed(stay.birth)} NHS {stay.nhs_number}")
    sheet.line(f"In {slashed(stay.admitted)} out {slashed(stay.discharged)}. {stay.diagnosis}.")
    sheet.line("Allergies: " + (", ".join(stay.allergies) or "NKDA"))
    sheet.line()
    sheet.line("TTAs")
    marks = {"new": "NEW", "changed": "CHANGED", "stopped": "STOPPED", "on_hold": "WITHHELD"}
    for item in stay.items:
        if item.garbled:
            sheet.item(item, item.garbled)
            continue
        mark = marks.get(item.stated or "", "")
        way = "" if item.stated in OFF else f"{dose(item, 'bare')} {often(item, 1)}"
        limit = item.duration and f"x {item.duration}"
        words = (shortened(item.product), way, limit, mark, item.remark and f"({item.remark})")
        sheet.item(item, " ".join(part for part in words if part))
    sheet.line()
    sheet.line(stay.sign)
    return sheet


def dictated(stay: Stay) -> Sheet:
    """A typed letter: one sentence a medicine, wrapped where the line is full."""
    sheet = Sheet()
    sheet.line(stay.trust)
    sheet.line(f"Dictated {spelled(stay.discharged)}")
    sheet.line()
    sheet.line(
        f"Re: {stay.name}, date of birth {spelled(stay.birth)}, NHS number {stay.nhs_number}"
    )
    sheet.line(
        f"Date of admission {spelled(stay.admitted)}. Date of discharge {spelled(stay.discharged)}."
    )
    sheet.line()
    sheet.wrap(f"Dear Doctor, {stay.diagnosis}. {stay.story}")
    sheet.line("Allergies: " + (", ".join(stay.allergies) or "none known"))
    sheet.line()
    sheet.line("Medication on discharge:")
    for item in stay.items:
        sheet.item(item, "\n".join(textwrap.wrap(_sentence(item), 64)))
    sheet.line()
    sheet.line("Yours sincerely,")
    sheet.line(stay.sign)
    return sheet


def _sentence(item: Item) -> str:
    if item.garbled:
        return item.garbled
    verb = {
        "new": "started",
        "changed": "dose changed",
        "stopped": "stopped",
        "on_hold": "withheld",
    }
    way = "" if item.stated in OFF else f", {dose(item, 'plain')} {often(item, 0)}"
    limit = f" for {item.duration}" if item.duration else ""
    said = verb.get(item.stated or "", "continued" if item.stated else "")
    tail = " - ".join(part for part in (said, item.remark) if part)
    return f"{item.product}{way}{limit}" + (f" - {tail}." if tail else ".")


def emailed(stay: Stay) -> Sheet:
    """Fields parted by semicolons, as exported from a ward system into a message."""
    sheet = Sheet()
    sheet.line("From: " + stay.ward + ", " + stay.trust)
    sheet.line("Subject: Discharge notification")
    sheet.line()
    sheet.line(f"Patient name: {stay.name}; Date of birth: {slashed(stay.birth)}")
    sheet.line(f"NHS number: {stay.nhs_number}")
    sheet.line(f"Admitted: {slashed(stay.admitted)}; Discharged: {slashed(stay.discharged)}")
    sheet.line("Allergies: " + (", ".join(stay.allergies) or "none known"))
    sheet.wrap(f"Diagnosis: {stay.diagnosis}. {stay.story}")
    sheet.line()
    sheet.line("Discharge medication")
    for item in stay.items:
        way = (
            "" if item.garbled or item.stated in OFF else f"{dose(item, 'plain')} {often(item, 0)}"
        )
        said = "" if item.garbled else status(item, 1)
        cells = (item.garbled or item.product, way, item.duration, said, item.remark)
        sheet.item(item, "; ".join(cell for cell in cells if cell))
    sheet.line()
    sheet.line("Sent by " + stay.sign)
    return sheet


LAYOUTS: dict[str, Callable[[Stay], Sheet]] = {
    "boxed": _table("northgate", "|"),
    "boxed_long": _table("st_brides", "|"),
    "boxed_split": _table("eastmoor", "|"),
    "wrapped": _table("kingsbarrow", " "),
    "shorthand": shorthand,
    "dictated": dictated,
    "emailed": emailed,
}
"""Every text layout of this module by its name."""

WRAPPED = frozenset(["boxed", "boxed_long", "boxed_split", "wrapped", "dictated"])
"""Layouts in which a medicine's name may be broken over lines."""
