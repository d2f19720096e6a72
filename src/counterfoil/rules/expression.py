"""Reads ``on_nsaid and not (gastroprotection or stopped)`` into the algebra."""

from __future__ import annotations

import re

from counterfoil.rules.model import All, Expression, Is, Not, Some

_TOKEN = re.compile(r"\s*(?:([a-z][a-z0-9_]*)|([()]))")


def parse(text: str) -> Expression:
    """An expression from its words: clause names with *and*, *or*, *not* and brackets.

    *not* binds tighter than *and*, *and* tighter than *or*. ``ValueError`` says in words what was
    found where and what would have been right.
    """
    tokens: list[str] = []
    position = depth = 0
    while position < len(text.rstrip()):
        found = _TOKEN.match(text, position)
        if not found:
            raise ValueError(
                f"'{text[position:].strip()[:20]}' is not a clause name: use lower-case names "
                "joined by and, or, not and brackets"
            )
        tokens.append(found.group(1) or found.group(2))
        position = found.end()
        depth += {"(": 1, "not": 1, ")": -1}.get(tokens[-1], 0)
        if len(tokens) > 1000 or depth > 100:
            raise ValueError("an expression has at most 1,000 words, and 100 brackets and nots")
    reader = _Reader(tokens)
    result = reader.either()
    if reader.rest:
        raise ValueError(
            f"'{reader.rest[0]}' stands where the expression should end or go on with and / or"
        )
    return result


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self.rest = tokens

    def take(self, *words: str) -> bool:
        if self.rest and self.rest[0] in words:
            self.rest = self.rest[1:]
            return True
        return False

    def either(self) -> Expression:
        parts = [self.both()]
        while self.take("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def both(self) -> Expression:
        parts = [self.single()]
        while self.take("and"):
            parts.append(self.single())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def single(self) -> Expression:
        if self.take("not"):
            return Not(self.single())
        if self.take("("):
            inner = self.either()
            if not self.take(")"):
                raise ValueError("a bracket is opened and not closed")
            return inner
        if not self.rest or self.rest[0] in ("and", "or", ")"):
            before = f"before '{self.rest[0]}'" if self.rest else "at the end"
            raise ValueError(f"a clause name is missing {before}")
        name, self.rest = self.rest[0], self.rest[1:]
        return Is(name)
