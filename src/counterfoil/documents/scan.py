"""Walks the lines of a sheet: which section, which table, which stretch is one medicine."""

from __future__ import annotations

import re
from dataclasses import replace

from counterfoil.documents.layout import LISTS, Heading, Raw, column, heading
from counterfoil.documents.names import first_name, name_at
from counterfoil.documents.pages import (
    between_pages,
    explains,
    legend,
    paragraphs,
    running_text,
    signed,
)
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
)
from counterfoil.documents.sharing import Piece, pieces
from counterfoil.documents.shown import Line
from counterfoil.documents.states import result_in, stated_in
from counterfoil.documents.tables import Passage, Scan, Tables
from counterfoil.documents.under import states_below
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


def _apart(line: Line, text: str) -> list[Line]:
    """A line in two, where a sentence ends and a heading with its own words begins in its midst."""
    if line.kind != "text" or ":" not in text[line.start : line.end]:
        return [line]
    words = text[line.start : line.end]
    for stop in re.finditer(r"[.;]\s+(?=[A-Z])", words):
        found = heading(words[stop.end() :])
        if found and found.rest is not None and found.kind in _CUT_AT:
            middle = line.start + stop.start() + 1
            first = replace(line, end=middle)
            rest = replace(line, start=line.start + stop.end())
            return [first, *_apart(rest, text)]
    return [line]


_OPEN_END = re.compile(
    r"(?:\b(?:take|taking|use|apply|give|inhale|inject|instil|insert|place|put|or|and|of|to|at|with|for|in|the|by|"
    r"every|each|a|per|up|max|maximum|then|x)|[,+/\-–(])\s*$",
    re.IGNORECASE,
)
"""What a line ends with that goes on in the next."""
_ALSO = re.compile(r"(?:\+|\bplus|\band|\bwith)\s+(?=[A-Za-z])", re.IGNORECASE)
_OF_ALL = re.compile(r"\b(?:medic|meds|drugs|treatment|all|other|rest)", re.IGNORECASE)
_OF_SEVERAL = re.compile(
    r"\b(?:(?:usual|regular|other|all|remaining|own)\s+[a-z]+s|everything|nothing else)\b",
    re.IGNORECASE,
)
_SHORTHAND = re.compile(
    r"[a-z][a-z\-]{2,}(?: [a-z\-]+)? \d[\d./]*\s*(?:mg|mcg|g|ml|units?)?\s*(?:o\.?d|b\.?d|t\.?d\.?s|q\.?d\.?s|om|on|nocte|mane)\b"
)
"""An item written in haste: a short name, a number, how often."""
_NAMED_WITH_WHY = re.compile(
    r"[A-Z][a-z]{4,}(?: [a-z]{3,})?\s*(?:\([^()]*\)\s*)?(?:[-–—]\s|:\s)[a-z]"
)
"""A word that can be a name, and behind a dash the reason: an item of what was stopped."""
_CHANGES = frozenset(("stopped", "on_hold", "changed", "new", "continued"))
_CUT_AT = frozenset(("allergies", "stopped", "on_hold", "new", "changed", "other", "inpatient"))


def _about(text: str) -> bool:
    """A heading about one medicine that lists none: ``Warfarin dosing and INR``."""
    name = name_at(text, body_start(text), ask=False)
    if name is None or len(text.split()) > 6 or STRENGTH.search(text) or DOSEISH.search(text):
        return False
    return pattern("blocks", "about").match(text[name.end :].strip()) is not None


def _taken(text: str) -> bool:
    """Whether a line names a medicine with its amount and how often: more than an allergy's words."""
    body = text[body_start(text) :]
    return bool(name_at(body) and STRENGTH.search(body) and DOSEISH.search(body))


_ALLERGIC = re.compile(
    r"\b(?:allerg\w*|intoleran\w*|side[- ]effects?|reaction)\b|\w-(?:induced|related|associated)\b",
    re.IGNORECASE,
)
"""What a medicine did, or would do, to the patient: no medicine to take."""


class Walker(Tables):
    """One pass over a sheet. ``fallback`` also takes medicines that stand under no list heading."""

    def run(self) -> Scan:
        """Walks every line."""
        self.signs = legend(self.sheet.text)
        whole_lines = between_pages(self.sheet, self.sheet.lines)
        self.below = states_below(self.sheet, whole_lines)
        if self.fallback:
            whole_lines = list(paragraphs(self.sheet, whole_lines))
        lines = [
            part
            for line in whole_lines
            for whole in _short(line, self.sheet.text)
            for part in _apart(whole, self.sheet.text)
        ]
        running = running_text(self.sheet, lines)
        for number, line in enumerate(lines):
            self.running = line.start in running
            after = lines[number + 1] if number + 1 < len(lines) else None
            self.dosed_below = (
                after is not None
                and after.indent > line.indent
                and bool(DOSE_START.match(self.sheet.of(after)) or LEAD.match(self.sheet.of(after)))
            )
            if line.kind == "blank":
                self.wrapped, self.stanza = False, 0
                if line.table != -1:
                    self._blank()
                continue
            self.labelled_below = self._labelled_after(lines, number)
            self.named_below = self._named_after(lines, number)
            self.last_of_stanza = after is None or after.kind == "blank"
            if not self.stanza:
                self.stanza_start = line.start
            count = len(self.out.headings)
            self._line(line)
            words = self.sheet.of(line)
            self.wrapped = len(words) > 60 and not words.rstrip().endswith((".", ":", ";"))
            self.stanza += 1
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

    def _named_after(self, lines: list[Line], number: int) -> bool:
        """Whether the next line with words begins with a medicine's name."""
        after = next((x for x in lines[number + 1 : number + 4] if x.kind != "blank"), None)
        if after is None:
            return False
        body = self.sheet.of(after)
        return name_at(body, body_start(body)) is not None

    # -- sections -----------------------------------------------------------------

    def _blank(self) -> None:
        self.blank = True
        if self.before is not None:
            self._close()
            self.section, self.label, self.plan = self.before
            self.before = None

    def _line(self, line: Line) -> None:
        text = self.sheet.of(line).replace("\n", " ")
        if line.start in self.below and self.current is not None:
            self.current.put("status", text.replace("|", " "))
            self.current.end = line.end
            return
        if self.fallback and re.match(r"dear\b", text, re.IGNORECASE):
            self._open(Heading("discharge", "letter"))
            return
        if line.section:
            self._open(Heading(line.section, text))
            return
        if self.running and self._behind_a_list(line):
            self._close()
            self.columns = None
            self.out.narrative.append(Passage(line.start, line.end, False, "other", self.label))
            return
        closing = len(text) < 80 and pattern("headings", "closing").match(text.lower())
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
            if self.itemised is not None and self.before is not None:
                self.section, self.label, self.plan = self.before
                self.before = None
            outer = self.section, self.label, self.plan
            self._inline(line, text, found)
            item = body_start(text) > 0
            if item and found.kind in _CHANGES:
                listed = outer[0] in LISTS or outer[0] == "admission"
                self.before = self.before or (outer if listed else ("discharge", "list", False))
            self.itemised = line.indent if item and self.before else None
            return
        item = self.itemised is not None and line.indent <= self.itemised
        if self.before is not None and item:
            self._close()
        if self.before is not None and (item or (self.section == "allergies" and line.indent == 0)):
            self.section, self.label, self.plan = self.before
            self.before = None
        self._content(line, line.start, text)

    def _behind_a_list(self, line: Line) -> bool:
        """Whether running text begins, or goes on, behind the medicines of a list."""
        if self.section not in LISTS or self.fallback:
            return False
        last = self.out.narrative[-1] if self.out.narrative else None
        if (
            last is not None
            and last.section == "other"
            and line.start - last.end <= 40
            and self.current is None
        ):
            return self.out.raws != []
        here = [raw for raw in self.out.raws if raw.heading == self.label]
        if self.blank:
            return bool(here) or self.current is not None
        if self.current is None:
            return False
        return self.columns is not None or (
            self.current.bullet and line.indent < self.current.indent
        )

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
            return None
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

    @staticmethod
    def _heads_its_row(found: Heading, words: str) -> bool:
        """Whether a row is a heading and, in its other cell, what stands under it."""
        if found.kind == "allergies":
            return True
        nothing = pattern("remarks", "nothing").match(words.lower())
        return found.kind in _CHANGES and bool(first_name(words) or nothing)

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
        if name in ("supply", "continuing") and named and found and found.kind in _CHANGES:
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
            if not _taken(text):
                self._allergy(start, line.end)
                return
            self._open(Heading("unknown", "below the allergies"))
        if self.section not in LISTS and self.section != "admission":
            if (
                self.section in ("unknown", "preamble")
                and not self.wrapped
                and self._medicine_under_unknown(text)
            ):
                if self.section == "preamble":
                    self.section, self.label = "discharge", "list"
                self._list(line, start, text, fresh=fresh)
            elif self.section != "inpatient":
                self._pass_by(start, line.end, self.plan)
            return
        self._list(line, start, text, fresh=fresh)

    def _medicine_under_unknown(self, text: str) -> bool:
        body = text[body_start(text) :]
        return bool(name_at(body) and (STRENGTH.search(body) or DOSEISH.search(body)))

    def _list(self, line: Line, start: int, text: str, *, fresh: bool) -> None:
        begin = body_start(text)
        body = text[begin:]
        bullet = begin > 0
        goes_on = self.current is not None and not self.blank and self.stanza > 0
        empty = pattern("remarks", "nothing").match(body.lower()) and first_name(body) is None
        if empty and not (goes_on and stated_in(body)[0]):
            return
        if len(body) > 60 and self._tells(body, bullet):
            self._prose(line, start + begin, body)
            return
        if self._advises(body):
            self._close()
            self._pass_by(start, line.end, True)
            return
        if first_name(body) is None and pattern("full_list", "others_continue").search(body):
            self._close()
            self._pass_by(start, line.end, False)
            return
        if self.fallback and first_name(body) and _ALLERGIC.search(body):
            self._close()
            self._pass_by(start, line.end, False)
            return
        if not bullet and self._elsewhere(body):
            self._close()
            self._pass_by(start, line.end, False)
            if first_name(body) and not pattern("narrative", "another").search(body):
                self._odd(start, line.end, "given in hospital, or a result: no medicine to take")
            return
        if self._labels(line, body) or self._within(line, body):
            return
        label, colon, rest = body.partition(":")
        if colon and column(label) == "drug" and self._names(rest.strip()):
            begin += len(label) + 1 + len(rest) - len(rest.lstrip())
            body, fresh = text[begin:], True
        heads_block = self.labelled_below and line.kind == "heading" and ":" not in body
        fresh = fresh or heads_block
        if fresh or self._begins(body, bullet=bullet) or self._speaks(body, bullet):
            if self._goes_on(line, body, bullet) and not fresh:
                self._extend(line, body)
                return
            self._close()
            self._start(line, start + begin, body, bullet)
            return
        apart = (self.blank and self._illegible(body)) or self._in_haste(line, body)
        if (
            self.current is not None
            and not apart
            and line.end - self.current.start <= 2 * LONGEST_LINE
            and self._continues(line, body, bullet)
        ):
            self._extend(line, body)
            return
        further = _ALSO.search(body)
        if further and name_at(body, further.end()):
            self._close()
            self._start(line, start + begin + further.end(), body[further.end() :], bullet)
            return
        if self._item(line, body, bullet):
            self._close()
            place = (start + begin, line.end, self.section, self.label)
            self.current = Raw(*place, {"line": [body]}, line.page, line.indent, bullet)
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

    def _tells(self, body: str, bullet: bool) -> bool:
        """Whether a stretch is running text, to be taken sentence by sentence."""
        several_sentences = len(body) > 100 and len(sentences(body)) > 1
        if self.fallback:
            return len(sentences(body)) > 1 or BEFORE.search(body) is not None
        speaks = re.match(
            r"(?:his|her|their|the|this|she|he|they|we|i|you|please|after|as|on|in|no)\b",
            body,
            re.I,
        )
        return several_sentences and not bullet and self.blank and speaks is not None

    @staticmethod
    def _advises(body: str) -> bool:
        """Whether a line says what could be done, by a condition or a wish, and not what was done."""
        name = first_name(body)
        if name is None or pattern("narrative", "wish").match(body):
            return name is not None
        thought = pattern("narrative", "thought_of").search(body)
        if thought is None:
            return False
        done = body[: thought.start()]
        dosed = STRENGTH.search(done) or DOSEISH.search(done)
        return stated_in(done)[0] is None and not (dosed and first_name(done))

    def _in_haste(self, line: Line, body: str) -> bool:
        """Whether a line of a list in small letters is an item of its own."""
        if self.current is None or line.indent > self.current.indent:
            return False
        return _SHORTHAND.match(body) is not None and not FORM.match(body)

    def _item(self, line: Line, body: str, bullet: bool) -> bool:
        """Whether a line of a list is an item by its look, though nobody knows the medicine."""
        if self.fallback:
            return False  # running text has no items
        if re.match(r"[A-Z][A-Za-z]{3,} \d+ (?:tab|cap|sachet|puff|drop|spray)", body):
            return not DOSE_START.match(body) and not VERB.match(body)
        if self.section in ("stopped", "on_hold") and _NAMED_WITH_WHY.match(body):
            return True
        told = DOSEISH.search(body) or (
            FORM.search(body) and stated_in(body)[0] and VERB.search(body)
        )
        if not told or DOSE_START.match(body) or VERB.match(body):
            return False
        if re.match(r"[\w ]{1,30}:", body) or pattern("remarks", "request").match(body):
            return False
        head = body[: told.start()]
        if len(head.split()) > 9 or ". " in head or not head.strip():
            return False
        return bullet or body[:1].isupper() or _SHORTHAND.match(body) is not None

    def _headlike(self, line: Line, body: str) -> bool:
        """Whether an unknown line ends what the heading above it stated."""
        stated = self.section not in ("discharge", "admission", "unknown")
        short = len(body.split()) <= 6 and not re.search(r"\d", body) and body[:1].isupper()
        below = self.current is not None and line.indent < self.current.indent
        return stated and short and (body.rstrip().endswith(":") or below)

    def _start(self, line: Line, start: int, body: str, bullet: bool) -> None:
        """Opens a medicine, or several that one line names."""
        parts = pieces(body)
        last = parts[-1]
        shared = pattern("remarks", "reason").search(body[last.start : last.end])
        for part in parts:
            self._piece(line, start, body, part, bullet)
            alone = name_at(body[part.start : part.end], ask=False)
            if shared and self.current and alone and alone.end == part.end - part.start:
                self.current.put("reason", shared.group())

    def _piece(self, line: Line, start: int, body: str, part: Piece, bullet: bool) -> None:
        """Opens one medicine of a line."""
        self._close()
        words, labels = labelled(body[part.start : part.end])
        words, sign = signed(words, self.signs)
        section = self.section
        if part.instead and section in ("stopped", "on_hold"):
            section = "discharge"
        place = (start + part.start, start + part.end, section, self.label)
        self.current = Raw(*place, {"line": [words]}, line.page, line.indent, bullet)
        for name, value in labels:
            self.current.put(name, value)
        self.current.put("status", part.status or sign)
        self.current.put("comment", part.comment)
        if part.instead:
            self.current.fields["instead"] = ["yes"]

    def _within(self, line: Line, body: str) -> bool:
        """A line that names a part of a list or of a block, and no medicine."""
        plain = body.strip(" :.-*_").lower()
        if pattern("blocks", "part").match(plain):
            if self.current is not None:
                self.current.end = line.end
            return True
        short = (
            len(body.split()) <= 4 and body.rstrip().endswith(":") and not re.search(r"\d", body)
        )
        if not short or column(body) is not None or self.labelled_below or self.dosed_below:
            return False
        if name_at(body) and not self.named_below:
            return False
        if first_name(body) and not name_at(body):
            return False
        self._close()
        return True

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
        section = self.section
        for s, e in sentences(body):
            words = body[s:e]
            if first_name(words) is None and name_at(words) is None:
                if STRENGTH.search(words) and DOSEISH.search(words):
                    self._odd(start + s, start + e, "not understood as a medicine")
                continue
            over = pattern("narrative", "treated").search(words) or self._elsewhere(words)
            if self.fallback:
                then = pattern("statements", "past").search(words)
                over = over or bool(then and stated_in(words)[0] != "stopped")
                over = over or _ALLERGIC.search(words) is not None
            if self._advises(words) or over:
                self._close()
                self._pass_by(start + s, start + e, self._advises(words))
                continue
            self.section = "admission" if BEFORE.search(words) else section
            verb = VERB.search(words)
            told = verb or STRENGTH.search(words) or DOSEISH.search(words)
            if self.section != "admission" and not told:
                continue
            for part in pieces(words):
                own = words[part.start : part.end]
                if pattern("statements", "there").search(own) or result_in(own):
                    continue
                if not (first_name(own) or name_at(own) or STRENGTH.search(own)):
                    continue
                if self.fallback and not (
                    part.status or verb or STRENGTH.search(own) or DOSEISH.search(own)
                ):
                    continue
                self._piece(line, start + s, words, part, bullet=False)
                silent = verb and not part.status and not VERB.search(own)
                if silent and verb and self.current:
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
            whole = DOSE_START.match(body) and body[:1].isupper()
            apart = whole and not _OPEN_END.search(self.current.get("line", "drug"))
            self.current.put("line", f"; {body}" if apart else body)
        self.current.end = line.end

    def _goes_on(self, line: Line, body: str, bullet: bool) -> bool:
        """Whether a line that could begin a medicine belongs to the one above."""
        if self.current is None or self.blank or bullet or line.indent <= self.current.indent:
            return False
        told = body[:1].islower() or (LEAD.match(body) and stated_in(body)[0])
        if told and first_name(body) is None:
            return True
        return bool(DOSE_START.match(body)) and not name_at(body)

    def _continues(self, line: Line, body: str, bullet: bool) -> bool:
        assert self.current is not None
        if bullet and line.indent <= self.current.indent:
            return False
        if self.blank:
            return line.indent > self.current.indent
        further_in = line.indent > self.current.indent
        of_all = _OF_SEVERAL.search(body) and body[:1].isupper() and first_name(body) is None
        if of_all and not further_in and stated_in(body)[0]:
            return False
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
            or (len(body.split()) <= 4 and stated_in(body)[0] and not _OF_ALL.search(body))
            or (self.current.bullet and not bullet)
        )

    def _speaks(self, body: str, bullet: bool) -> bool:
        """Whether a sentence says what was done to a known medicine."""
        if not bullet and self.current is not None and not self.blank:
            return False
        name = first_name(body)
        return bool(name and (VERB.search(body) or (bullet and name.start < 30)))
