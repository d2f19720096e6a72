"""Walks the lines of a sheet: which section, which table, which stretch is one medicine."""

from __future__ import annotations

import re

from counterfoil.documents.layout import LISTS, Heading, Raw, column, heading
from counterfoil.documents.names import first_name, name_at
from counterfoil.documents.pieces import (
    BEFORE,
    DOSE_START,
    DOSEISH,
    FORM,
    LEAD,
    STRENGTH,
    VERB,
    body_start,
    labelled,
    sentences,
    several,
)
from counterfoil.documents.shown import Line
from counterfoil.documents.tables import Scan, Tables
from counterfoil.documents.wording import pattern

_OF_ONE = frozenset(
    ("dose", "frequency", "status", "route", "strength", "form", "duration", "was", "now")
)
"""Labels that can only speak of one medicine."""
LONGEST_LINE = 1500
"""Characters of the longest line that is read as one; longer ones are cut at a sentence or space."""


def _short(line: Line, text: str) -> list[Line]:
    """The line itself, or a line too long to be one cut into pieces."""
    if line.end - line.start <= LONGEST_LINE:
        return [line]
    out = []
    start = line.start
    while start < line.end:
        end = min(start + LONGEST_LINE, line.end)
        if end < line.end:
            cut = max(text.rfind(". ", start, end) + 1, text.rfind("; ", start, end) + 1)
            cut = cut if cut > start + 200 else text.rfind(" ", start + 200, end)
            end = cut if cut > start else end
        piece = text[start:end]
        lead = len(piece) - len(piece.lstrip())
        if piece.strip():
            place = (start + lead, start + lead + len(piece.strip()))
            out.append(Line(*place, "text", line.indent, page=line.page))
        start = end
    return out


class Walker(Tables):
    """One pass over a sheet. ``fallback`` also takes medicines that stand under no list heading."""

    def run(self) -> Scan:
        """Walks every line."""
        lines = [part for line in self.sheet.lines for part in _short(line, self.sheet.text)]
        for number, line in enumerate(lines):
            after = lines[number + 1] if number + 1 < len(lines) else None
            self.dosed_below = (
                after is not None
                and after.indent > line.indent
                and bool(DOSE_START.match(self.sheet.of(after)) or LEAD.match(self.sheet.of(after)))
            )
            if line.kind == "blank":
                if line.table != -1:
                    self._blank()
                continue
            self.labelled_below = self._labelled_after(lines, number)
            count = len(self.out.headings)
            self._line(line)
            self.above = None if len(self.out.headings) > count else line.indent
            self.blank = False
        self._close()
        return self.out

    def _labelled_after(self, lines: list[Line], number: int) -> bool:
        """Whether the next line with words is a label of one medicine (``Directions: ...``)."""
        after = next((x for x in lines[number + 1 : number + 4] if x.kind != "blank"), None)
        if after is None:
            return False
        label, colon, rest = self.sheet.of(after).partition(":")
        return bool(colon and rest.strip()) and column(label) in _OF_ONE

    # -- sections -----------------------------------------------------------------

    def _blank(self) -> None:
        self.blank = True
        if self.before is not None:
            self._close()
            self.section, self.label, self.plan = self.before
            self.before = None

    def _line(self, line: Line) -> None:
        text = self.sheet.of(line)
        if line.section:
            self._open(Heading(line.section, text))
            return
        closing = pattern("headings", "closing").match(text.lower())
        if line.kind == "row" and self._table(line, text):
            return
        if closing:
            self._open(Heading("other", "closing"))
            return
        if line.kind != "row" and self._table(line, text):
            return
        found = self._heading(line, text)
        if found is not None:
            if found.rest is None:
                self._open(found)
                return
            self._inline(line, text, found)
            return
        if self.before is not None and self.section == "allergies" and line.indent == 0:
            self.section, self.label, self.plan = self.before
            self.before = None
        self._content(line, line.start, text)

    def _heading(self, line: Line, text: str) -> Heading | None:
        cells = [c for c in line.cells if c.end > c.start]
        if line.kind == "row" and len(cells) > 1:
            found = heading(text) if ":" in text[:40] else None
            return found if found and found.rest is not None and not self._is_field(text) else None
        if self._is_field(text) or self._under(line, text):
            return None
        found = heading(text, marked=line.kind == "heading", loose=self._outdented(line))
        if found is None:
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

    def _outdented(self, line: Line) -> bool:
        """Whether a line stands further out than the list above it, as a heading does."""
        return (
            self.current is not None and self.current.bullet and line.indent < self.current.indent
        )

    def _under(self, line: Line, text: str) -> bool:
        """Whether a status word stands alone under its medicine, further in."""
        if self.blank or ":" in text:
            return False
        if self.current is not None:
            return line.indent > self.current.indent
        return self.above is not None and line.indent > self.above

    def _is_field(self, text: str) -> bool:
        """Whether a labelled line belongs to the medicine above it (``Reason: low sodium``)."""
        if ":" not in text or self.current is None:
            return False
        name = column(text.split(":", 1)[0])
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
        return name in _OF_ONE or "labelled" in self.current.fields

    def _inline(self, line: Line, text: str, found: Heading) -> None:
        """A heading that goes on in its own line: ``Stopped: ramipril (low blood pressure)``."""
        assert found.rest is not None
        begin = found.rest + (len(text[found.rest :]) - len(text[found.rest :].lstrip(" *_-–")))
        if column(found.label) == "drug" and self.section in LISTS and self._names(text[begin:]):
            self._close()
            self._content(line, line.start + begin, text[begin:], fresh=True)
            return
        outer = self.before or (self.section, self.label, self.plan)
        self._close()
        self.columns = None
        if found.kind in ("other", "allergies", "admission", "inpatient") or outer[0] in LISTS:
            self.before = outer
        self.section, self.label, self.plan = found.kind, found.label, found.plan
        self.out.headings.append(found.label)
        self._content(line, line.start + begin, text[begin:])
        if found.kind in ("other",) and outer[0] in LISTS:
            self.section, self.label, self.plan = outer
            self.before = None

    @staticmethod
    def _names(rest: str) -> bool:
        """Whether what follows a label such as "Drug:" can be one medicine."""
        return bool(
            name_at(rest)
            or STRENGTH.search(rest)
            or FORM.search(rest)
            or (len(rest.split()) <= 4 and not VERB.search(rest))
        )

    # -- lists --------------------------------------------------------------------

    def _content(self, line: Line, start: int, text: str, *, fresh: bool = False) -> None:
        if self.section == "allergies":
            self._allergy(start, line.end)
            return
        if self.section not in LISTS and self.section != "admission":
            if self.section == "unknown" and self._medicine_under_unknown(text):
                self._list(line, start, text, fresh=fresh)
            elif self.section != "inpatient":
                self.out.narrative.append((start, line.end, self.plan))
            return
        self._list(line, start, text, fresh=fresh)

    def _medicine_under_unknown(self, text: str) -> bool:
        body = text[body_start(text) :]
        return bool(name_at(body) and (STRENGTH.search(body) or DOSEISH.search(body)))

    def _list(self, line: Line, start: int, text: str, *, fresh: bool) -> None:
        begin = body_start(text)
        body = text[begin:]
        bullet = begin > 0
        if pattern("remarks", "nothing").match(body.lower()):
            return
        if self.fallback and len(body) > 100 and len(sentences(body)) > 1:
            self._prose(line, start + begin, body)
            return
        if self._labels(line, body):
            return
        heads_block = self.labelled_below and line.kind == "heading" and ":" not in body
        fresh = fresh or heads_block
        if fresh or self._begins(body, bullet=bullet) or self._speaks(body, bullet):
            if self._goes_on(line, body, bullet) and not fresh:
                self._extend(line, body)
                return
            self._close()
            self._start(line, start + begin, body, bullet)
            return
        apart = self.blank and self._illegible(body)
        if (
            self.current is not None
            and not apart
            and line.end - self.current.start <= 2 * LONGEST_LINE
            and self._continues(line, body, bullet)
        ):
            self._extend(line, body)
            return
        if not bullet and self._headlike(line, body):
            self._open(Heading("discharge", body.strip(" :")))
            self._odd(start, line.end, "a heading that is not understood")
            return
        listed = self.current is not None and self.current.bullet and bullet
        self._close()
        spoilt = bullet and re.search(r"illegible|unreadable|\?\?|\w\?\w", body)
        if spoilt or apart or (listed and self._garbled(body)):
            place = (start + begin, line.end, self.section, self.label)
            self.current = Raw(*place, {"line": [body]}, line.page, line.indent, True)
            return
        self._odd(start, line.end, "not understood as a medicine")

    def _headlike(self, line: Line, body: str) -> bool:
        """Whether an unknown line ends what the heading above it stated."""
        stated = self.section not in ("discharge", "admission", "unknown")
        short = len(body.split()) <= 6 and not re.search(r"\d", body) and body[:1].isupper()
        below = self.current is not None and line.indent < self.current.indent
        return stated and short and (body.rstrip().endswith(":") or below)

    def _start(self, line: Line, start: int, body: str, bullet: bool) -> None:
        """Opens a medicine, or several that one line names."""
        pieces = several(body)
        shared = pattern("remarks", "reason").search(body[slice(*pieces[-1])])
        for s, e in pieces:
            self._close()
            words, parts = labelled(body[s:e])
            place = (start + s, start + e, self.section, self.label)
            self.current = Raw(*place, {"line": [words]}, line.page, line.indent, bullet)
            for name, value in parts:
                self.current.put(name, value)
            alone = name_at(body[s:e], ask=False)
            if shared and alone and alone.end == e - s:
                self.current.put("reason", shared.group())

    def _labels(self, line: Line, body: str) -> bool:
        """A line such as "Strength: 5mg" under a medicine, taken as its column."""
        label, colon, rest = body.partition(":")
        if not colon or self.current is None:
            return False
        name = column(label)
        if not self._labels_current(name):
            return False
        self.current.put(name or "", rest)
        self.current.fields.setdefault("labelled", ["yes"])
        self.current.end = line.end
        return True

    def _prose(self, line: Line, start: int, body: str) -> None:
        """A paragraph that tells about medicines, sentence by sentence."""
        self._close()
        section, label = self.section, self.label
        for s, e in sentences(body):
            words = body[s:e]
            if first_name(words) is None:
                continue
            self.section = "admission" if BEFORE.search(words) else section
            verb = VERB.search(words)
            told = verb or STRENGTH.search(words) or DOSEISH.search(words)
            if self.section != "admission" and not told:
                continue
            for a, b in several(words):
                self._close()
                place = (start + s + a, start + s + b, self.section, label)
                self.current = Raw(*place, {"line": [words[a:b]]}, line.page, line.indent)
                if verb and not VERB.search(words[a:b]):
                    self.current.put("status", verb.group())
        self._close()
        self.section = section

    @staticmethod
    def _garbled(body: str) -> bool:
        """Whether an item of a list of medicines is one that cannot be made out."""
        return bool(
            re.search(r"[#~]", body)
            or STRENGTH.search(body)
            or FORM.search(body)
            or DOSEISH.search(body)
        )

    def _extend(self, line: Line, body: str) -> None:
        assert self.current is not None
        label, colon, rest = body.partition(":")
        name = column(label) if colon else None
        if name and name != "drug":
            self.current.put(name, rest)
        else:
            self.current.put("line", body)
        self.current.end = line.end

    def _goes_on(self, line: Line, body: str, bullet: bool) -> bool:
        """Whether a line that could begin a medicine belongs to the one above."""
        if self.current is None or self.blank or bullet or line.indent <= self.current.indent:
            return False
        return bool(DOSE_START.match(body)) and not name_at(body)

    def _continues(self, line: Line, body: str, bullet: bool) -> bool:
        assert self.current is not None
        if bullet and line.indent <= self.current.indent:
            return False
        if self.blank:
            return line.indent > self.current.indent
        if line.indent > self.current.indent:
            return True
        return bool(
            DOSE_START.match(body)
            or body[:1].islower()
            or body[:1] in "(["
            or column(body.split(":", 1)[0]) not in (None, "drug")
            or pattern("remarks", "supply").match(body)
            or pattern("remarks", "reason").match(body)
            or LEAD.match(body)
            or (self.current.bullet and not bullet)
        )

    def _speaks(self, body: str, bullet: bool) -> bool:
        """Whether a sentence says what was done to a known medicine."""
        if not bullet and self.current is not None and not self.blank:
            return False
        name = first_name(body)
        return bool(name and (VERB.search(body) or (bullet and name.start < 30)))
