"""Running text within and behind the lists: taken sentence by sentence, or left to the narrative."""

from __future__ import annotations

import re

from counterfoil.documents.doubt import denied, of_another, only_meant
from counterfoil.documents.headed import Headed
from counterfoil.documents.layout import LISTS, Raw
from counterfoil.documents.names import first_name, name_at
from counterfoil.documents.pages import signed
from counterfoil.documents.pieces import BEFORE, DOSEISH, STRENGTH, VERB, labelled, sentences
from counterfoil.documents.sharing import Piece, carried, pieces
from counterfoil.documents.shown import Line
from counterfoil.documents.states import result_in, stated_in
from counterfoil.documents.wording import pattern

ALLERGIC = re.compile(
    r"\b(?:allerg\w*|intoleran\w*|side[- ]effects?|reaction)\b|\w-(?:induced|related|associated)\b",
    re.IGNORECASE,
)
"""What a medicine did, or would do, to the patient: no medicine to take."""


class Prose(Headed):
    """Takes medicines out of paragraphs."""

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
            over = over or of_another(words)
            over = over or pattern("statements", "replaced_later").search(words) is not None
            if self.fallback:
                then = pattern("statements", "past").search(words)
                over = over or bool(then and stated_in(words)[0] != "stopped")
                over = over or ALLERGIC.search(words) is not None
            if self._advises(words) or over:
                self._close()
                self._pass_by(start + s, start + e, self._advises(words))
                continue
            self.section = "admission" if BEFORE.search(words) else section
            verb = VERB.search(words)
            told = verb or STRENGTH.search(words) or DOSEISH.search(words)
            if self.section != "admission" and not told:
                continue
            end = 0
            for part in pieces(words):
                own = words[part.start : part.end]
                if pattern("statements", "there").search(own) or result_in(own):
                    continue
                not_made = denied(own, polite=True) or only_meant(own)
                if not_made and stated_in(own)[0] not in (None, "continued"):
                    self._close()
                    self._pass_by(start + s, start + e, True)
                    continue
                if not (first_name(own) or name_at(own) or STRENGTH.search(own)):
                    continue
                if self.fallback and not (
                    part.status or verb or STRENGTH.search(own) or DOSEISH.search(own)
                ):
                    continue
                self._piece(line, start + s, words, part, bullet=False)
                shared = carried(words, end, part.start)
                end = part.end
                if shared and not (part.status or VERB.search(own)) and self.current:
                    self.current.put("status", shared)
        self._close()
        self.section = section
