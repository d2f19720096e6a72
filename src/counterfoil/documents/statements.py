"""What running text says was done to medicines: "I have stopped her amlodipine".

Only what is said as done becomes a line, clause by clause. What was done before, by others or there
and then, what is advised, wished for or tied to a condition makes none: it stays with the mentions,
for a person. Where a list of the letter holds the medicine too, list and sentence are one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from counterfoil.documents.doubt import denied, of_another, plain_to
from counterfoil.documents.layout import LISTS, Raw
from counterfoil.documents.line import build
from counterfoil.documents.model import MedicineLine, Mention
from counterfoil.documents.names import first_name, name_at
from counterfoil.documents.narrative import sentences_of
from counterfoil.documents.pieces import ARROW, BEFORE, DOSEISH, STRENGTH, VERB, body_start
from counterfoil.documents.sharing import Piece, carried, pieces
from counterfoil.documents.states import stated_in
from counterfoil.documents.tables import Passage, Scan
from counterfoil.documents.wording import pattern
from counterfoil.dosage import compare, convert, ingredient_per_day

_OVER = ("stopped", "on_hold")


def said(scan: Scan, text: str, *, listed: bool) -> list[MedicineLine]:
    """The statements of the narrative about known medicines, in reading order.

    Where the letter has no list (*listed*), a medicine that a sentence only names with its dose and how
    often is one too.
    """
    out: list[MedicineLine] = []
    for raw in _raws(scan, text):
        line = build(raw, text, 0)
        if not line.product.ingredients:
            continue
        if "again" in raw.fields:  # taken up again: what was held is no longer
            line = replace(line, stated=None if line.stated in _OVER else line.stated)
            out = [o for o in out if not (o.stated in _OVER and _alike(o, line))]
        if line.stated is None and (not line.dose_text or (listed and "item" not in raw.fields)):
            continue
        out.append(line)
    return out


def _alike(one: MedicineLine, other: MedicineLine) -> bool:
    return one.product.ingredients == other.product.ingredients


def _raws(scan: Scan, text: str) -> Iterator[Raw]:
    for start, _, words, passage in sentences_of(scan, text):
        if not _tells(words, passage):
            continue
        asked = _asked(words)
        advice = pattern("statements", "hard_advice" if asked else "advice").search(words)
        stop = advice.start() if advice else len(words)
        item = start - passage.start <= 6 and body_start(text[passage.start : passage.end]) > 0
        begin, displaced = 0, False
        for part in pieces(words):
            end = min(part.end, stop)
            piece = words[part.start : max(end, part.start)]
            name = first_name(piece) or name_at(piece)
            before = words[begin : part.start]
            begin = part.end
            if name is None and not STRENGTH.search(piece):
                continue
            if displaced and part.instead and part.status == "stopped":
                continue  # what it gave way to was not understood
            raw = _raw(words, before, replace(part, end=end), start, passage)
            displaced = raw is None
            if raw is None:
                continue
            if item and name and part.start + name.start <= 6:
                raw.fields["item"] = ["yes"]
            rule = pattern("remarks", "restart").search(words, end, part.end)
            raw.put("comment", rule.group() if rule else "")
            if asked and begin > asked.start():
                raw.put("comment", f"asked of the practice: {asked.group().strip()}")
            yield raw


def _asked(words: str) -> re.Match[str] | None:
    """A plain request to the practice; none where it is tied to a condition or to a later day."""
    asked = next(_requests(words), None)
    if asked is None or pattern("statements", "tied").search(_BECAUSE.sub(" ", words), asked.end()):
        return None
    return asked


def _requests(words: str) -> Iterator[re.Match[str]]:
    """The words of a request; a bare "to" only where it belongs to no word before it."""
    for found in pattern("statements", "request").finditer(words):
        if found.group().lower() != "to" or plain_to(words, found.start()):
            yield found


_BECAUSE = re.compile(
    r"\b(?:because|as (?:it|she|he|they|there)|since (?:it|she|he)|in view of|given)\b.*", re.I
)


def _tells(words: str, passage: Passage) -> bool:
    """Whether a sentence can say what was done now to a medicine that goes home with the patient."""
    if len(words) < 8 or passage.section in LISTS or first_name(words) is None:
        return False
    if pattern("statements", "history").search(passage.heading):
        return False
    if pattern("statements", "past").search(words) or of_another(words):
        return False
    if pattern("statements", "replaced_later").search(words):
        return False
    return (
        BEFORE.search(words) is None
        or pattern("statements", "at_the_door").search(words) is not None
    )


def _raw(words: str, before: str, part: Piece, start: int, passage: Passage) -> Raw | None:
    """One clause as a stretch with its state; ``None`` where it says nothing that was done."""
    own = words[part.start : part.end].rstrip(" ,;:&+-–")
    own = re.sub(r"\s+(?:and|but|so|then)$", "", own)
    clause = f"{before} {own}"
    if denied(clause, polite=True):
        return None
    for asked in reversed(list(_requests(clause))):
        clause = f"{clause[: asked.start()]} {clause[asked.end() :]}"
    if VERB.search(clause) is None and pattern("statements", "not_done").search(clause):
        return None
    if denied(clause):
        return None
    if pattern("statements", "there").search(clause):
        return None
    if pattern("narrative", "treated").search(clause) or pattern("narrative", "there").search(
        clause
    ):
        return None
    again = pattern("statements", "again").search(own) is not None
    told = part.status
    if not told and stated_in(own)[0] is None and not again:
        told = carried(words, part.start - len(before), part.start)
        if not told or stated_in(told)[0] is None:
            told = ""
            if not (STRENGTH.search(own) and DOSEISH.search(own)) and not _FROM_ONE.search(own):
                return None
    lead, line = _cut(own)
    fields = {"line": [line]}
    if again:
        fields["line"] = [pattern("statements", "again").sub(" ; ", line)]
        fields["again"] = ["yes"]
    elif told or stated_in(lead)[0]:
        fields["status"] = [told or stated_in(lead)[1]]
    where = (start + part.start, start + part.start + len(own))
    return Raw(*where, "discharge", passage.heading, fields)


def _cut(clause: str) -> tuple[str, str]:
    """The words of a clause before its medicine, and from it on; nothing is cut from an amount."""
    name = first_name(clause)
    verb = VERB.search(clause, name.end) if name else None
    other = first_name(clause, verb.end()) if verb else None
    if verb and other and _ONTO.fullmatch(clause, verb.end(), other.start):
        name = other  # "vitamin D deficient and started on colecalciferol"
    if name is None or re.search(r"\d", clause[: name.start]):
        return "", clause
    return clause[: name.start], clause[name.start :]


_FROM_ONE = re.compile(rf"\d\s*[a-z]*\s*{ARROW}\s*\d", re.IGNORECASE)
"""An amount and an arrow to another."""
_ONTO = re.compile(
    r"\s+(?:(?:her|him|them)\s+)?(?:on|with)\s+(?:(?:to|a|an|oral|regular)\s+)*", re.I
)
"""Between a word of change and the medicine that somebody is put on."""


def joined(
    lines: Sequence[MedicineLine],
    statements: Sequence[MedicineLine],
    *,
    listed: bool,
    before: bool,
) -> list[MedicineLine]:
    """The lines of a letter with what its running text says of them; what no list holds is added.

    *listed*: the letter has a list of its own, which a medicine started and still taken would be on.
    *before*: its list may be of what was taken before the change, as a clinic's is.
    """
    out = list(lines)
    for one in statements:
        if one.course_done or any(one.start < o.end and o.start < one.end for o in out):
            continue
        alike = [n for n, o in enumerate(out) if _alike(o, one)]
        if not alike:
            if (
                one.stated in _OVER
                or not listed
                or (one.stated != "new" and one.dose.status == "read")
            ):
                out.append(one)
        elif len(alike) == 1:
            here = out[alike[0]]
            if before and here.stated is None and _moves(one, here):
                out.append(one)
            else:
                out[alike[0]] = _with(here, one)
    return sorted(out, key=lambda line: line.start)


def _moves(one: MedicineLine, line: MedicineLine) -> bool:
    """Whether a statement leaves a medicine otherwise than a line has it."""
    return one.stated in _OVER or _differ(one, line)


def _differ(one: MedicineLine, line: MedicineLine) -> bool:
    """Whether a statement gives another dose than a line: where only amounts can be compared, by them."""
    if one.dose.status == line.dose.status == "read" and one.dose_text and line.dose_text:
        return compare(line.dose, one.dose) != "equal"
    return other_amount(one.dose_text, line, first=True)


def other_amount(words: str, line: MedicineLine, *, first: bool = False) -> bool:
    """Whether words give an amount that a line of their medicine has nowhere (*first*: begin with it)."""
    amount = _AMOUNT.match(words) if first else _AMOUNT.search(words)
    if amount is None or not line.dose_text:
        return False
    here = {_mg(found) for found in _AMOUNT.finditer(f"{line.drug_text} {line.dose_text}")}
    total = ingredient_per_day(line.dose, line.product) or {}
    here |= {convert(high, unit, "mg") for _, high, unit in total.values()}
    return _mg(amount) not in here


_AMOUNT = re.compile(r"(\d[\d.]*)\s*(mg|micrograms?|mcg|g|units?)\b", re.IGNORECASE)


def _mg(amount: re.Match[str]) -> Fraction | None:
    """An amount in mg, or as it stands where it is no mass."""
    unit = amount[2].lower().rstrip("s").replace("mcg", "microgram")
    number = Fraction(amount[1].rstrip("."))
    return convert(number, unit, "mg") or number


def _with(line: MedicineLine, one: MedicineLine) -> MedicineLine:
    """A line and a sentence about its medicine as one."""
    if (one.stated in _OVER) != (line.stated in _OVER):
        if line.stated in _OVER or "asked of the practice" in one.comment:
            return line
        said = " ".join(one.text.split())
        text = f"The list has it to be taken; elsewhere the letter says “{said}”."
        return replace(line, conflicts=(*line.conflicts, text))
    if _differ(one, line):
        text = f"One place gives “{line.dose_text}”, another “{one.dose_text}”."
        return replace(line, conflicts=(*line.conflicts, text))
    more = replace(
        line,
        reason=line.reason or one.reason,
        was=line.was or one.was,
        restart=line.restart or one.restart,
        dose_text=line.dose_text or one.dose_text,
        dose=line.dose if line.dose_text else one.dose,
    )
    if line.stated is None:
        more = replace(more, stated=one.stated, stated_words=one.stated_words)
    return more


def with_mentions(
    lines: Sequence[MedicineLine], mentions: Sequence[Mention], *, before: bool
) -> list[MedicineLine]:
    """The lines, each with what a sentence elsewhere says is to become of it and no line says.

    Where that is plainly asked of the practice, or where the list may be of before (*before*), the letter
    contradicts the line; else it stands beside it as a remark.
    """
    out = list(lines)
    for one in mentions:
        words = " ".join(one.span.text.split())
        if not TO_BECOME.search(words):
            continue
        for n, line in enumerate(out):
            told = line.start < one.span.end and one.span.start < line.end
            if (
                told
                or line.stated not in (None, "continued")
                or set(one.ingredients) != set(line.product.ingredients)
            ):
                continue
            said = f"Elsewhere the letter says “{words}”."
            if said in line.conflicts or words in line.comment:
                continue
            if (before and not one.advice) or _asked(words):
                out[n] = replace(line, conflicts=(*line.conflicts, said))
            else:
                comment = "; ".join(c for c in (line.comment, f"elsewhere: “{words}”") if c)
                out[n] = replace(line, comment=comment)
    return out


TO_BECOME = re.compile(
    r"\b(?:stop\w*|(?:up|down)-?titrat\w*|convert\w*|cut|drop\w*|rais\w*|lower\w*|replac\w*|start\w*|increas\w*|reduc\w*|decreas\w*|chang\w*|switch\w*|swap\w*|wean\w*|taper\w*|titrat\w*|"
    r"discontinu\w*|withh\w*|restart\w*|(?:go|come|goes|put|bring|step) (?:it )?(?:up|down|off)|(?:up|down) to)\b",
    re.IGNORECASE,
)
"""Words of what is to become of a medicine."""
