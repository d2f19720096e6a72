"""Today: the rows of the one list, its views with counts, its filters and their chips."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import QueryDict

from counterfoil.service.casework.shapes import CaseLine, Choice, Filters, Today
from counterfoil.service.pages import words

VIEWS = (
    ("team", "To do"),
    ("mine", "Mine"),
    ("answered", "Answered"),
    ("handed_over", "Handed over"),
    ("waiting", "Waiting"),
    ("overdue", "Overdue"),
    ("near", "Coming due"),
)
DUE = (("overdue", "Overdue"), ("today", "Today"), ("week", "Within 7 days"), ("none", "No date"))
NAMED = ("practice", "kind", "owner", "due")
TAGS = {
    "answered": ("Answered", "green"),
    "handed_over": ("Handed over", "grey"),
    "waiting": ("Waiting", "grey"),
    "done": ("Done", "grey"),
}


@dataclass(frozen=True)
class Tag:
    """Words in a coloured box."""

    text: str
    colour: str = "grey"


@dataclass(frozen=True)
class ViewLink:
    """One view of the list with its count."""

    text: str
    href: str
    count: int | None
    current: bool


@dataclass(frozen=True)
class Chip:
    """A filter that is on, with the address of the list without it."""

    text: str
    href: str


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    ident: str
    href_name: str
    ref: str
    line: CaseLine
    why: str
    due: str
    late: bool
    tags: tuple[Tag, ...]
    more: str


@dataclass(frozen=True)
class TodayPage:
    """What the template shows."""

    heading: str
    rows: tuple[Row, ...]
    views: tuple[ViewLink, ...]
    chips: tuple[Chip, ...]
    data: Today
    due_choices: tuple[tuple[str, str], ...]
    previous_page: str
    next_page: str
    filtered: bool


def filters_from(query: QueryDict) -> Filters:
    """The filters of an address; what is not known is left out."""
    view = query.get("view", "team")
    page = query.get("page", "1")
    return Filters(
        view=view if view in dict(VIEWS) or view == "done" else "team",
        practice=query.get("practice") or None,
        kind=query.get("kind") or None,
        owner=query.get("owner") or None,
        due=query.get("due") if query.get("due") in dict(DUE) else None,
        page=max(1, int(page)) if page.isdecimal() else 1,
    )


def address(filters: Filters, **changes: object) -> str:
    """The query string of a list; empty where nothing is chosen."""
    chosen = replace(filters, **({"page": 1} | changes))  # type: ignore[arg-type]
    parts: dict[str, object] = {} if chosen.view == "team" else {"view": chosen.view}
    parts |= {name: value for name in NAMED if (value := getattr(chosen, name))}
    if chosen.page > 1:
        parts["page"] = chosen.page
    return "?" + urlencode(parts) if parts else "?"


NAMED_TEST = re.compile(
    r"(^|; )([^:;]+?)(?: or one of (?:its|their) [^:;]+)?(?:: [^;]+?)?: (?=last done|none on record)"
)
EVERY = re.compile(r"; every ([^;,]+)")
SUM = re.compile(r", so due \d+ \w+ \d{4} \([^)]*\)")
COUNTED = re.compile(r"; counted from treatment seen from \d+ \w+ \d{4}")


def short_why(why: str) -> str:
    """The reason in the words of a list: the sum that the due column shows already is left out.

    "Body weight: last done 3 May 2025; every 1 year, so due 3 May 2026 (203 days overdue)" becomes
    "Body weight: last done 3 May 2025 (every year)". The case page has it whole.
    """
    text = COUNTED.sub("", SUM.sub("", NAMED_TEST.sub(r"\1\2: ", why)))
    text = EVERY.sub(r" (every \1)", text).replace("every 1 ", "every ")
    said: dict[str, list[str]] = {}
    for part in text.split("; "):
        name, colon, rest = part.rpartition(": ")
        said.setdefault(rest, []).append(name) if colon else said.setdefault(part, [])
    parts = [f"{_listed(names)}: {rest}" if names else rest for rest, names in said.items()]
    return words.initial_capital("; ".join(parts))


def _listed(names: list[str]) -> str:
    """Several names that share what follows: ``Thyroid function tests and liver function tests``."""
    first, *others = dict.fromkeys(names)
    rest = [n if n[1:2].isupper() else n[:1].lower() + n[1:] for n in others]
    return " and ".join([first, *rest])


def row_of(line: CaseLine) -> Row:
    """One line with its words: lateness, tags and how much else the case holds."""
    letter = line.letter_ref is not None
    tags = []
    if line.urgency == "same_day":
        tags.append(Tag("Same day", "red"))
    if line.work in TAGS:
        tags.append(Tag(*TAGS[line.work]))
    if line.state == "cannot_tell":
        tags.append(Tag("Cannot tell", "yellow"))
    if line.state == "near" and line.work == "todo":
        tags.append(Tag("Coming due", "white"))
    ref = (line.letter_ref if letter else line.case_ref) or ""
    return Row(
        ident=f"c-{line.case_ref or line.letter_ref}",
        href_name="letter" if letter else "case",
        ref=ref,
        line=line,
        why=short_why(line.why),
        due=words.due_words(line.days_left),
        late=line.days_left is not None and line.days_left < 0,
        tags=tuple(tags),
        more=f"+ {line.others} more" if line.others else "",
    )


def _chips(today: Today, due: Mapping[str, str]) -> tuple[Chip, ...]:
    filters = today.filters
    named: dict[str, tuple[str, Mapping[str, str]]] = {
        "practice": ("Practice", _labels(today.practices)),
        "kind": ("Kind", _labels(today.kinds)),
        "owner": ("For", _labels(today.owners)),
        "due": ("Due", due),
    }
    chips = []
    for name, (said, labels) in named.items():
        value = getattr(filters, name)
        if value:
            label = labels.get(value, value)
            without = address(filters, **{name: None})
            if name == "practice":  # said outright: an address without it opens where one is placed
                without += ("" if without == "?" else "&") + "practice="
            chips.append(Chip(f"{said}: {label}", without))
    return tuple(chips)


def _labels(choices: tuple[Choice, ...]) -> dict[str, str]:
    return {choice.value: choice.label for choice in choices}


def present(today: Today) -> TodayPage:
    """What the page shows of *today*."""
    filters = today.filters
    people = words.count(today.total, "patient")
    return TodayPage(
        heading=people,
        rows=tuple(row_of(line) for line in today.lines),
        views=tuple(
            ViewLink(
                text=text,
                href=address(filters, view=name),
                count=getattr(today.counts, name, None),
                current=filters.view == name,
            )
            for name, text in VIEWS
        ),
        chips=_chips(today, dict(DUE)),
        data=today,
        due_choices=DUE,
        previous_page=address(filters, page=filters.page - 1) if filters.page > 1 else "",
        next_page=address(filters, page=filters.page + 1) if filters.page < today.pages else "",
        filtered=any(getattr(filters, name) for name in NAMED),
    )
