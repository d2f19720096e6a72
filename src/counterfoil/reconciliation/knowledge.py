"""The data of this room: owners, sub-classes, wording (``knowledge/reconciliation.toml``)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from counterfoil.documents.setting import Setting


@cache
def data() -> dict[str, Any]:
    """The whole file, read once."""
    text = files("counterfoil").joinpath("knowledge/reconciliation.toml").read_text("utf-8")
    return tomllib.loads(text)


def owner(cls: str, mark: str = "") -> str:
    """The role that decides a line of this class; a mark may change it."""
    special: str | None = data()["owner_when"].get(f"{cls}: {mark}") if mark else None
    base: str = data()["owner"][cls]
    return special or base


def context_days() -> int:
    """How far back ended items and acute issues are looked at, in days."""
    days: int = data()["context_days"]
    return days


def subclasses(cls: str) -> tuple[str, ...]:
    """The sub-classes a class can have."""
    return tuple(data()["subclass"][cls])


def wording(kind: str, cls: str, setting: Setting = "discharge") -> str:
    """A draft sentence; empty where there is none. A setting may have its own."""
    own: dict[str, str] = frame(setting).get(kind, {})
    text: str = own.get(cls) or data()[kind].get(cls, "")
    return text


def frame(setting: Setting) -> dict[str, Any]:
    """What a change of setting is called, which list is whose, and what the work on it says."""
    found: dict[str, Any] = data()["frame"][setting]
    return found


@cache
def allergy_groups() -> tuple[tuple[tuple[str, ...], frozenset[str], frozenset[str]], ...]:
    """Groups of medicines an allergy word can name: words, ingredients, classes."""
    return tuple(
        (
            tuple(g["words"]),
            frozenset(g.get("ingredients", ())),
            frozenset(g.get("classes", ())),
        )
        for g in data()["allergy_groups"].values()
    )
