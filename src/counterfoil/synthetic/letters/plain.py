"""Plain-text layouts. Each takes a stay and writes a sheet that knows where each line stands."""

from __future__ import annotations

from collections.abc import Callable

from counterfoil.synthetic.letters.model import Item, Stay
from counterfoil.synthetic.letters.words import (
    Sheet,
    dashed,
    dose,
    often,
    slashed,
    spaced,
    spelled,
    status,
)

TAKING = ("continued", "changed", "new", None)
OFF = ("stopped", "on_hold")


def _what(item: Item) -> str:
    return item.garbled or item.product


def _after(item: Item, *parts: str, join: str = " ") -> str:
    """The parts that are not empty, or the garbled words alone."""
    if item.garbled:
        return item.garbled
    return join.join(part for part in parts if part)


def _full_header(sheet: Sheet, stay: Stay) -> None:
    sheet.line(stay.trust.upper())
    sheet.line("DISCHARGE SUMMARY")
    sheet.line()
    sheet.line(f"Patient: {stay.family.upper()}, {stay.given}")
    sheet.line(f"Date of birth: {slashed(stay.birth)}     NHS No: {spaced(stay.nhs_number)}")
    sheet.line(f"GP practice: {stay.practice}")
    sheet.line(f"Ward: {stay.ward}")
    sheet.line(f"Admitted: {slashed(stay.admitted)}    Discharged: {slashed(stay.discharged)}")
    sheet.line()
    sheet.line(f"Reason for admission: {stay.reason}")
    sheet.line(f"Diagnosis: {stay.diagnosis}")
    sheet.line()
    sheet.wrap(stay.story)
    sheet.line()
    sheet.line("Allergies: " + (", ".join(stay.allergies) or "none known"))
    sheet.line()


def _cells(item: Item) -> tuple[str, ...]:
    remark = "; ".join(part for part in (item.duration, item.remark) if part)
    if item.garbled:
        return (item.garbled, "", "", status(item, 0), "")
    if item.stated in OFF:
        return (item.product, "", "", status(item, 0), remark)
    return (item.product, dose(item, "plain"), often(item, 0), status(item, 0), remark)


def columns(stay: Stay) -> Sheet:
    """A table in columns of fixed width."""
    sheet = Sheet()
    _full_header(sheet, stay)
    sheet.line("Medication on discharge")
    rows = [_cells(item) for item in stay.items]
    head = ("Medicine", "Dose", "Frequency", "Status", "Comment")
    wide = [max(len(row[c]) for row in [head, *rows]) + 2 for c in range(4)]

    def set_out(cells: tuple[str, ...]) -> str:
        return "".join(f"{cells[c]:<{wide[c]}}" for c in range(4)) + cells[4]

    sheet.line(set_out(head))
    sheet.line("-" * (sum(wide) + 8))
    for item, row in zip(stay.items, rows, strict=True):
        sheet.item(item, set_out(row).rstrip())
    sheet.line()
    sheet.line(f"Completed by {stay.sign}")
    return sheet


def numbered(stay: Stay) -> Sheet:
    """A numbered list, one medicine a line."""
    sheet = Sheet()
    sheet.line(f"{stay.trust} - {stay.ward}")
    sheet.line(f"Re: {stay.name}, DOB {spelled(stay.birth)}, NHS number {stay.nhs_number}")
    sheet.line(f"Discharged {spelled(stay.discharged)} (admitted {spelled(stay.admitted)})")
    sheet.line()
    sheet.line("Dear Doctor,")
    sheet.wrap(
        f"Thank you for taking over the care of this patient. {stay.diagnosis}. {stay.story}"
    )
    sheet.line()
    sheet.line("Known allergies: " + (", ".join(stay.allergies) or "nil known"))
    sheet.line()
    sheet.line("TTO medicines:")
    listed = [item for item in stay.items if item.stated not in OFF]
    for number, item in enumerate(listed, start=1):
        sheet.add(f"{number}. ")
        words = f"{item.product} - {dose(item, 'capital')} {often(item, 2)}"
        words = _after(item, words, item.duration and f"for {item.duration}", join=" ")
        note = " - ".join(part for part in (status(item, 1), item.remark) if part)
        sheet.item(item, f"{words} - {note}" if note and not item.garbled else words)
    away = [item for item in stay.items if item.stated in OFF]
    if away:
        sheet.line()
        sheet.line("Stopped or withheld:")
        for number, item in enumerate(away, start=1):
            sheet.add(f"{number}. ")
            note = item.remark and f" ({item.remark})"
            sheet.item(item, f"{_what(item)} - {status(item, 1)}{note}")
    sheet.line()
    sheet.line("Yours sincerely,")
    sheet.line(stay.sign)
    return sheet


def paragraph(stay: Stay) -> Sheet:
    """Everything in running text."""
    sheet = Sheet()
    sheet.line(stay.trust)
    sheet.line(f"{stay.ward}, {dashed(stay.discharged)}")
    sheet.line()
    sheet.line(f"{stay.name}  D.O.B. {dashed(stay.birth)}  NHS {spaced(stay.nhs_number)}")
    sheet.line()
    who = "She" if stay.female else "He"
    sheet.wrap(
        f"{who} was admitted on {spelled(stay.admitted)} with {stay.reason.lower()} and discharged "
        f"on {spelled(stay.discharged)}. {stay.story}"
    )
    sheet.line("Allergies: " + (", ".join(stay.allergies) or "no known drug allergies"))
    sheet.line()
    sheet.add("Discharge medication: ")
    taking = [item for item in stay.items if item.stated not in OFF]
    for index, item in enumerate(taking):
        words = _after(
            item,
            item.product,
            dose(item, "bare"),
            often(item, 1),
            item.duration and f"for {item.duration}",
            f"({status(item, 1)}{', ' + item.remark if item.remark else ''})"
            if item.stated in ("changed", "new")
            else "",
        )
        sheet.item(item, words, end="; " if index + 1 < len(taking) else ".\n")
    away = [item for item in stay.items if item.stated in OFF]
    if away:
        sheet.line()
        sheet.add("Stopped: ")
        for index, item in enumerate(away):
            hold = "withheld" if item.stated == "on_hold" else ""
            note = ", ".join(part for part in (hold, item.remark) if part)
            words = f"{_what(item)}{f' ({note})' if note else ''}"
            sheet.item(item, words, end="; " if index + 1 < len(away) else ".\n")
    sheet.line()
    sheet.line(stay.sign)
    return sheet


def two_lines(stay: Stay) -> Sheet:
    """The medicine on one line, its directions on the next."""
    sheet = Sheet()
    _full_header(sheet, stay)
    sheet.line("DISCHARGE MEDICATION")
    sheet.line()
    for item in stay.items:
        if item.garbled:
            sheet.item(item, item.garbled)
        elif item.stated in OFF:
            sheet.item(item, f"{item.product}\n    {status(item, 2)} {item.remark}".rstrip())
        else:
            tail = " / ".join(part for part in (item.duration, item.remark) if part)
            way = f"Take {dose(item, 'capital')} {often(item, 0)}"
            if item.unit not in ("tablet", "capsule", "ml", "sachet"):
                way = f"{dose(item, 'capital')} {often(item, 0)}"
            extra = f"  {tail}" if tail else ""
            mark = f"  [{status(item, 2)}]" if item.stated else ""
            sheet.item(item, f"{item.product}\n    {way}{mark}{extra}")
        sheet.line()
    sheet.line(stay.sign)
    return sheet


def changes_only(stay: Stay) -> Sheet:
    """Only what changed; the rest is said to be unchanged."""
    sheet = Sheet()
    sheet.line(f"{stay.trust}: day case and short stay letter")
    sheet.line(
        f"Name {stay.name}   Born {spelled(stay.birth)}   NHS number {spaced(stay.nhs_number)}"
    )
    sheet.line(f"Admitted {spelled(stay.admitted)}, discharged {spelled(stay.discharged)}")
    sheet.line(f"Problem: {stay.diagnosis}")
    sheet.line("Allergies: " + (", ".join(stay.allergies) or "none recorded"))
    sheet.line()
    sheet.line("Changes to medication")
    for title, kinds in (("Started", ("new",)), ("Changed", ("changed",)), ("Stopped", OFF)):
        found = stay.of(*kinds)
        sheet.line(f"{title}:" + ("" if found else " none"))
        for item in found:
            way = "" if item.stated in OFF else f"{dose(item, 'plain')} {often(item, 0)}"
            hold = "on hold" if item.stated == "on_hold" else ""
            limit = item.duration and f"for {item.duration}"
            words = _after(item, item.product, way, limit)
            note = ", ".join(part for part in (hold, item.remark) if part)
            sheet.add("  - ")
            sheet.item(item, f"{words} ({note})" if note else words)
    sheet.line()
    sheet.line("All other regular medication is unchanged.")
    sheet.line()
    sheet.line(stay.sign)
    return sheet


def sections(stay: Stay) -> Sheet:
    """Three headed sections."""
    sheet = Sheet()
    _full_header(sheet, stay)
    parts = (
        ("MEDICINES ON DISCHARGE - CONTINUED", ("continued", None)),
        ("MEDICINES STARTED IN HOSPITAL", ("new",)),
        ("MEDICINES CHANGED IN HOSPITAL", ("changed",)),
        ("MEDICINES STOPPED", ("stopped",)),
        ("MEDICINES WITHHELD", ("on_hold",)),
    )
    for title, kinds in parts:
        found = stay.of(*kinds)
        if not found and kinds not in (("continued", None), ("stopped",)):
            continue
        sheet.line(title)
        if not found:
            sheet.line("None")
        for item in found:
            way = "" if item.stated in OFF else f"{dose(item, 'plain')} {often(item, 2)}"
            words = _after(
                item, item.product, way, item.duration and f"for {item.duration}", join=", "
            )
            sheet.item(item, f"{words}. {item.remark}".rstrip(". ") if item.remark else words)
        sheet.line()
    sheet.line(f"Prepared by {stay.sign} on {slashed(stay.discharged)}")
    return sheet


def blocks(stay: Stay) -> Sheet:
    """A small block of labelled lines for each medicine."""
    sheet = Sheet()
    sheet.line(f"** {stay.trust} electronic discharge notification **")
    sheet.line(f"Patient name : {stay.name}")
    sheet.line(f"NHS number   : {stay.nhs_number}")
    sheet.line(f"Birth date   : {dashed(stay.birth)}")
    sheet.line(f"Admitted     : {dashed(stay.admitted)}")
    sheet.line(f"Discharged   : {dashed(stay.discharged)}")
    sheet.line(f"Location     : {stay.ward}")
    sheet.line(f"Diagnosis    : {stay.diagnosis}")
    sheet.line("Allergies    : " + (", ".join(stay.allergies) or "None known"))
    sheet.line()
    sheet.line("MEDICATION LIST")
    for item in stay.items:
        rows = [f"Drug      : {_what(item)}"]
        if not item.garbled and item.stated not in OFF:
            rows.append(f"Dose      : {dose(item, 'plain')}")
            rows.append(f"Frequency : {often(item, 0)}")
        if item.duration:
            rows.append(f"Duration  : {item.duration}")
        if item.stated:
            rows.append(f"Status    : {status(item, 3)}")
        if item.remark:
            rows.append(f"Comment   : {item.remark}")
        sheet.item(item, "\n".join(rows))
        sheet.line()
    sheet.line(f"Sent by {stay.sign}")
    return sheet


def piped(stay: Stay) -> Sheet:
    """A table with bars between the columns, as a ward system prints it."""
    sheet = Sheet()
    sheet.line(f"{stay.trust} | {stay.ward} | eDischarge")
    sheet.line(
        f"{stay.family.upper()} {stay.given} | DOB {slashed(stay.birth)} | NHS {stay.nhs_number}"
    )
    sheet.line(f"Adm {slashed(stay.admitted)} | Disch {slashed(stay.discharged)}")
    sheet.line(f"Dx: {stay.diagnosis}")
    sheet.wrap(stay.story)
    sheet.line("Allergies: " + (", ".join(stay.allergies) or "NKDA"))
    sheet.line()
    sheet.line("| Drug | Dose | Freq | Change | GP to continue |")
    sheet.line("|------|------|------|--------|----------------|")
    for item in stay.items:
        keep = "N" if item.duration or item.stated in OFF else "Y"
        if item.garbled:
            row = f"| {item.garbled} | | | {status(item, 2)} | |"
        elif item.stated in OFF:
            row = f"| {item.product} | - | - | {status(item, 2)} {item.remark} | {keep} |"
        else:
            note = " ".join(part for part in (status(item, 2), item.duration, item.remark) if part)
            row = f"| {item.product} | {dose(item, 'bare')} | {often(item, 1)} | {note} | {keep} |"
        sheet.item(item, row)
    sheet.line()
    sheet.line(f"Dr: {stay.sign}")
    return sheet


LAYOUTS: dict[str, Callable[[Stay], Sheet]] = {
    "columns": columns,
    "numbered": numbered,
    "paragraph": paragraph,
    "two_lines": two_lines,
    "changes_only": changes_only,
    "sections": sections,
    "blocks": blocks,
    "piped": piped,
}
"""Every plain-text layout by its name."""
