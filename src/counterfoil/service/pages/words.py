"""How pages say dates, ages, NHS numbers and classes of work. Pure functions, no markup."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from counterfoil.foundation import days

LONDON = ZoneInfo("Europe/London")

CLASS_WORDS = {
    "conflict": "Conflict",
    "unreadable": "Not readable",
    "changed": "Changed",
    "missing": "Not in the letter",
    "stopped": "Stopped",
    "new": "New",
    "duplicate": "Twice",
    "same": "Same",
    "done": "Done already",
}
"""Classes of reconciliation, in the order in which they are worked (reconciliation notes 5.6)."""

CLASS_COLOURS = {
    "conflict": "red",
    "unreadable": "red",
    "changed": "orange",
    "missing": "yellow",
    "stopped": "orange",
    "new": "blue",
    "duplicate": "yellow",
    "same": "grey",
    "done": "grey",
}


PAST = {
    "book_test": "Test booked",
    "send_invitation": "Invitation sent",
    "found_elsewhere": "Test found elsewhere",
    "monitored_elsewhere": "Monitored elsewhere",
    "declined": "Patient declined",
    "not_applicable": "Closed: does not apply",
    "add_note": "Note",
    "draft": "Draft",
    "propose_code": "Code proposed",
    "confirm_code": "Code confirmed",
    "record_coded": "Diagnosis coded",
    "record_not_diagnosis": "Not this condition",
    "record_reviewed": "Reviewed: goes on unchanged",
    "record_changed": "Treatment changed",
    "confirm_same": "Confirmed the same",
    "confirm_done": "Confirmed done already",
    "query_ward": "Ward asked",
    "approve_change": "Change agreed",
    "decline_change": "Change not made",
    "authorise_new": "New medicine authorised",
    "decline_new": "Not started",
    "end_item": "Item to end",
    "keep_item": "Stays on repeat",
    "resolve": "Resolved",
    "read_note": "Note read",
    "ready_for_signature": "Ready for signature",
    "protocol_done": "Protocol step done: ready for signature",
    "reviewed_ready": "Reviewed: ready for signature",
    "told_when_due": "Patient told when it is due",
    "clarified": "Clarified with the patient",
    "signed": "Signed in the GP system",
    "decline_item": "Declined",
    "return_item": "Returned",
    "reopened": "To do again",
}
"""What an action is called once it is done."""


def past(action: str, label: str) -> str:
    """An action as it is told afterwards; its label where it has no words of its own."""
    return PAST.get(action, label)


def nhs_number(number: str) -> str:
    """``999 000 0018``; what is not ten digits is given back as it is."""
    digits = number.replace(" ", "")
    return f"{digits[:3]} {digits[3:6]} {digits[6:]}" if len(digits) == 10 else number


def day_words(value: date | datetime | None) -> str:
    """``14 June 2026``, empty for none; a time is read as a day in London."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.astimezone(LONDON).date()
    return days.words(value)


def short_day(value: date | datetime | None) -> str:
    """``14 June``: where the year is plain."""
    return day_words(value).rsplit(" ", 1)[0]


def clock(value: datetime) -> str:
    """``2:30pm`` in London; ``midday`` and ``midnight`` by name."""
    local = value.astimezone(LONDON)
    if local.minute == 0 and local.hour in (0, 12):
        return "midday" if local.hour else "midnight"
    hour = local.hour % 12 or 12
    minute = f":{local.minute:02d}" if local.minute else ""
    return f"{hour}{minute}{'am' if local.hour < 12 else 'pm'}"


def moment(value: datetime | None) -> str:
    """``14 June 2026, 2:30pm``"""
    return f"{day_words(value)}, {clock(value)}" if value is not None else ""


def short_moment(value: datetime | None) -> str:
    """``14 June, 2:30pm``"""
    return f"{short_day(value)}, {clock(value)}" if value is not None else ""


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 line``, ``3 lines``"""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def due_words(days_left: int | None) -> str:
    """``3 days late``, ``today``, ``tomorrow``, ``in 2 days``; empty for no date."""
    if days_left is None:
        return ""
    if days_left < 0:
        return f"{count(-days_left, 'day')} late"
    return {0: "today", 1: "tomorrow"}.get(days_left, f"in {days_left} days")


def ago(value: date | datetime | None, today: date) -> str:
    """``today``, ``yesterday``, ``3 days ago``"""
    if value is None:
        return ""
    day = value.astimezone(LONDON).date() if isinstance(value, datetime) else value
    passed = (today - day).days
    return {0: "today", 1: "yesterday"}.get(passed, f"{passed} days ago")


def tidy_name(name: str) -> str:
    """A name that its sender wrote in capitals, as other names are written."""
    return name.title().replace("'S", "'s") if name.isupper() else name


def ward_words(ward: str) -> str:
    """``ward 7``; a ward or unit with a name keeps it."""
    bare = ward.strip()
    named = bare.split()
    if named and named[0].lower() == "ward":
        bare = " ".join(named[1:])
    if bare and len(bare) <= 4:
        return f"ward {bare}"
    return bare


def initial_capital(text: str) -> str:
    """The text with its first letter large, the rest untouched."""
    return text[:1].upper() + text[1:]


def class_words(klass: str) -> str:
    """The words of a class of reconciliation."""
    return CLASS_WORDS.get(klass, initial_capital(klass.replace("_", " ")))
