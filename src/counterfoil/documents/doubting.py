"""Where it is not clear what a line of a list is said under: such lines are left to a person."""

from __future__ import annotations

import re

from counterfoil.documents.layout import Heading
from counterfoil.documents.names import first_name
from counterfoil.documents.pieces import DOSE_START, DOSEISH, FORM, LEAD
from counterfoil.documents.prose import Prose
from counterfoil.documents.shown import Line
from counterfoil.documents.states import stated_in
from counterfoil.documents.under import state_alone
from counterfoil.documents.unknown import foreign, of_home, parts_a_list
from counterfoil.documents.wording import pattern

OPEN_END = re.compile(
    r"(?:\b(?:take|taking|use|apply|give|inhale|inject|instil|insert|place|put|or|and|of|to|at|with|for|in|the|by|"
    r"every|each|a|per|up|max|maximum|then|x)|[,+/\-–(])\s*$",
    re.IGNORECASE,
)
"""What a line ends with that goes on in the next."""
_BROKEN_OFF = re.compile(r"(?:[-–—,(]|\bto)\s*$", re.IGNORECASE)
"""What a line ends with whose last words stand in the next."""
_REMARK = re.compile(
    r"(?:for|to|with|due|because|as|in|per|see|and|or|plus|on|at|from|via)\b", re.IGNORECASE
)
"""How a line begins that says more of the medicine above."""


class Doubting(Prose):
    """Opens headings, and finds those that nobody knows."""

    def _back(self) -> None:
        """Goes on with the list in which a heading with its own words stood."""
        assert self.before is not None
        self._close()
        self.section, self.label, self.plan = self.before
        self.before = None
        self.doubted = self.outer_doubt

    def _head(self, line: Line, text: str, found: Heading) -> None:
        """Opens what a heading heads, in doubt where the heading is none that is known."""
        section = self.section
        if line.start in self.unclear:
            why = f"Which medicine “{text.strip()}” between the lines speaks of is not clear."
            if self.current is not None:
                self.current.doubt(why)
            self._open(found)
            self.doubted = why
            return
        self._open(found)
        self._suspect(line, found, section)

    def _left_open(self, text: str) -> bool:
        """Whether words of change alone on a line end a medicine that the line above left open."""
        if self.current is None or self.blank or self.columns is not None:
            return False
        above = self.sheet.text[self.current.start : self.current.end]
        return _BROKEN_OFF.search(above) is not None and state_alone(text)

    def _heads_unknown(self, line: Line, body: str) -> bool:
        """Whether a short line above a medicine, in a list, may be a heading that nobody knows."""
        if self.fallback or not self.named_below or not body[:1].isupper():
            return False
        if len(body.split()) > 6 or re.search(r"\d", body) or body.endswith((".", ",", ";")):
            return False
        if (self.current is not None and line.indent > self.current.indent) or first_name(body):
            return False
        if foreign(body):
            return True
        if not self._among() or FORM.search(body) or DOSEISH.search(body) or DOSE_START.match(body):
            return False
        above = self.sheet.text[self.current.start : self.current.end] if self.current else ""
        if OPEN_END.search(above) or LEAD.match(body) or _REMARK.match(body):
            return False
        if stated_in(body)[0] or any(
            pattern("remarks", n).match(body) for n in ("reason", "supply", "request", "harmless")
        ):
            return False
        return not parts_a_list(body)

    def _among(self) -> bool:
        """Whether medicines of this list stand above."""
        last = self.out.raws[-1] if self.out.raws else None
        return self.current is not None or (last is not None and last.heading == self.label)

    def _part_home(self) -> None:
        """A list of what was taken at home is of before where the letter has another one."""
        home = {raw.heading for raw in self.out.raws if of_home(raw.heading)}
        if home and any(r.section == "discharge" and r.heading not in home for r in self.out.raws):
            self.out.admission += [r for r in self.out.raws if r.heading in home]
            self.out.raws = [r for r in self.out.raws if r.heading not in home]
