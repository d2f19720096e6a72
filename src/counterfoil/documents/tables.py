"""Rows of tables into medicines: by the columns' headings, whatever their order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from counterfoil.documents.answers import told
from counterfoil.documents.asked import asked_by, asking
from counterfoil.documents.beside import beside, of_two_doses
from counterfoil.documents.layout import (
    LISTS,
    SIDES,
    SLOTS,
    Heading,
    Raw,
    clocks_of,
    column,
    columns_of,
    heading,
)
from counterfoil.documents.line import NO_SLOT
from counterfoil.documents.model import Span
from counterfoil.documents.names import WORD, first_name, name_at, names_several
from counterfoil.documents.pieces import DOSE_START, DOSEISH, FORM, LEAD, STRENGTH, several
from counterfoil.documents.shown import Cell, Line, Sheet
from counterfoil.documents.states import result_in, stated_in
from counterfoil.documents.unknown import NOT_UNDERSTOOD, foreign, parts_a_list, told_under
from counterfoil.documents.wording import pattern


@dataclass(frozen=True, slots=True)
class Passage:
    """A line outside the lists: its stretch, whether it stands in a plan, and under which heading.

    ``section`` is the kind of section it stands in: that of a list where it stands among medicines.
    """

    start: int
    end: int
    plan: bool
    section: str = ""
    heading: str = ""


@dataclass(slots=True)
class Scan:
    """What the walk found, in reading order."""

    raws: list[Raw] = field(default_factory=list)
    admission: list[Raw] = field(default_factory=list)
    allergies: list[Span] = field(default_factory=list)
    unread: list[Span] = field(default_factory=list)
    narrative: list[Passage] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    sentences: list[tuple[int, int, str, Passage]] | None = None
    """The sentences of the narrative, once they have been asked for."""


_OF_BEFORE = re.compile(r"(?:was|from|to|by|previous\w*|formerly)\b", re.IGNORECASE)
"""Behind a word of change: what went before it."""
_JOINING = frozenset(("from", "to", "for", "before", "after", "now", "was"))
"""Words that go on with a heading's phrase, though alone they head a column."""


class Tables:
    """Where a walk stands, and how it reads the rows of tables."""

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
        self.clocks: dict[int, str] = {}
        self.asked: dict[int, tuple[str, str]] = {}
        self.width = 0
        self.grid = False
        self.table: int | None = None
        self.current: Raw | None = None
        self.blank = False
        self.dosed_below = False
        self.labelled_below = False
        self.named_below = False
        self.wrapped = False
        self.running = False
        self.stanza = 0
        self.stanza_start = 0
        self.last_of_stanza = False
        self.of_admission = False
        self.above: int | None = None
        self.itemised: int | None = None
        self.below: frozenset[int] = frozenset()
        self.unclear: frozenset[int] = frozenset()
        self.signs: dict[str, str] = {}
        self.doubted = ""
        self.outer_doubt = ""

    def _pass_by(self, start: int, end: int, plan: bool) -> None:
        """Keeps words that make no line of a list."""
        self.out.narrative.append(Passage(start, end, plan, self.section, self.label))

    def _open(self, found: Heading) -> None:
        self._close()
        self.columns = None
        self.of_admission = False
        self.before = None
        self.doubted = self.outer_doubt = ""
        self.section, self.label, self.plan = found.kind, found.label, found.plan
        self.out.headings.append(found.label)

    def _doubt(self, line: Line, words: str) -> None:
        """Leaves what stands below a heading that nobody knows to a person."""
        self._close()
        self.doubted = told_under(words)
        self._odd(line.start, line.end, NOT_UNDERSTOOD)

    def _suspect(self, line: Line, found: Heading, section: str) -> None:
        """The same for a heading just opened, behind a *section*, if its words say it is something else."""
        if found.kind in LISTS or found.kind == "unknown":
            strange = foreign(found.label, found.kind)
            if strange or (
                found.kind == "unknown" and section in LISTS and not parts_a_list(found.label)
            ):
                self._doubt(line, found.label)

    # -- rows -----

    def _table(self, line: Line, text: str) -> bool:
        cells = [self.sheet.of(c) for c in line.cells]
        if line.kind == "row" and len(cells) > 1:
            if self._vertical(line, cells):
                return True
            line, names = self._head_cells(line)
            if names and not any(STRENGTH.search(c) for c in cells):
                self._header(line, names)
                return True
            if self.columns is not None and not line.grid and not self._fits(line):
                self._close()
                self.columns = None
                return False
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
        if names is None and not line.grid:
            first = Cell(line.start - line.indent, line.start - line.indent)
            more = columns_of(("", *(self.sheet.of(c) for c in line.cells)))
            if more is not None and line.indent > 2:
                return replace(line, cells=(first, *line.cells)), more
        if names is None or line.grid or None not in names:
            return line, names
        cells: list[Cell] = []
        for cell, name in zip(line.cells, names, strict=True):
            words = list(re.finditer(r"\S+", self.sheet.of(cell)))
            if (
                name is None
                and len(words) > 1
                and all(column(w.group()) and w.group().lower() not in _JOINING for w in words)
            ):
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
        self.clocks = clocks_of(names, self.heads)
        self.asked = {n: (self.heads[n], s) for n, s in asking(tuple(self.heads)).items()}
        self.width = line.end - origin
        if (
            self.section in ("preamble", "unknown")
            or (
                self.section in ("other", "allergies")
                and set(names) & {"dose", "frequency", *SLOTS}
            )
            or (self.section == "admission" and ("status" in names or "discharge_drug" in names))
        ):
            self.of_admission = self.section == "admission"
            self.section, self.label = "discharge", "table"

    def _fits(self, line: Line) -> bool:
        """Whether what stands under the times of the day can be an amount or a mark."""
        assert self.columns is not None
        if sum(name in SLOTS for name in self.columns) < 3:
            return True
        placed = zip(self.columns, self._placed(line), strict=False)
        return all(len(text) <= 10 for name, text in placed if name in SLOTS)

    def _placed(self, line: Line) -> list[str]:
        """The words of a row by column."""
        assert self.columns is not None
        if self.grid:
            texts = [self.sheet.of(c) for c in line.cells]
            return (texts + [""] * len(self.columns))[: len(self.columns)] + texts[
                len(self.columns) :
            ]
        out = [""] * len(self.columns)
        beyond = ""  # behind the last time of the day
        origin = line.start - line.indent
        cells = line.cells or (Cell(line.start, line.end),)
        for cell, after in zip_longest(cells, cells[1:]):
            for start, end in self._cut(cell, after, origin):
                at = max(
                    (i for i, e in enumerate(self.edges) if e <= start - origin + 2), default=0
                )
                words = self.sheet.text[start:end].strip()
                if self.columns[-1] in SLOTS and start - origin > self.width:
                    beyond = f"{beyond} {words}".strip()
                else:
                    out[at] = f"{out[at]} {words}".strip()
        return [*out, beyond] if beyond else out

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
        for at, (name, text) in enumerate(
            zip([*self.columns, *[None] * len(cells)], cells, strict=False)
        ):
            if at in self.asked:
                if text.strip():
                    by.setdefault(f"asked {at}", []).append(text)
            elif at in self.clocks and not NO_SLOT.fullmatch(text):
                by.setdefault("clock", []).append(f"{text} at {self.clocks[at]}")
            elif text.strip():
                by.setdefault(name or "comment", []).append(text)
        if not by:
            return
        drug = " ".join(
            by.get("drug") or by.get("discharge_drug") or by.get("admission_drug") or ()
        )
        filled = [c for c in cells if c.strip()]
        if self._second_head(drug, cells):
            return
        if len(filled) == 1 and drug and not STRENGTH.search(filled[0]) and not name_at(filled[0]):
            found = heading(filled[0])
            if found:
                columns, section = self.columns, self.section
                self._open(found)
                self._suspect(line, found, section)
                self.columns = columns
                return
            if foreign(filled[0]) or (filled[0].endswith(":") and not parts_a_list(filled[0])):
                self._doubt(line, filled[0])
                return
        if " ; " in drug and len(by) > 1 and names_several(drug.split(" ; ")):
            self._close()
            self._odd(line.start, line.end, "several medicines in one row")
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
        if self.asked:
            raw.fields["asked"] = [state for _, state in self.asked.values()]
        if self.of_admission:
            raw.fields["of_admission"] = ["yes"]
        if "now" in self.columns:
            raw.fields["two_doses"] = ["yes"]
        for name, texts in by.items():
            for text in texts:
                sign = self.signs.get(text.strip()) if name in ("status", "comment") else None
                raw.put("status" if sign else name, sign or text)
        if not drug and not (by.keys() & {"dose", "frequency", "strength"}):
            self._odd(line.start, line.end, "a row without a medicine's name")
            return
        self.current = raw

    def _cells_of(self, line: Line) -> tuple[str, list[str]]:
        """The drug cell of a row, and all its cells."""
        assert self.columns is not None
        cells = self._placed(line)
        return " ".join(c for n, c in zip(self.columns, cells, strict=False) if n == "drug"), cells

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
        """Whether the drug cell of a row goes on from the row above."""
        if self.blank or self._begins(drug, strict=True):
            return False
        if self.grid:
            alone = set(by) == {"drug"} and drug[:1].islower() and FORM.search(drug) is not None
            return (
                alone
                or re.fullmatch(rf"(?:{FORM.pattern}[\s,]*)+", drug, re.IGNORECASE) is not None
            )
        if (
            drug[:1].islower()
            or drug[:1].isdigit()
            or drug[:1] in "(["
            or FORM.match(drug) is not None
        ):
            return True
        # A name that cannot be read stands alone: glued on, it would speak for the row above.
        return set(by) == {"drug"} and not drug[:1].isupper() and not self._illegible(drug)

    def _lone(self, line: Line, text: str) -> bool:
        """A line with one piece of text inside a table ruled by spaces."""
        heads = len(text.split()) <= 4 and (
            text.endswith(":") or (foreign(text) and text[:1].isupper() and not first_name(text))
        )
        if heads or self._elsewhere(text) or not self._fits(line) or len(several(text)) > 2:
            self._close()
            self.columns = None
            return False
        below = self.heads and self.current is None and not self.blank
        if below and self._second_head(*self._cells_of(line)):
            return True
        small = text[:1].islower() and not self._begins(text, strict=True)
        if self.current is not None and not self.blank and (line.indent > 0 or small):
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
        if name is None or column(filled[1]) not in (None, "drug") or asked_by(filled[1]):
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

    def _elsewhere(self, body: str) -> bool:
        """Whether a line only says what was given in hospital and is over, or what somebody else takes.

        A blood result is none of the medicines either.
        """
        if pattern("narrative", "another").search(body):
            return True
        given = pattern("narrative", "there").search(body)
        if given is None or self.section in ("stopped", "on_hold"):
            return result_in(body)
        rest = body[: given.start()] + " " + body[given.end() :]
        if not (name_at(body) or STRENGTH.search(body)) or DOSEISH.search(rest):
            return False
        return stated_in(rest)[0] in (None, "stopped")

    # -- by the look -----

    @staticmethod
    def _illegible(body: str) -> bool:
        """Whether some of it could not be made out by whoever copied it."""
        return re.search(r"[#~?]|illegible", body) is not None

    def _begins(self, body: str, *, strict: bool = False, bullet: bool = False) -> bool:
        """Whether a line begins with a medicine: by a known name, or by the look of it."""
        lead = LEAD.match(body)
        for at in {lead.end() if lead else 0, 0}:
            if name_at(body, at):
                return True
        rest = body[lead.end() :] if lead else body
        if DOSE_START.match(rest) or not rest[:1].isalpha() or _OF_BEFORE.match(rest):
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

    # -- leaving ------------------------------------------------------------------

    def _close(self) -> None:
        raw, self.current = self.current, None
        if raw is None:
            return
        if raw.fields.keys() & set(SIDES):
            beside(raw)
        raw.doubt(self.doubted)
        if "asked" in raw.fields:
            cells = [(*head, raw.get(f"asked {n}").strip()) for n, head in self.asked.items()]
            status, why = told(cells)
            raw.put("status", status)
            raw.doubt(why)
        if not raw.get("status"):
            raw.put("status", of_two_doses(raw.get("was"), raw.get("now")))
        (self.out.admission if raw.section == "admission" else self.out.raws).append(raw)

    def _allergy(self, start: int, end: int) -> None:
        self.out.allergies.append(Span(start, end, self.sheet.text[start:end]))

    def _odd(self, start: int, end: int, why: str) -> None:
        words = self.sheet.text[start:end].strip(" *_#").lower()
        if self.section == "admission" or pattern("headings", "head").match(words):
            return
        self.out.unread.append(Span(start, end, self.sheet.text[start:end], why))
