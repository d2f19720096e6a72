"""What kind of terminology a path holds: found from the content, in one place, and said.

A *kind* brings two functions. ``sniff`` looks at the files' names and first bytes and says why it
is of this kind, or None; it must not raise for files of other kinds. ``load`` reads it. A module
that has kinds to offer defines ``KINDS`` and is named in ``MODULES``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from counterfoil.foundation.errors import DataError
from counterfoil.terminology.releases.report import LoadReport
from counterfoil.terminology.releases.source import Source

if TYPE_CHECKING:
    from counterfoil.terminology.releases.store import Releases

MODULES = [
    "counterfoil.terminology.releases.dmd",
    "counterfoil.terminology.releases.listed",
    "counterfoil.terminology.releases.bnf_map",
    "counterfoil.terminology.releases.sets",
]
"""Where kinds are defined, in the order in which they are asked."""


Progress = Callable[[str, float], None]
"""Told what is being done and which share of it is done."""


def quiet(what: str, done: float) -> None:
    """No progress to show."""


@dataclass(frozen=True)
class Options:
    """What the user said beside the path.

    ``allow_mixed``: files of several dates are one release. ``accept_loss``: a table may shrink.
    ``name`` and ``system`` (``snomed`` or ``dmd``) are for a set of codes. ``why`` is what the
    sniff found. ``progress`` is told how far a long load is.
    """

    allow_mixed: bool = False
    accept_loss: bool = False
    name: str | None = None
    system: str | None = None
    why: str = ""
    progress: Progress = quiet


@dataclass(frozen=True)
class Kind:
    """One kind of terminology file and how to read it.

    ``general``: its ``sniff`` takes many files, and gives way to a kind that knows the file better;
    unless the user says by a name or a coding system that it is a set.
    """

    name: str
    title: str
    sniff: Callable[[Source], str | None]
    load: Callable[[Releases, Source, Options], LoadReport]
    general: bool = False


def kinds() -> list[Kind]:
    """Every kind that can be read."""
    found: list[Kind] = []
    for module in MODULES:
        found += importlib.import_module(module).KINDS
    return found


def kind_of(source: Source, *, is_set: bool = False) -> tuple[Kind, str]:
    """The kind of *source* and why; ``DataError`` where no kind, or more than one, claims it.

    *is_set*: the user has named a set or its coding system.
    """
    claims = [(kind, why) for kind in kinds() if (why := kind.sniff(source)) is not None]
    preferred = [claim for claim in claims if claim[0].general is is_set]
    claims = preferred or claims
    if len(claims) == 1:
        return claims[0]
    if claims:
        raise DataError.at(
            str(source.path),
            "one kind of terminology is expected; load each from a folder of its own",
            "; ".join(f"{kind.title} ({why})" for kind, why in claims),
        )
    known = ", ".join(kind.title for kind in kinds())
    names = ", ".join(e.name for e in source.entries[:5]) or "no file"
    raise DataError.at(str(source.path), f"one of these is expected: {known}", names)
