"""A case: its findings with reasons in words, the drafts of questions, the record's tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from markupsafe import Markup

from counterfoil.foundation import days
from counterfoil.records.patient import FIELDS, PatientRecord
from counterfoil.records.rows import CodedEntry, Issue, Plan
from counterfoil.records.schema import TABLES
from counterfoil.service.casework.shapes import CaseView, FindingCard, HistoryLine
from counterfoil.service.pages import timeline, words
from counterfoil.service.pages.presenters.today import Tag, short_why

TRUTHS = {
    True: ("met", "blue"),
    False: ("not met", "grey"),
    None: ("cannot tell", "yellow"),
}
TestOf = Callable[[str, str], str | None]
"""The drawn test that a clause of a rule is about: rule id and clause name in, its name out."""
WORK_TAGS = {
    "handed_over": ("Handed over", "grey"),
    "answered": ("Answered", "green"),
    "waiting": ("Waiting", "grey"),
    "done": ("Done", "green"),
}
VERIFICATION = {
    "verified": "The record now shows what was decided.",
    "outstanding": "The record does not show yet what was decided.",
    "conflict": "The record shows something other than what was decided.",
}


@dataclass(frozen=True)
class ReasonLine:
    """One reason: whether it holds, its sentence, and the record's rows behind it in words."""

    truth: str
    colour: str
    text: str
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """A finding as its card shows it."""

    finding: FindingCard
    tags: tuple[Tag, ...]
    reasons: tuple[ReasonLine, ...]
    summary: str
    draft: str
    source: str
    verification: str
    folded: bool


@dataclass(frozen=True)
class RecordTable:
    """A part of the record: a heading, its columns and rows, dates already in words."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()


YEAR = 365


@dataclass(frozen=True)
class Drawing:
    """The medicines time line: the picture, its table, and how many medicines it leaves out."""

    svg: Markup
    table: tuple[timeline.TableRow, ...]
    hidden: int
    all_shown: bool
    stays: bool
    late: bool
    small: Markup | None = None
    """The same drawing for a small screen, on a page of its own."""
    outside: bool = False
    changes: bool = False
    ahead: bool = False
    problems: bool = False
    more_problems: int = 0


@dataclass(frozen=True)
class HistoryRow:
    """One line of the history; ``more`` holds a text too long for one line."""

    when: str
    who: str
    text: str


def quantity(value: object, unit: str | None) -> str:
    """``28 tablet``, without zeros that storage added."""
    if value is None:
        return ""
    text = str(value)
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text} {unit or ''}".strip()


def result_words(entry: CodedEntry) -> str:
    """``62 mL/min``: comparator, value and unit, or the text where there is no number."""
    if entry.value is None:
        return entry.value_text or ""
    return f"{entry.comparator or ''}{quantity(entry.value, entry.unit_text)}"


def row_words(row: Any) -> str:
    """One row of the record as a reason names it: the day, what it is, how much."""
    if isinstance(row, Issue):
        parts = [
            f"issued {words.day_words(row.issued_on)}",
            row.product_text,
            quantity(row.quantity, row.quantity_unit),
            f"“{row.dose_text}”" if row.dose_text else "",
        ]
    elif isinstance(row, CodedEntry):
        parts = [words.day_words(row.happened_on) or "no date", row.term, result_words(row)]
    elif isinstance(row, Plan):
        parts = [
            f"{row.plan_type} since {words.day_words(row.start_date)}"
            if row.start_date
            else row.plan_type,
            row.product_text,
            f"“{row.dose_text}”" if row.dose_text else "",
        ]
    else:
        day = next(
            (
                getattr(row, name)
                for name in ("onset_on", "admitted_on", "event_on", "birth_date")
                if getattr(row, name, None)
            ),
            None,
        )
        text = next(
            (
                getattr(row, name)
                for name in ("term", "substance_text", "what_text", "kind")
                if getattr(row, name, None)
            ),
            type(row).__name__.lower(),
        )
        parts = [words.day_words(day), str(text)]
    return ", ".join(part for part in parts if part)


def index_rows(record: PatientRecord | None) -> dict[tuple[str, str], Any]:
    """The record's rows by table and key."""
    if record is None:
        return {}
    found: dict[tuple[str, str], Any] = {}
    for attribute, table in FIELDS.items():
        for row in getattr(record, attribute):
            found[table, getattr(row, TABLES[table].key)] = row
    found["patient", record.patient.patient_id] = record.patient
    return found


def reason_lines(
    reasons: Iterable[Mapping[str, Any]], rows: Mapping[tuple[str, str], Any]
) -> tuple[ReasonLine, ...]:
    """The engine's reasons in order; rows the record no longer holds are left out."""
    lines = []
    for reason in reasons:
        truth, colour = TRUTHS[reason.get("holds")]
        named = [
            rows.get((str(one.get("table")), str(one.get("id"))))
            for one in reason.get("rows", ())
            if isinstance(one, Mapping)
        ]
        said = [row_words(row) for row in named if row is not None]
        text = str(reason.get("text", reason.get("clause", "")))
        shown = 1 if isinstance(next(iter(named), None), Issue) else 2
        unique = tuple(dict.fromkeys(said))
        more = len(unique) - shown
        if more > 0:
            unique = (*unique[:shown], f"and {words.count(more, 'row')} more like it")
        lines.append(ReasonLine(truth, colour, words.initial_capital(text), unique))
    return tuple(lines)


def state_tags(card: FindingCard) -> tuple[Tag, ...]:
    """What stands beside a finding's title: lateness or state, then what was done about it."""
    tags = []
    if card.state == "clear":
        tags.append(Tag("No longer so", "grey"))
    elif card.state == "cannot_tell":
        tags.append(Tag("Cannot tell", "yellow"))
    elif card.state == "near":
        tags.append(Tag(f"Due {words.due_words(card.days_left)}".strip(), "white"))
    elif card.days_left is not None and card.days_left < 0:
        tags.append(Tag(f"Overdue {words.count(-card.days_left, 'day')}", "red"))
    if card.urgency == "same_day" and card.state != "clear":
        tags.append(Tag("Same day", "red"))
    if card.high_risk:
        tags.append(Tag("High-risk drug", "orange"))
    if card.work in WORK_TAGS:
        text, colour = WORK_TAGS[card.work]
        if card.work == "handed_over" and card.with_role:
            text = f"With the {card.with_role}"
        if card.work == "waiting" and card.waiting_until:
            text = f"Waiting until {words.short_day(card.waiting_until)}"
        tags.append(Tag(text, colour))
    if not card.makes_work:
        tags.append(Tag("Draft rule: makes no work", "white"))
    return tuple(tags)


def source_line(card: FindingCard) -> str:
    """The rule, its version and who approved it, in one line."""
    approved = f"approved by {card.approved_by}" if card.approved_by else "not approved here"
    return f"Rule {card.rule}, version {card.rule_version}, {approved}"


def draft_question(card: FindingCard, reasons: Iterable[ReasonLine]) -> str:
    """A question to start from: what was found, the facts, and what is asked. No name in it."""
    facts = [f"- {line.text}" for line in reasons if line.truth != "not met"]
    body = [f"{card.title}. In the record:" if facts else f"{card.title}.", *facts]
    ask = {
        "monitoring": "Should this medicine still be issued until the test is done?",
        "interaction": "Please look at these medicines together.",
        "coding": "Please say whether this should be coded.",
    }.get(card.klass.split(".")[0], "Please say what should be done.")
    return "\n".join([*body, "", ask])


def card_of(card: FindingCard, rows: Mapping[tuple[str, str], Any]) -> Card:
    """A finding as its card shows it."""
    reasons = reason_lines(card.reasons, rows)
    return Card(
        finding=card,
        tags=state_tags(card),
        reasons=reasons,
        summary=short_why(card.summary),
        draft=draft_question(card, reasons),
        source=source_line(card),
        verification=card.verification_text or VERIFICATION.get(card.verification, ""),
        folded=card.work in ("done", "handed_over", "waiting") or card.state == "clear",
    )


def allergies(record: PatientRecord | None) -> str:
    """``penicillin (rash)``; says so where none is recorded, which is not the same as none."""
    if record is None:
        return "not known"
    said = [
        f"{row.substance_text} ({row.reaction_text})" if row.reaction_text else row.substance_text
        for row in record.allergies
        if row.status != "past" and row.deleted_on is None
    ]
    return ", ".join(dict.fromkeys(said)) or "none recorded"


def draw(
    record: PatientRecord,
    today: date,
    cards: Iterable[FindingCard],
    tests: Mapping[str, frozenset[str]],
    *,
    everything: bool,
    test_of: TestOf,
    supply_days: timeline.SupplyDays = timeline.stated_supply,
    dose_words: Callable[[Plan], str] | None = None,
    back: int = YEAR,
    own_page: bool = False,
) -> Drawing:
    """The time line of the last *back* days; medicines that findings are about come first.

    On a page of its own it is wide, and shows problems too.
    """
    due: dict[str, int] = {}
    unknown: set[str] = set()
    first: list[str] = []
    rows = index_rows(record)
    for card in cards:
        if card.kind != "rule" or card.state == "clear":
            continue
        first += list(_drugs(card, rows))
        for name, day in _due_tests(card, test_of):
            if day is None:
                unknown.add(name)
            else:
                due[name] = min(day, due.get(name, day))
    line = timeline.build(
        record,
        as_of=days.to_day(today),
        tests=tests,
        due=due,
        unknown=unknown - due.keys(),
        first=first,
        supply_days=supply_days,
        dose_words=dose_words,
        limit=None if everything else timeline.LANES,
        back=back,
        problems=(None if everything else timeline.PROBLEMS) if own_page else 0,
    )
    return Drawing(
        svg=timeline.sheets(line) if own_page else timeline.svg(line),
        small=timeline.sheets(line, width=timeline.NARROW, most=10_000) if own_page else None,
        table=timeline.table(line),
        hidden=line.hidden,
        all_shown=everything,
        stays=bool(line.stays),
        late=any(test.due is not None and test.due < line.as_of for test in line.tests),
        outside=any(mark.outside for test in line.tests for mark in test.marks),
        changes=any(lane.changes for lane in line.medicines),
        ahead=any(lane.ahead for lane in line.medicines),
        problems=bool(line.problems),
        more_problems=line.more_problems,
    )


def _drugs(card: FindingCard, rows: Mapping[tuple[str, str], Any]) -> Iterable[str]:
    """The medicines that a finding cites, by the names their lanes have."""
    for reason in card.reasons:
        for one in reason.get("rows", ()) if reason.get("holds") is not False else ():
            row = rows.get((str(one.get("table")), str(one.get("id"))))
            if isinstance(row, Issue | Plan):
                plan = rows.get(("plan", getattr(row, "plan_id", None) or ""))
                yield (plan or row).product_text


def _due_tests(card: FindingCard, test_of: TestOf) -> Iterable[tuple[str, int | None]]:
    """Tests that a finding's reasons are about, and when each is due; ``None``: cannot tell."""
    for reason in card.reasons:
        values = reason.get("values")
        due = values.get("due") if isinstance(values, Mapping) else None
        name = test_of(card.rule, str(reason.get("clause", "")))
        if name is not None and due is not None:
            known = reason.get("holds") is not None
            yield name, days.parse_day(str(due)) if known else None


def record_tables(record: PatientRecord) -> tuple[RecordTable, ...]:
    """The record below the case: plans, issues, results and codes, problems, allergies, letters."""
    plans = [p for p in record.plans if p.deleted_on is None]
    plans.sort(key=lambda p: (p.status != "active", p.product_text.lower()))
    entries = sorted(
        (e for e in record.entries if e.deleted_on is None),
        key=lambda e: e.happened_on or date.min,
        reverse=True,
    )
    return (
        RecordTable(
            "Plans",
            ("Medicine", "Dose", "Quantity", "Type", "State", "Started", "Review"),
            tuple(
                (
                    p.product_text,
                    p.dose_text or "",
                    quantity(p.quantity, p.quantity_unit),
                    p.plan_type,
                    p.status,
                    words.day_words(p.start_date),
                    words.day_words(p.review_date),
                )
                for p in plans
            ),
            frozenset({2}),
        ),
        RecordTable(
            "Issues",
            ("Issued", "Medicine", "Quantity", "Days", "Dose"),
            tuple(
                (
                    words.day_words(i.issued_on),
                    i.product_text + (" (cancelled)" if i.cancelled_on else ""),
                    quantity(i.quantity, i.quantity_unit),
                    str(i.supply_days or ""),
                    i.dose_text or "",
                )
                for i in reversed(record.issues)
                if i.deleted_on is None
            )[:200],
            frozenset({2, 3}),
        ),
        RecordTable(
            "Results and codes",
            ("Date", "What", "Result"),
            tuple((words.day_words(e.happened_on), e.term, result_words(e)) for e in entries)[:300],
            frozenset({2}),
        ),
        RecordTable(
            "Problems",
            ("Since", "Problem", "State"),
            tuple((words.day_words(p.onset_on), p.term, p.status) for p in record.problems),
        ),
        RecordTable(
            "Hospital stays",
            ("From", "To", "Kind"),
            tuple(
                (words.day_words(a.admitted_on), words.day_words(a.discharged_on), a.kind)
                for a in record.admissions
            ),
        ),
    )


def history(lines: Iterable[HistoryLine]) -> tuple[HistoryRow, ...]:
    """The case's history, newest first."""
    return tuple(
        HistoryRow(words.short_moment(line.at), line.who, words.initial_capital(line.text))
        for line in reversed(tuple(lines))
    )


def order(case: CaseView) -> tuple[FindingCard, ...]:
    """Findings of rules in the order to work them: to do and answered first, then by due date."""
    rank = {"answered": 0, "todo": 0, "handed_over": 1, "waiting": 1, "done": 2}
    mine = [card for card in case.findings if card.kind == "rule"]
    return tuple(
        sorted(
            mine,
            key=lambda card: (
                card.state == "clear",
                rank.get(card.work, 1),
                card.urgency != "same_day",
                card.due or date.max,
                card.ref,
            ),
        )
    )
