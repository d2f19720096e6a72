"""A part of SNOMED CT's Expression Constraint Language, enough to define code sets.

Understood: an id with or without its term between bars, ``<`` (below), ``<<`` (below, and itself),
``^`` (members of a reference set), ``*`` (everything active), ``AND``, ``OR``, ``MINUS`` and
parentheses. As in the language itself, different operators stand beside each other only within
parentheses, and MINUS joins two. Refinements and filters are refused, never skipped.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from counterfoil.foundation.errors import UsageError
from counterfoil.terminology.ids import is_snomed_id
from counterfoil.terminology.snomed import Ids, Snomed, texts

_TOKEN = re.compile(
    r"\s*(?:(?P<id>[0-9]+)(?:\s*\|[^|]*\|)?|(?P<sign><<|<(?![!<])|\^|\*|\(|\))"
    r"|(?P<word>AND|OR|MINUS)\b)",
    re.IGNORECASE,
)
_KNOWN = "an id, <, <<, ^, *, AND, OR, MINUS or a parenthesis"


@dataclass(frozen=True, slots=True)
class Term:
    """One id, or everything, under ``<``, ``<<``, ``^`` or nothing."""

    sign: str
    concept: str


@dataclass(frozen=True, slots=True)
class Below:
    """``<`` or ``<<`` before a parenthesis."""

    sign: str
    inner: Expression


@dataclass(frozen=True, slots=True)
class Joined:
    """Two or more parts joined by one operator."""

    operator: str
    parts: tuple[Expression, ...]


Expression = Term | Below | Joined


def parse(text: str) -> Expression:
    """The expression that *text* writes; ``UsageError`` says where it is wrong."""
    parser = _Parser(text)
    result = parser.expression()
    if parser.at < len(parser.tokens):
        raise parser.wrong("AND, OR or MINUS, or the end")
    return result


def evaluate(expression: Expression | str, snomed: Snomed) -> frozenset[str]:
    """The active concepts that the expression names in this release.

    ``UsageError`` where it names a concept that the release does not know.
    """
    if isinstance(expression, str):
        expression = parse(expression)
    return texts(_evaluate(expression, snomed))


def _evaluate(expression: Expression, snomed: Snomed) -> Ids:
    match expression:
        case Term(sign, "*"):
            return snomed.everything()
        case Term(sign, concept):
            if concept not in snomed:
                raise UsageError(f"ECL: the loaded SNOMED CT release has no concept {concept}.")
            if sign == "^":
                return snomed.members_of(int(concept))
            one = np.array([int(concept)], dtype=np.int64)
            if sign:
                return snomed.below(one, sign == "<<")
            return one if snomed.is_active(concept) else one[:0]
        case Below(sign, inner):
            return snomed.below(_evaluate(inner, snomed), sign == "<<")
        case Joined(operator, parts):
            result = _evaluate(parts[0], snomed)
            for part in parts[1:]:
                result = _JOIN[operator](result, _evaluate(part, snomed))
            return result


def _and(one: Ids, other: Ids) -> Ids:
    return np.intersect1d(one, other, assume_unique=True)


def _or(one: Ids, other: Ids) -> Ids:
    return np.union1d(one, other)


def _minus(one: Ids, other: Ids) -> Ids:
    return np.setdiff1d(one, other, assume_unique=True)


_JOIN: dict[str, Callable[[Ids, Ids], Ids]] = {"AND": _and, "OR": _or, "MINUS": _minus}


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, int]] = []
        self.at = 0
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None:
                start = place + len(text[place:]) - len(text[place:].lstrip())
                raise UsageError(
                    f"ECL, character {start + 1}: {_KNOWN} is expected, not {text[start:][:20]!r}. "
                    "Refinements and filters are not understood."
                )
            kind = found.lastgroup or ""
            word = found[kind].upper() if kind == "word" else found[kind]
            if kind == "id" and not is_snomed_id(word):
                raise UsageError(
                    f"ECL, character {found.start(kind) + 1}: {word} is no SNOMED CT id; "
                    "its check digit is wrong."
                )
            self.tokens.append((word, found.start(kind)))
            place = found.end()

    def expression(self) -> Expression:
        parts = [self.part()]
        operator = ""
        while self.peek() in _JOIN:
            word = self.peek()
            if operator and (word != operator or word == "MINUS"):
                raise self.wrong("parentheses about the first two parts", word)
            operator = word
            self.at += 1
            parts.append(self.part())
        return Joined(operator, tuple(parts)) if operator else parts[0]

    def part(self) -> Expression:
        sign = self.peek()
        if sign in ("<", "<<", "^"):
            self.at += 1
        else:
            sign = ""
        word = self.peek()
        if word == "(" and sign != "^":
            self.at += 1
            inner = self.expression()
            if self.peek() != ")":
                raise self.wrong("a closing parenthesis")
            self.at += 1
            return Below(sign, inner) if sign else inner
        if word.isdigit() or (word == "*" and not sign):
            self.at += 1
            return Term(sign, word)
        raise self.wrong("the id of a reference set" if sign == "^" else "an id or a parenthesis")

    def peek(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def wrong(self, expected: str, found: str = "") -> UsageError:
        word = found or self.peek() or "the end"
        place = self.tokens[self.at][1] + 1 if self.at < len(self.tokens) else len(self.text) + 1
        return UsageError(f"ECL, character {place}: {expected} expected, not {word}.")
