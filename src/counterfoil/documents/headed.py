"""Which lines of a letter head a section, and which only look like it."""

from __future__ import annotations

import re
from dataclasses import replace

from counterfoil.documents.layout import LISTS, Heading, column, heading
from counterfoil.documents.names import first_name, name_at
from counterfoil.documents.pages import explains
from counterfoil.documents.pieces import DOSEISH, FORM, STRENGTH, VERB, body_start
from counterfoil.documents.shown import Line
from counterfoil.documents.tables import Tables
from counterfoil.documents.unknown import foreign
from counterfoil.documents.wording import pattern

OF_ONE = frozenset(
    ("dose", "frequency", "status", "route", "strength", "form", "duration", "was", "now")
)
"""Labels that can only speak of one medicine."""
CHANGES = frozenset(("stopped", "on_hold", "changed", "new", "continued"))


_LABEL = re.compile(r"[A-Za-z][A-Za-z]*(?: [A-Za-z/&]+){0,3}")
"""A word or four before a colon."""


def _about(text: str) -> bool:
    """A heading about one medicine that lists none: ``Warfarin dosing and INR``."""
    name = name_at(text, body_start(text), ask=False)
    if name is None or len(text.split()) > 6 or STRENGTH.search(text) or DOSEISH.search(text):
        return False
    return pattern("blocks", "about").match(text[name.end :].strip()) is not None


class Headed(Tables):
    """Tells headings from labels, states and medicines."""

    def _heading(self, line: Line, text: str) -> Heading | None:
        cells = [c for c in line.cells if c.end > c.start]
        if line.kind == "row" and len(cells) > 1:
            first = self.sheet.of(cells[0])
            found = heading(first) if self.columns is None else None
            if found and found.rest is None and all(explains(self.sheet.of(c)) for c in cells[1:]):
                return found
            if found and len(cells) == 2 and self._heads_its_row(found, self.sheet.of(cells[1])):
                return replace(found, rest=cells[1].start - line.start)
            if self.columns is None and text.isupper():
                found = heading(" ".join(text.split()))  # letters or words spaced out
                if found and found.rest is None and found.kind in LISTS:
                    return found
            found = heading(text) if ":" in text[:40] else None
            return found if found and found.rest is not None and not self._is_field(text) else None
        if self._is_field(text) or self._under(line, text):
            return None
        if pattern("blocks", "part").match(text.strip(" :.-*_").lower()):
            return None
        if _about(text):
            return Heading("other", text)
        found = heading(text, marked=line.kind == "heading", loose=self._outdented(line))
        if found is None:
            return self._unknown_label(text)
        listed = found.kind == "other" and found.rest is None and line.kind != "heading"
        if listed and self.section in LISTS and (VERB.search(text) or FORM.search(text)):
            return None
        if found.kind == "unknown":
            if self.labelled_below and self.section in LISTS:
                return None
            if (
                name_at(text)
                or STRENGTH.search(text)
                or (self.section in LISTS and DOSEISH.search(text))
            ):
                return None
            return found
        named = found.rest is None and name_at(text, 0, ask=False)
        if named and (line.kind != "heading" or STRENGTH.search(text)):
            return None
        return found

    def _unknown_label(self, text: str) -> Heading | None:
        """A label that nobody knows before a medicine: what the list above states ends with it."""
        label, colon, rest = text.partition(":")
        label = label[body_start(label) :]
        strange = bool(colon) and self.section in LISTS and foreign(label)
        strange = strange and not pattern("narrative", "thought_of").search(text)
        if not colon or not _LABEL.fullmatch(label.strip()):
            return None
        if self.section not in CHANGES and not strange:
            return None
        named = name_at(rest.strip(), ask=False)
        if named is None or first_name(label) or column(label) is not None:
            return None
        return Heading("discharge", label.strip(), len(text) - len(rest.lstrip()))

    @staticmethod
    def _heads_its_row(found: Heading, words: str) -> bool:
        """Whether a row is a heading and, in its other cell, what stands under it."""
        if found.kind == "allergies":
            return True
        nothing = pattern("remarks", "nothing").match(words.lower())
        return found.kind in CHANGES and bool(first_name(words) or nothing)

    def _outdented(self, line: Line) -> bool:
        """Whether a line stands further out than the list above it, as a heading does."""
        return (
            self.current is not None and self.current.bullet and line.indent < self.current.indent
        )

    def _under(self, line: Line, text: str) -> bool:
        """Whether a status word stands alone under its medicine, further in."""
        if self.blank:
            return False
        if self.current is not None and self.stanza >= 2 and self.last_of_stanza:
            whole = self.current.start == self.stanza_start
            if whole and not first_name(text) and line.indent == self.current.indent:
                return True
        if ":" in text:
            rest = text.partition(":")[2]
            told = self.current is not None and line.indent > self.current.indent
            return told and bool(rest.strip()) and not (first_name(rest) or STRENGTH.search(rest))
        if self.current is not None:
            return line.indent > self.current.indent
        return self.above is not None and line.indent > self.above

    def _is_field(self, text: str) -> bool:
        """Whether a labelled line belongs to the medicine above it (``Reason: low sodium``)."""
        if ":" not in text or self.current is None:
            return False
        label, _, rest = text.partition(":")
        name = column(label)
        if name == "status" and first_name(rest) and VERB.search(rest):
            return False
        found = heading(text)
        named = first_name(rest) or name_at(rest.strip())
        if name in ("supply", "continuing") and named and found and found.kind in CHANGES:
            return False
        return self._labels_current(name) and self.section in LISTS

    def _labels_current(self, name: str | None) -> bool:
        """Whether a label of this name can speak of the medicine above.

        After a blank line only what that medicine does not have yet, and what could be said of the
        whole list (a comment) only in a block of labelled lines.
        """
        if name is None or name == "drug" or self.current is None:
            return False
        if not self.blank:
            return True
        if name in self.current.fields:
            return False
        return name in OF_ONE or "labelled" in self.current.fields
