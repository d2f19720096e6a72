"""What a letter is once it has been read: facts about the person, medicine lines, and what was left.

Every line keeps its place: ``letter.text[line.start:line.end] == line.text``. ``letter.text`` is the
letter as a person is shown it: the text of a plain letter as sent, the words of a page or document
in reading order otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from counterfoil.documents.setting import Setting
from counterfoil.dosage import Dose
from counterfoil.terminology import Match

Stated = Literal["continued", "changed", "new", "stopped", "on_hold"]
"""What the sender says happened to a medicine. ``None`` beside it means: nothing was said."""


@dataclass(frozen=True, slots=True)
class Span:
    """Some words of the letter and why they are kept: ``start`` and ``end`` count characters."""

    start: int
    end: int
    text: str
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """The span with its place, as the reconcile output lists unread words."""
        return {"text": self.text, "start": self.start, "end": self.end, "why": self.why}


@dataclass(frozen=True, slots=True)
class LetterPatient:
    """Whom the letter says it is about. ``birth_date`` is a day number; absent facts are ``None``."""

    nhs_number: str | None = None
    birth_date: int | None = None
    given_name: str | None = None
    family_name: str | None = None


@dataclass(frozen=True, slots=True)
class MedicineLine:
    """One medicine as one place in the letter names it.

    Meaning: ``stated`` is the sender's word for it (the section's, or the line's own); ``ends`` is
    how a course or a hold is limited, in the letter's words; ``intent`` is who goes on with it, if
    said. ``comment`` holds words beside the dose that were understood as remarks; ``left_over``
    words that were not understood at all. ``conflicts`` says where the letter contradicts itself
    about this line. ``number`` is the line's turn in the letter, from 1. ``page``
    and ``box`` are its place where the letter has pages: left, top, right and bottom as shares of the
    page, from its top left.
    """

    id: str
    text: str
    start: int
    end: int
    section: str
    stated: Stated | None
    drug_text: str
    dose_text: str
    product: Match
    dose: Dose
    duration: str = ""
    reason: str = ""
    coded: dict[str, Any] | None = None
    number: int = 0
    page: int | None = None
    box: tuple[float, float, float, float] | None = None
    statement: bool = False
    stated_words: str = ""
    restart: str = ""
    course_done: bool = False
    do_not_stop: bool = False
    intent: Literal["", "long_term", "gp_to_continue", "not_continued", "hospital_only"] = ""
    was: str = ""
    comment: str = ""
    left_over: str = ""
    conflicts: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The words of the line on one line."""
        return " ".join(self.text.replace("|", " ").split())


@dataclass(frozen=True, slots=True)
class Letter:
    """A hospital letter as read. Days are day numbers; ``full_list`` is ``None`` where not said.

    ``lines`` are the medicines the letter speaks about at discharge; ``on_admission`` those it only
    lists as taken before; ``allergies`` and ``unread`` are places in ``text``. ``others_continue``
    holds the words by which a letter says that what it does not list goes on. ``setting`` is the
    change of setting the document is about.
    """

    id: str
    kind: str
    media_type: str
    patient: LetterPatient
    sender: str
    ward: str
    admitted_on: int | None
    discharged_on: int | None
    full_list: bool | None
    lines: tuple[MedicineLine, ...]
    allergies: tuple[Span, ...]
    unread: tuple[Span, ...]
    text: str
    written_on: int | None = None
    received_on: int | None = None
    on_admission: tuple[MedicineLine, ...] = ()
    others_continue: str = ""
    mentions: tuple[Mention, ...] = ()
    trust: Literal["text", "ocr"] = "text"
    setting: Setting = "discharge"
    notes: tuple[str, ...] = field(default=())

    @property
    def as_of(self) -> int | None:
        """The day the letter speaks for: discharge, else the letter's date, else its receipt."""
        for day in (self.discharged_on, self.written_on, self.received_on):
            if day is not None:
                return day
        return None


@dataclass(frozen=True, slots=True)
class Mention:
    """A medicine named outside the lists together with a word of change, e.g. under "Plan".

    ``advice``: it says what should or could be done, so that nothing has happened by it.
    """

    span: Span
    ingredients: tuple[str, ...]
    stated: Stated
    advice: bool = False
