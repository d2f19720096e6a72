"""From shown lines to sections, and from sections to the stretches that hold one medicine each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from counterfoil.documents.asked import asked_by
from counterfoil.documents.wording import pattern, patterns

LISTS = frozenset({"discharge", "continued", "changed", "changes", "new", "stopped", "on_hold"})
"""Kinds of section whose lines are medicines at discharge."""

_NUMBERING = re.compile(r"^\s*(?:#+\s*|\(?\d{1,2}[.)]\s+|\(?[A-Ha-h][.)]\s+|[*_=~\-–•]+\s*)+")
_MISREAD = re.compile(r"(?<=[A-Z])0(?=[A-Z])|(?<=[A-Z])0$")
"""A nought that a scanner read in a word of capitals."""
_DECOR = re.compile(r"[\s*_=~#:\-–—.]+$")
_LEGEND = re.compile(
    r"[(\[]\s*[A-Za-z]{1,3}\s*=[^()\[\]]*[)\]]|[\s,;:–-]+(?:key\s*:?\s*)?(?<![A-Za-z])[A-Za-z]{1,2}\s*=\s*[A-Za-z].*$",
    re.IGNORECASE,
)
"""Within a heading: what the signs behind its medicines mean, which says nothing of the list itself."""
_FORMS = re.compile(
    r"\b(?:tablets?|capsules?|inhalers?|drops|cream|solution|suspension|release|resistant)\b"
)
_ACTS = frozenset(("stopped", "on_hold", "changed", "new", "unchanged"))
SMALL = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "and",
        "or",
        "on",
        "at",
        "in",
        "to",
        "for",
        "by",
        "with",
        "from",
        "your",
        "this",
        "that",
        "these",
        "those",
        "his",
        "her",
        "their",
        "has",
        "have",
        "been",
        "be",
        "being",
        "is",
        "are",
        "was",
        "were",
        "which",
        "during",
        "since",
        "after",
        "before",
        "prior",
        "upon",
        "patient",
        "patients",
        "list",
        "lists",
        "summary",
        "record",
        "section",
        "details",
        "information",
        "as",
        "per",
        "up",
        "out",
        "away",
        "taken",
        "take",
        "taking",
        "you",
        "we",
        "no",
        "not",
        "other",
        "all",
        "any",
        "current",
        "regular",
        "usual",
        "existing",
        "required",
        "needed",
        "when",
        "prn",
        "acute",
        "repeat",
        "short",
        "long",
        "term",
        "course",
        "courses",
        "continuing",
        "only",
        "now",
        "today",
        "stay",
        "hospital",
        "home",
        "admission",
        "discharge",
        "discharged",
        "admitted",
        "gp",
        "please",
        "note",
        "dose",
        "doses",
        "route",
        "frequency",
        "items",
        "item",
        "following",
        "below",
        "medical",
        "device",
        "devices",
    ]
)


@dataclass(frozen=True, slots=True)
class Heading:
    """What a heading opens: a kind of section, and where its own line goes on, if it does."""

    kind: str
    label: str
    rest: int | None = None
    plan: bool = False


@dataclass(slots=True)
class Raw:
    """One medicine's stretch before it is read: free words, or words by column."""

    start: int
    end: int
    section: str
    heading: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    page: int | None = None
    indent: int = 0
    bullet: bool = False

    def put(self, name: str, text: str) -> None:
        """Adds words to a column; empty words are nothing. A word broken at its hyphen is one."""
        if not text.strip(" .,-–|"):
            return
        words = self.fields.setdefault(name, [])
        if words and re.search(r"\w-$", words[-1]) and text.strip()[:1].islower():
            words[-1] += text.strip()
        else:
            words.append(text.strip())

    def doubt(self, why: str) -> None:
        """Says why a person has to read this stretch; an empty reason says nothing."""
        if why:
            self.fields.setdefault("doubt", []).append(why)

    def get(self, *names: str) -> str:
        """The words of these columns, in the order asked."""
        if len(names) == 1:
            return " ".join(self.fields.get(names[0], ()))
        return " ".join(word for name in names for word in self.fields.get(name, ()))


@lru_cache(maxsize=4096)
def heading(text: str, *, marked: bool = False, loose: bool = False) -> Heading | None:
    """Reads a line as a heading; ``None`` where it is not one.

    *marked* lines were headings in the source (HTML, FHIR), so that unknown words are allowed;
    *loose* ones look like one by their place.
    """
    lead = _NUMBERING.match(text)
    begin = lead.end() if lead else 0
    body = _MISREAD.sub("O", text[begin:])
    if "=" in body:
        body = _LEGEND.sub(lambda found: " " * len(found.group()), body)
        if not body.strip():
            return None
    colon = re.search(r"[:：]", body)
    named = body[: colon.start()] if colon else ""
    if colon and len(named) <= 90 and not re.search(r"\d|\.\s", named):
        label = body[: colon.start()].strip(" *_")
        after = begin + colon.end()
        rest = after if text[after:].strip(" *_-–") else None
        kind = _kind(label, loose=True)
        if kind is None:
            return None
        return Heading(
            kind, label, rest, bool(pattern("headings", "narrative", "plan").search(label))
        )
    label = _DECOR.sub("", body).strip(" *_")
    if re.search(r"(?:^|\s)[A-Za-z]{1,2}\s*=", label):
        return None
    if len(label) > 90 or not label or label.count(",") > 2:
        return None
    if pattern("blocks", "entry").match(label.lower()):
        return Heading("stopped" if re.search("stop|discont", label, re.I) else "discharge", label)
    digits = re.search(r"\d", label)
    if (digits and not marked) or body.rstrip().endswith((".", ",", ";")):
        return None
    if not marked and label[:1].islower() and _FORMS.search(label):
        return None  # the end of a medicine's name, broken over lines
    loud = marked or loose or (label.isupper() and len(label) > 3)
    kind = _kind(label, loose=loud)
    if kind is None:
        return Heading("unknown", label) if marked else None
    return Heading(kind, label, None, bool(pattern("headings", "narrative", "plan").search(label)))


def _kind(label: str, *, loose: bool) -> str | None:
    words = re.findall(r"[a-z]+", label.lower())
    if words and words[0] in ("no", "nil", "none") and words[1:2] not in (["change"], ["changes"]):
        return None
    if not words or len(words) > 14:
        return None
    if pattern("headings", "allergies").search(label) and len(words) <= 9:
        return "allergies"
    plain = label.strip().lower()
    if pattern("headings", "before").match(plain):
        return "admission"
    if pattern("headings", "now").match(plain):
        return "discharge"
    bare = pattern("headings", "bare").match(plain)
    if bare:
        return _state(label)
    if pattern("headings", "there").match(plain):
        return "inpatient"
    if loose and any(n in _ACTS and p.search(label) for n, p in patterns("headings", "states")):
        left = label.lower()
        for _, words_of_state in patterns("headings", "states"):
            left = words_of_state.sub(" ", left)
        if len(words) <= 5 and not [w for w in re.findall(r"[a-z]{2,}", left) if w not in SMALL]:
            return _state(label)
    medicines = pattern("headings", "medicines")
    other = pattern("headings", "not_medicines").search(label)
    if medicines.search(label) and not (other and _state(label) in ("discharge",)):
        left = medicines.sub(" ", label.lower())
        for _, words_of_state in patterns("headings", "states"):
            left = words_of_state.sub(" ", left)
        unknown = [w for w in re.findall(r"[a-z]{2,}", left) if w not in SMALL]
        if len(unknown) <= (4 if loose else 1):
            return _state(label)
        return None
    if pattern("headings", "narrative", "words").search(label):
        return "other" if loose or len(words) <= 6 else None
    return None


def _state(label: str) -> str:
    """The kind of list a heading about medicines opens."""
    label = re.sub(
        r"\([^)]*\b(?:see|includ\w+|below|above|attached|overleaf|bold|italics?|highlighted|marked|underlined)\b[^)]*\)",
        " ",
        label,
        flags=re.I,
    )
    found = {n for n, p in patterns("headings", "states") if p.search(label)}
    if "unchanged" in found:
        return "continued"
    acts = found & {"stopped", "on_hold", "changed", "new"}
    if acts == {"stopped", "on_hold"}:
        return "stopped" if re.search(r"stop|discont|ceas", label, re.IGNORECASE) else "on_hold"
    if len(acts) > 1:
        return "changes"
    if acts == {"changed"} and re.search(
        r"\bchanges\b|amendments|alterations", label, re.IGNORECASE
    ):
        return "changes"
    if acts:
        return acts.pop()
    if "inpatient" in found and "discharge" not in found - {"inpatient"}:
        return "inpatient"
    if "admission" in found and not re.search(r"\bcontinu|\bt\.?t\.?[oa]|discharge", label, re.I):
        return "admission"
    if "continued" in found and re.search(r"\bcontinu|\bexisting|\busual", label, re.IGNORECASE):
        return "continued"
    if "inpatient" in found:
        return "inpatient"
    return "discharge"


@lru_cache(maxsize=4096)
def column(label: str) -> str | None:
    """Which column of a medicines table a heading names; ``None`` where it names none."""
    clean = re.sub(r"\s+", " ", label.lower().strip(" .:*_-"))
    if not clean or len(clean) > 60:
        return None
    for name, words in patterns("columns"):
        if words.match(clean):
            return name
    return None


SIDES = ("admission_drug", "discharge_drug")
"""Columns of two lists side by side."""
SLOTS = ("morning", "noon", "tea", "night")
"""Times of a day as columns of their own."""


def columns_of(cells: Iterable[str]) -> list[str | None] | None:
    """The columns of a header row; ``None`` where the row is not the header of a medicines table."""
    names = _columns(tuple(cells))
    return None if names is None else list(names)


@lru_cache(maxsize=4096)
def _columns(texts: tuple[str, ...]) -> tuple[str | None, ...] | None:
    names = _one_list([column(c) for c in texts])
    if None in names:
        names = [
            n or ("answer" if asked_by(c) else None) for n, c in zip(names, texts, strict=True)
        ]
    slots = sum(name in SLOTS for name in names)
    if "drug" not in names and slots >= 3 and texts and not texts[0].strip():
        names[0] = "drug"
    known = [n for n in names if n]
    if len(set(known)) < 2 or len(known) * 2 < len(names):
        return None
    return tuple(names) if "drug" in known or set(SIDES) <= set(known) else None


def _one_list(names: list[str | None]) -> list[str | None]:
    """Names of lists side by side are kept only where both stand, and no column of medicines."""
    if "drug" in names:
        under: dict[str | None, str | None] = dict(zip(SIDES, ("was", "now"), strict=True))
        return [under.get(n, n) for n in names]
    if set(SIDES) <= set(names):
        return names
    return ["drug" if n in SIDES else n for n in names]


def clocks_of(names: list[str | None], heads: list[str]) -> dict[int, str]:
    """The hours that head columns of a table, where two hours fall into the same part of the day."""
    slots = [n for n in names if n in SLOTS]
    if len(set(slots)) == len(slots):
        return {}
    found = {
        n: re.fullmatch(r"(\d{1,2})[:.]?(\d\d)(?: ?h(?:rs?)?)?", h.strip())
        for n, h in enumerate(heads)
    }
    return {n: f"{int(m[1]):02d}:{m[2]}" for n, m in found.items() if m and names[n] in SLOTS}
