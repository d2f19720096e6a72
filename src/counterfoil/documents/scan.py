"""Walks the lines of a sheet: which section, which table, which stretch is one medicine."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from counterfoil.documents.layout import (
    LISTS,
    Heading,
    Raw,
    column,
    columns_of,
    heading,
)
from counterfoil.documents.model import Span
from counterfoil.documents.names import WORD, first_name, name_at
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
from counterfoil.documents.shown import Cell, Line, Sheet
from counterfoil.documents.wording import pattern


@dataclass(slots=True)
class Scan:
    """What the walk found, in reading order."""

    raws: list[Raw] = field(default_factory=list)
    admission: list[Raw] = field(default_factory=list)
    allergies: list[Span] = field(default_factory=list)
    unread: list[Span] = field(default_factory=list)
    narrative: list[tuple[int, int, bool]] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)


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


class Walker:
    """One pass over a sheet. ``fallback`` also takes medicines that stand under no list heading."""

    def __init__(self, sheet: Sheet, *, fallback: bool = False) -> None:
        self.sheet = sheet
        self.out = Scan()
        self.fallback = fallback
        self.section = "discharge" if fallback else "preamble"
        self.label = ""
        self.plan = False
        self.before: tuple[str, str, bool] | None = None
        self.columns: list[str | None] | None = None
        self.edges: list[int] = []
        self.heads: list[str] = []
        self.grid = False
        self.table: int | None = None
        self.current: Raw | None = None
        self.blank = False
        self.dosed_below = False
        self.labelled_below = False
        self.above: int | None = None

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

    def _open(self, found: Heading) -> None:
        self._close()
        self.columns = None
        self.before = None
        self.section, self.label, self.plan = found.kind, found.label, found.plan
        self.out.headings.append(found.label)

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

    # -- tables -------------------------------------------------------------------

    def _table(self, line: Line, text: str) -> bool:
        cells = [self.sheet.of(c) for c in line.cells]
        if line.kind == "row" and len(cells) > 1:
            if self._vertical(line, cells):
                return True
            line, names = self._head_cells(line)
            if names and not any(STRENGTH.search(c) for c in cells):
                self._header(line, names)
                return True
            if self.columns is not None and (not line.grid or line.table == self.table):
                if line.grid != self.grid:
                    self.columns = None
                    return False
                self._row(line, self._placed(line))
                return True
            if self.columns is not None:
                self.columns = None
            return False
        if self.columns is not None and not self.grid and line.kind == "text":
            return self._lone(line, text)
        if self.columns is not None and line.kind != "row":
            self.columns = None
        return False

    def _head_cells(self, line: Line) -> tuple[Line, list[str | None] | None]:
        """A header row and its columns; headings with one space between them are set apart."""
        names = columns_of(self.sheet.of(c) for c in line.cells)
        if names is None or line.grid or None not in names:
            return line, names
        cells: list[Cell] = []
        for cell, name in zip(line.cells, names, strict=True):
            words = list(re.finditer(r"\S+", self.sheet.of(cell)))
            if name is None and len(words) > 1 and all(column(w.group()) for w in words):
                cells += [Cell(cell.start + w.start(), cell.start + w.end()) for w in words]
            else:
                cells.append(cell)
        line = replace(line, cells=tuple(cells))
        return line, columns_of(self.sheet.of(c) for c in cells)

    def _header(self, line: Line, names: list[str | None]) -> None:
        self._close()
        self.columns, self.grid, self.table = names, line.grid, line.table
        origin = line.start - line.indent
        self.edges = [c.start - origin for c in line.cells]
        self.heads = [self.sheet.of(c) for c in line.cells]
        if self.section in ("preamble", "unknown") or (
            self.section == "other" and ("dose" in names or "frequency" in names)
        ):
            self.section, self.label = "discharge", "table"

    def _placed(self, line: Line) -> list[str]:
        """The words of a row by column."""
        assert self.columns is not None
        if self.grid:
            texts = [self.sheet.of(c) for c in line.cells]
            return (texts + [""] * len(self.columns))[: len(self.columns)] + texts[
                len(self.columns) :
            ]
        out = [""] * len(self.columns)
        origin = line.start - line.indent
        cells = line.cells or (Cell(line.start, line.end),)
        for cell, after in zip_longest(cells, cells[1:]):
            for start, end in self._cut(cell, after, origin):
                at = max(
                    (i for i, e in enumerate(self.edges) if e <= start - origin + 2), default=0
                )
                out[at] = f"{out[at]} {self.sheet.text[start:end].strip()}".strip()
        return out

    def _cut(self, cell: Cell, after: Cell | None, origin: int) -> list[tuple[int, int]]:
        """A cell that runs over the edge of the next column, cut there where a space allows it.

        Not where that column has its own cell in this row: then the words only run wide.
        """
        pieces = []
        start = cell.start
        for edge, next_edge in zip_longest(self.edges, self.edges[1:]):
            place = origin + edge
            last = next_edge is None or after is None or after.start - origin < next_edge - 2
            if after is not None and last:
                continue
            if start + 2 < place < cell.end and self.sheet.text[place - 1] == " ":
                pieces.append((start, place))
                start = place
        pieces.append((start, cell.end))
        return pieces

    def _row(self, line: Line, cells: list[str]) -> None:
        assert self.columns is not None
        by: dict[str, list[str]] = {}
        for name, text in zip([*self.columns, *[None] * len(cells)], cells, strict=False):
            if text.strip():
                by.setdefault(name or "comment", []).append(text)
        if not by:
            return
        drug = " ".join(by.get("drug", ()))
        filled = [c for c in cells if c.strip()]
        if self._second_head(drug, cells):
            return
        if len(filled) == 1 and drug and not STRENGTH.search(filled[0]) and not name_at(filled[0]):
            found = heading(filled[0])
            if found:
                columns = self.columns
                self._open(found)
                self.columns = columns
                return
        goes_on = line.goes_on or not drug or self._wraps(drug, by)
        if self.current is not None and goes_on:
            for name, texts in by.items():
                for text in texts:
                    self.current.put(name, text)
            self.current.end = line.end
            return
        self._close()
        if pattern("remarks", "nothing").match(drug.lower()) and len(by) == 1:
            return
        if self.section == "allergies":
            self._allergy(line.start, line.end)
            return
        raw = Raw(line.start, line.end, self.section, self.label, {}, line.page)
        for name, texts in by.items():
            for text in texts:
                raw.put(name, text)
        if not drug and not (by.keys() & {"dose", "frequency", "strength"}):
            self._odd(line.start, line.end, "a row without a medicine's name")
            return
        self.current = raw

    def _second_head(self, drug: str, cells: list[str]) -> bool:
        """Whether a row right below the header goes on with its words (``Change since`` / ``admission``)."""
        heads, self.heads = self.heads, []
        if not heads or drug or len(cells) > len(heads) or re.search(r"\d", " ".join(cells)):
            return False
        joined = [f"{a} {b}".strip() for a, b in zip_longest(heads, cells, fillvalue="")]
        names = columns_of(joined)
        changed = [n for n, c in enumerate(cells) if c.strip()]
        if names is None or any(names[n] is None for n in changed):
            return False
        self.columns = names
        return True

    def _wraps(self, drug: str, by: dict[str, list[str]]) -> bool:
        """Whether the drug cell of a row ruled by spaces goes on from the row above."""
        if self.grid or self.blank or self._begins(drug, strict=True):
            return False
        if drug[:1].islower() or drug[:1] in "([" or FORM.match(drug) is not None:
            return True
        # A name that cannot be read stands alone: glued on, it would speak for the row above.
        return set(by) == {"drug"} and not drug[:1].isupper() and not self._illegible(drug)

    def _lone(self, line: Line, text: str) -> bool:
        """A line with one piece of text inside a table ruled by spaces."""
        if self.current is not None and not self.blank and line.indent > 0:
            self._row(line, self._placed(line))
            return True
        if self.blank and self._illegible(text):
            self._row(line, self._placed(line))
            return True
        if heading(text) or (self.blank and not self._begins(text, strict=True)):
            self.columns = None
            return False
        if self.current is not None and not self.blank and not self._begins(text, strict=True):
            self._row(line, self._placed(line))
            return True
        if self._begins(text, strict=True):
            self._row(line, self._placed(line))
            return True
        self.columns = None
        return False

    def _vertical(self, line: Line, cells: list[str]) -> bool:
        """A row of label and value in a block that describes one medicine."""
        filled = [c for c in cells if c.strip()]
        if len(filled) != 2 or not line.grid:
            return False
        name = column(filled[0])
        if name is None or column(filled[1]) not in (None, "drug"):
            return False
        if name == "drug" and STRENGTH.search(filled[0]):
            return False
        if name == "drug":
            if self.section not in LISTS and not (
                name_at(filled[1]) or STRENGTH.search(filled[1]) or "med" in filled[0].lower()
            ):
                return False
            if self.section in ("preamble", "unknown", "other"):
                self.section, self.label = "discharge", "table"
            self._close()
            self.columns = None
            raw = Raw(line.start, line.end, self.section, self.label, {}, line.page)
            raw.put("drug", filled[1])
            raw.fields.setdefault("vertical", ["yes"])
            self.current = raw
            return True
        if self.current is not None and "vertical" in self.current.fields:
            self.current.put(name, filled[1])
            self.current.end = line.end
            return True
        return False

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
    def _illegible(body: str) -> bool:
        """Whether some of it could not be made out by whoever copied it."""
        return re.search(r"[#~?]|illegible", body) is not None

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

    def _begins(self, body: str, *, strict: bool = False, bullet: bool = False) -> bool:
        """Whether a line begins with a medicine: by a known name, or by the look of it."""
        lead = LEAD.match(body)
        for at in {lead.end() if lead else 0, 0}:
            if name_at(body, at):
                return True
        rest = body[lead.end() :] if lead else body
        if DOSE_START.match(rest) or not rest[:1].isalpha():
            return False
        found = STRENGTH.search(rest)
        near = found is not None and len(WORD.findall(rest[: found.start()])) <= 5
        if strict:
            return near and rest[:1].isupper()
        if near and not re.match(r"[a-z]", rest):
            return True
        form = FORM.search(rest)
        if form and self.section in ("stopped", "on_hold") and rest[:1].isupper():
            return len(rest[: form.start()].split()) <= 4
        if form and self.dosed_below and len(rest.split()) <= 6 and rest[:1].isupper():
            return True
        looks = bool(DOSEISH.search(rest) or form)
        return bool(near or (bullet and looks)) or (
            form is not None
            and 0 < form.start() < 40
            and rest[:1].isupper()
            and bool(DOSEISH.search(rest))
        )

    def _speaks(self, body: str, bullet: bool) -> bool:
        """Whether a sentence says what was done to a known medicine."""
        if not bullet and self.current is not None and not self.blank:
            return False
        name = first_name(body)
        return bool(name and (VERB.search(body) or (bullet and name.start < 30)))

    # -- leaving ------------------------------------------------------------------

    def _close(self) -> None:
        raw, self.current = self.current, None
        if raw is None:
            return
        (self.out.admission if raw.section == "admission" else self.out.raws).append(raw)

    def _allergy(self, start: int, end: int) -> None:
        self.out.allergies.append(Span(start, end, self.sheet.text[start:end]))

    def _odd(self, start: int, end: int, why: str) -> None:
        words = self.sheet.text[start:end].strip(" *_#").lower()
        if self.section == "admission" or pattern("headings", "head").match(words):
            return
        self.out.unread.append(Span(start, end, self.sheet.text[start:end], why))
