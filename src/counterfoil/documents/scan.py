"""Walks the lines of a sheet: which section, which table, which stretch is one medicine."""

from __future__ import annotations

import re

from counterfoil.documents.cutting import LONGEST_LINE, apart, short
from counterfoil.documents.doubting import OPEN_END, Doubting
from counterfoil.documents.headed import CHANGES, OF_ONE
from counterfoil.documents.layout import LISTS, Heading, Raw, column
from counterfoil.documents.names import first_name, name_at
from counterfoil.documents.pages import between_pages, legend, paragraphs, running_text
from counterfoil.documents.pieces import DOSE_START, DOSEISH, FORM, LEAD, STRENGTH, VERB, body_start
from counterfoil.documents.prose import ALLERGIC
from counterfoil.documents.sharing import pieces
from counterfoil.documents.shown import Line
from counterfoil.documents.states import stated_in
from counterfoil.documents.tables import Passage, Scan
from counterfoil.documents.under import states_below
from counterfoil.documents.unknown import NOT_UNDERSTOOD, foreign, parts_a_list
from counterfoil.documents.wording import pattern

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


def _taken(text: str) -> bool:
    """Whether a line names a medicine with its amount and how often: more than an allergy's words."""
    body = text[body_start(text) :]
    return bool(name_at(body) and STRENGTH.search(body) and DOSEISH.search(body))


class Walker(Doubting):
    """One pass over a sheet. ``fallback`` also takes medicines that stand under no list heading."""

    def run(self) -> Scan:
        """Walks every line."""
        self.signs = legend(self.sheet.text)
        whole_lines = between_pages(self.sheet, self.sheet.lines)
        self.below, self.unclear = states_below(self.sheet, whole_lines)
        if self.fallback:
            whole_lines = list(paragraphs(self.sheet, whole_lines))
        lines = [
            part
            for line in whole_lines
            for whole in short(line, self.sheet.text)
            for part in apart(whole, self.sheet.text)
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
        self._part_home()
        return self.out

    def _labelled_after(self, lines: list[Line], number: int) -> bool:
        """Whether the next line with words is a label of one medicine (``Directions: ...``)."""
        after = next((x for x in lines[number + 1 : number + 4] if x.kind != "blank"), None)
        if after is None:
            return False
        label, colon, rest = self.sheet.of(after).partition(":")
        return bool(colon and rest.strip()) and column(label) in OF_ONE

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
            self._back()

    def _line(self, line: Line) -> None:
        text = self.sheet.of(line).replace("\n", " ")
        if line.start in self.below and self.current is not None:
            self.current.put("status", text.replace("|", " "))
            self.current.end = line.end
            return
        if self.current is not None and self._left_open(text):
            self.current.put("status", text)
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
                self._head(line, text, found)
                return
            if self.itemised is not None and self.before is not None:
                self._back()
            outer = self.section, self.label, self.plan
            self._inline(line, text, found)
            item = body_start(text) > 0
            if item and found.kind in CHANGES:
                listed = outer[0] in LISTS or outer[0] == "admission"
                self.before = self.before or (outer if listed else ("discharge", "list", False))
            self.itemised = line.indent if item and self.before else None
            return
        item = self.itemised is not None and line.indent <= self.itemised
        if self.before is not None and item:
            self._close()
        if self.before is not None and (item or (self.section == "allergies" and line.indent == 0)):
            self._back()
        self._content(line, line.start, text)

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
        self.outer_doubt = self.doubted
        self._suspect(line, found, outer[0])
        self._content(line, line.start + begin, text[begin:])
        if found.kind in ("other",) and outer[0] in LISTS:
            self.before = outer
            self._back()

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
        if self.fallback and first_name(body) and ALLERGIC.search(body):
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
        if not bullet and self._heads_unknown(line, body):
            self._doubt(line, body)
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
            if parts_a_list(body):
                self._odd(start, line.end, NOT_UNDERSTOOD)
            else:
                self._doubt(line, body)
            return
        listed = self.current is not None and self.current.bullet and bullet
        self._close()
        spoilt = bullet and re.search(r"illegible|unreadable|\?\?|\w\?\w", body)
        if spoilt or apart or (listed and self._garbled(body)):
            place = (start + begin, line.end, self.section, self.label)
            self.current = Raw(*place, {"line": [body]}, line.page, line.indent, True)
            return
        self._odd(start, line.end, "not understood as a medicine")

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
        if not parts:
            return
        last = parts[-1]
        shared = pattern("remarks", "reason").search(body[last.start : last.end])
        for part in parts:
            self._piece(line, start, body, part, bullet)
            alone = name_at(body[part.start : part.end], ask=False)
            if shared and self.current and alone and alone.end == part.end - part.start:
                self.current.put("reason", shared.group())

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
        if not self.fallback and (foreign(body) or (self._among() and not parts_a_list(body))):
            self._doubt(line, body)
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
            apart = whole and not OPEN_END.search(self.current.get("line", "drug"))
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
