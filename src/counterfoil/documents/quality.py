"""What a letter says and leaves unsaid: a checklist per letter, to feed back to who wrote it.

The criteria are those of published audits of discharge summaries: every dose, frequency, route and
formulation, how long what is new goes on, a reason for each start, change and stop, and allergies
(read in the working notes of the project, which cite BJGP Open 2023.0116 and Shah 2018, EJHP,
PMC7223345). It counts what is stated; it does not judge the treatment, nor add criteria up to one
figure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from counterfoil.documents.model import Letter, MedicineLine

_ALLERGIES = re.compile(
    r"\b(?:allerg\w*|nkda|nka|adverse reactions?|intoleran\w*|sensitivit\w*)\b", re.IGNORECASE
)
_PLACES = ("eye", "ear", "nasal", "inhaler", "suppository", "pessary", "nebuliser", "patch")
"""Forms whose name says where they go."""
_OPEN_ENDED = re.compile(
    r"\b(?:long[- ]?term|on ?going|continue|indefinite\w*|life ?long|until (?:review|seen))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion: how many of the lines it asks about state it, and which do not.

    ``missing`` are ids of medicine lines; for ``allergies`` it is empty and ``of`` is 1. ``unknown``
    lines could not be read and are not counted in ``of``.
    """

    name: str
    title: str
    met: int
    of: int
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The criterion as it is stored and printed."""
        return {
            "name": self.name,
            "title": self.title,
            "met": self.met,
            "of": self.of,
            "missing": list(self.missing),
            "unknown": list(self.unknown),
        }


Asks = Callable[[MedicineLine], bool]
Answers = Callable[[MedicineLine], bool | None]


def quality(letter: Letter) -> tuple[Criterion, ...]:
    """Every criterion for one letter, always in the same order; ``of`` 0 where nothing is asked."""
    found = [_criterion(letter.lines, *row) for row in _CRITERIA]
    stated = bool(letter.allergies) or _ALLERGIES.search(letter.text) is not None
    return (*found, Criterion("allergies", "Allergies, or that there are none", int(stated), 1))


def titles() -> dict[str, str]:
    """The criteria by name, in order."""
    named = {name: title for name, title, _, _ in _CRITERIA}
    return named | {"allergies": "Allergies, or that there are none"}


def _criterion(
    lines: Iterable[MedicineLine], name: str, title: str, asks: Asks, answers: Answers
) -> Criterion:
    met, missing, unknown = 0, [], []
    for line in lines:
        if not asks(line):
            continue
        stated = answers(line)
        if stated is None:
            unknown.append(line.id)
        elif stated:
            met += 1
        else:
            missing.append(line.id)
    return Criterion(name, title, met, met + len(missing), tuple(missing), tuple(unknown))


def _taken(line: MedicineLine) -> bool:
    return line.stated not in ("stopped", "on_hold")


def _new(line: MedicineLine) -> bool:
    return line.stated == "new"


def _dose(line: MedicineLine) -> bool | None:
    if not line.dose_text.strip():
        return False
    if line.dose.status not in ("read", "conflict"):
        return None
    return all(s.low is not None or s.high is not None or s.no_fixed_dose for s in line.dose.steps)


def _frequency(line: MedicineLine) -> bool | None:
    if not line.dose_text.strip():
        return False
    if line.dose.status not in ("read", "conflict"):
        return None
    return all(
        s.times_low is not None or s.times_high is not None or s.as_needed or s.no_fixed_dose
        for s in line.dose.steps
    )


def _route(line: MedicineLine) -> bool | None:
    if any(s.route for s in line.dose.steps) or "route" in line.product.read:
        return True
    form = f"{line.product.form or ''} {line.product.device or ''}".lower()
    if any(place in form for place in _PLACES):
        return True
    return None if line.dose_text.strip() and line.dose.status == "unread" else False


def _formulation(line: MedicineLine) -> bool | None:
    if line.product.level == "none":
        return None
    read = line.product.read
    return bool({"form", "name", "alias", "code"} & set(read)) or line.product.level == "AMP"


def _duration(line: MedicineLine) -> bool | None:
    if line.duration or line.intent or any(s.duration_days for s in line.dose.steps):
        return True
    return _OPEN_ENDED.search(f"{line.text} {line.comment}") is not None


def _reason(line: MedicineLine) -> bool | None:
    return bool(line.reason.strip())


_CRITERIA: tuple[tuple[str, str, Asks, Answers], ...] = (
    ("dose", "Dose", _taken, _dose),
    ("frequency", "How often", _taken, _frequency),
    ("route", "Route", _taken, _route),
    ("formulation", "Form", _taken, _formulation),
    ("duration", "How long, or that it goes on: what is new", _new, _duration),
    ("reason_started", "Reason for what is started", _new, _reason),
    ("reason_changed", "Reason for what is changed", lambda m: m.stated == "changed", _reason),
    (
        "reason_stopped",
        "Reason for what is stopped or held",
        lambda m: m.stated in ("stopped", "on_hold"),
        _reason,
    ),
)
