"""Drug words from dose words: where a medicine's description ends in a line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from counterfoil.documents.names import WORD, first_name, name_at, product_at
from counterfoil.documents.pieces import ARROW, LEAD
from counterfoil.documents.wording import NUMBER_WORDS

UNIT = (
    r"(?:mg|mcg|micrograms?|microg|µg|μg|ug|nanograms?|ng|grams?|g|kg|mls?|millilitres?|litres?|l|"
    r"units?|iu|i\.u\.|u|mmol|%|mega ?units?)"
)
_PER = (
    r"(?:\s*(?:/|per|in)\s*(?:\d[\d,.]*\s*)?(?:mg|mcg|micrograms?|g|mls?|ml|dose|actuation|hours?|hrs?|h|"
    r"puff|tablet|capsule|metered dose|24 ?hours?|application|sachet|vial)\b)"
)
_STRENGTH = re.compile(
    rf"\d[\d,.]*\s*{UNIT}?(?![\w])(?:\s*/\s*\d[\d,.]*\s*{UNIT}?(?![\w]))+{_PER}?|"
    rf"\d[\d,.]*(?:\s*-\s*\d[\d,.]*)?\s*{UNIT}(?![\w]){_PER}?(?:\s*(?:/|\+|and)\s*\d[\d,.]*\s*{UNIT}(?![\w]){_PER}?)*",
    re.IGNORECASE,
)
_FORM = re.compile(
    r"(?:(?:tab(?:let)?s?|cap(?:sule)?s?|caplets?|capsules?)\b\.?|(?:oral|topical|nasal|eye|ear|rectal|vaginal|"
    r"transdermal|buccal|sublingual|scalp|cutaneous|inhalation|concentrate for|powder for|solution for|"
    r"dry powder|metered dose|pressurised|breath[- ]actuated|concentrated|prefilled|pre-filled|disposable)\s+"
    r"(?=(?:\w+\s+){0,3}(?:solution|suspension|drops?|ointment|cream|gel|spray|inhaler|tablets?|patch(?:es)?|liquid|powder|"
    r"granules|injection|pen|pens|application|lotion|paste|syringes?|film|emulsion|devices?))|"
    r"(?:pump|aerosol|disposable|testing|test)(?=\s+(?:sublingual|spray|devices?|strips?|foil))|"
    r"\d+(?:\.\d+)?\s*ml\s+(?=(?:pre-?filled|cartridges?|vials?|pens?|ampoules?|syringes?|disposable|solostar|flexpen|kwikpen))|"
    r"devices?|strips?|lancets?|needles?|"
    r"(?:oral|eye|ear|nasal)\s+(?:solution|soln?|suspension|susp|drops?|ointment|liquid|gel|spray|powder|granules)|"
    r"solution|soln?|susp|oint|suspension|syrup|elixir|liquid|mixture|drops|ointment|cream|gel|spray|lotion|paste|foam|shampoo|mouthwash|"
    r"inhalers?|evohaler|accuhaler|turbohaler|turbuhaler|respimat|handihaler|breezhaler|ellipta|nexthaler|easyhaler|"
    r"autohaler|easi-?breathe|clickhaler|spiromax|genuair|diskhaler|novolizer|zonda|k-haler|mdi|dpi|pmdi|"
    r"patch(?:es)?|plasters?|injections?|pens?|flexpen|kwikpen|solostar|flextouch|innolet|penfill|doublestar|junior|"
    r"(?:refill\s+)?cartridges?(?:\s+with\s+device)?|pre-?filled|syringes?|vials?|ampoules?|nebules?|nebuliser|respules|sachets?|granules|powder|"
    r"lozenges?|pastilles?|gum|pessar(?:y|ies)|suppositor(?:y|ies)|enemas?|emollient|dressings?|"
    r"effervescent|dispersible|soluble|orodispersible|chewable|"
    r"modified[- ]release|m/?r|prolonged[- ]release|slow[- ]release|sustained[- ]release|extended[- ]release|"
    r"gastro-?resistant|enteric[- ]coated|e/?c|g/?r|xl|sr|la|pr|er|retard|chrono|"
    r"sugar[- ]free|s/?f|preservative[- ]free|cfc[- ]free|film[- ]coated|f/?c|unit dose|hydrochloride|hcl|"
    r"sodium|potassium|calcium|maleate|fumarate|sulfate|sulphate|tartrate|succinate|citrate|phosphate|mesilate|besilate|"
    r"acetate|dipropionate|propionate|furoate|bromide|carbonate|hydrobromide|magnesium|erbumine|arginine|dihydrate|"
    r"medoxomil|etexilate|monohydrate|mononitrate|dinitrate|gluconate|valerate|"
    r"generic|intense|forte|max|plus|dry)\b",
    re.IGNORECASE,
)
_FORM_PROPER = re.compile(
    r"tab|cap|sol|susp|oint|suspension|syrup|elixir|liquid|drops|ointment|cream|gel|spray|lotion|inhaler|haler|patch|"
    r"injection|pen|cartridge|sachet|granules|powder|lozenge|pessar|suppositor|enema|respimat|ellipta|shampoo|foam|"
    r"mouthwash|vial|syringe|nebule|mixture|paste|mdi|plaster|ampoule|gum",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"\s*(?:[|;:→]|\s[-–—]+(?=\s)|[-–—]+\s|,(?!\d)|\.(?:\s|$)|\s{2,}|\t)\s*")
_BRACKET = re.compile(r"\s*[(\[]([^()\[\]]*)[)\]]")
_NOT_IN_DRUG = re.compile(
    r"\b(?:new|stop|start|continu|increas|decreas|reduc|chang|was|from|previous|held|with-?h|on hold|hold|restart|"
    r"for|due|until|days?|weeks?|daily|night|morning|od|bd|tds|qds|once|twice|supply|reason|gp|"
    rf"aki|course|unchanged|no change|dose|as |when|prn|own|pod|take|(?:{NUMBER_WORDS})\b|puffs?|po\b|if |see |\d+/\d+$)",
    re.IGNORECASE,
)
_DOSE_WORD = re.compile(
    rf"(?:take|{NUMBER_WORDS}|half|apply|inhale|use|give|put|insert|inject|instil|dissolve|chew|once|twice|"
    r"o\.?d|b\.?d|t\.?d\.?s|q\.?d\.?s|o\.?m|o\.?n|mane|nocte|prn|po|iv|im|sc|s/c|pr|pv|sl|top|inh|neb|ng|peg|oral|orally|daily|weekly|"
    r"every|each|as|when|at|in|to|for|from|was|the|a|dose|stopped|stop|started|start|new|continue[ds]?|changed?|increased?|"
    r"decreased?|reduced?|held|withheld|on|hold|restart|until|due|because|titrated|suspended|paused|has|have|been|is|and|"
    r"discontinued|ceased|unchanged|no|not|with|via|up|down|gp|supply|supplied|regular|should|will|now|morning|night|"
    r"via|by|should|switched|per|if|or|then|completed|course|temporarily|omit(?:ted)?|doubled|halved)\b",
    re.IGNORECASE,
)


_CONCENTRATION = re.compile(r"/\s*[\d.]*\s*ml", re.IGNORECASE)
"""A strength by volume, which is never a dose."""
_NUMBERED = re.compile(
    r"\s+\d{1,3}(?=\s+(?:flexpen|kwikpen|solostar|penfill|cartridges?|pens?|innolet)\b)",
    re.IGNORECASE,
)
"""A number that belongs to the name of an insulin: "NovoMix 30 FlexPen"."""
_MOVES = re.compile(
    rf"\s*(?:{ARROW}|(?:[A-Za-z.]+\s+){{1,3}}{ARROW}\s*(?:[A-Za-z]+\s+(?:to\s+)?)?\d)"
)
"""Behind a strength: an arrow, or how often and an arrow to another amount."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A line cut into what stands before the medicine, its description, and the rest.

    ``strength`` is the last strength in the description; ``formed`` says whether a dose form
    was named, so that a bare strength is known to be able to serve as the dose where it was not.
    """

    lead: str
    drug: str
    rest: str
    strength: str
    formed: bool
    known: bool


def split(body: str) -> Parts:
    """Cuts *body* at the end of the medicine's description. Every character falls in one part."""
    name, known = _name(body)
    if name is None:
        return Parts("", "", body, "", False, False)
    start, end = name
    whole = product_at(body, start)
    if whole is not None:
        named = _STRENGTH.search(body, start, whole)
        place, strength, formed = whole, named.group() if named else "", True
        bracket = _BRACKET.match(body, place)
        if bracket and _names_product(bracket.group(1)):
            place = bracket.end()
    else:
        place, strength, formed = _grow(body, end)
    if strength and _MOVES.match(body, place):
        place = body.rindex(strength, start, place)
    return Parts(
        body[:start], body[start:place].strip(" ,;:-–|"), body[place:], strength, formed, known
    )


def _name(body: str) -> tuple[tuple[int, int] | None, bool]:
    lead = LEAD.match(body)
    for at in ([lead.end()] if lead else []) + [0]:
        found = name_at(body, at)
        if found:
            return (found.start, found.end), True
    begin = lead.end() if lead else 0
    unknown = _unknown_name(body, begin)
    if unknown:
        strength = _STRENGTH.search(body, begin)
        inside = first_name(body[: strength.start()] if strength else body[: begin + 40], begin)
        if inside and inside.start > begin:
            return (inside.start, inside.end), True
        return unknown, False
    found = first_name(body, begin)
    return ((found.start, found.end), True) if found else (None, False)


def _unknown_name(body: str, begin: int) -> tuple[int, int] | None:
    """Words that stand where a medicine's name stands, before a strength or a form."""
    first = WORD.search(body, begin)
    if first is None or not first.group()[0].isalpha() or _DOSE_WORD.match(body, first.start()):
        return None
    end = first.end()
    for word in WORD.finditer(body, first.end()):
        between = body[end : word.start()]
        if re.search(r"[|;:,(.]|\s[-–—]\s|\s{2,}", between):
            break
        if _DOSE_WORD.match(body, word.start()) or _FORM.match(body, word.start()):
            break
        if word.group()[0].isdigit():
            break
        end = word.end()
    return first.start(), end


def _grow(body: str, end: int) -> tuple[int, str, bool]:
    """From the end of a name over strength, form, salt, device and brackets."""
    place, strength, formed = end, "", False
    while place < len(body):
        gap = re.compile(r"[\s]*").match(body, place)
        assert gap is not None
        at = gap.end()
        if at - place > 1 and "  " in body[place:at]:
            at = place
        found = _STRENGTH.match(body, at) if at > place or place == end else None
        if (
            found
            and not strength
            and (
                _CONCENTRATION.search(found.group())
                or not formed
                or _FORM.match(body, _skip(body, found.end()))
            )
        ):
            strength, place = found.group(), found.end()
            continue
        numbered = None if strength or formed else _NUMBERED.match(body, place)
        if numbered:
            place = numbered.end()
            continue
        form = _FORM.match(body, at)
        if form and at > place - 1:
            formed = formed or bool(_FORM_PROPER.search(form.group()))
            place = form.end()
            continue
        bracket = _BRACKET.match(body, place)
        if bracket:
            inner = bracket.group(1).strip()
            if _names_product(inner):
                place = bracket.end()
                continue
            break
        more = _joined(body, place, strength, formed)
        if more is not None:
            place = more
            continue
        break
    return place, strength, formed


_MAKER = re.compile(
    r"\b(?:ltd|plc|pharma\w*|limited|healthcare|laborator\w*|generics|uk|brand|inc|gmbh)\b",
    re.IGNORECASE,
)


def _names_product(inner: str) -> bool:
    """Whether words in brackets belong to a medicine's description: a maker, a brand, a form."""
    inner = inner.strip()
    if not inner or _NOT_IN_DRUG.search(inner):
        return False
    return bool(
        _MAKER.search(inner) or _FORM.match(inner) or _STRENGTH.match(inner) or name_at(inner)
    )


def _skip(body: str, place: int) -> int:
    while place < len(body) and body[place] == " ":
        place += 1
    return place


def _joined(body: str, place: int, strength: str, formed: bool) -> int | None:
    """Over a dash, comma or slash, or over unknown words, where strength or form still follows."""
    separator = _SEPARATOR.match(body, place)
    if separator and not formed:
        at = separator.end()
        found = None if strength else _STRENGTH.match(body, at)
        if found and _FORM.match(body, _skip(body, found.end())):
            return separator.end()
        place, proper = at, False
        while (form := _FORM.match(body, _skip(body, place))) is not None:
            proper = proper or bool(_FORM_PROPER.search(form.group()))
            place = form.end()
        return separator.end() if proper else None
    if separator:
        return None
    slash = re.compile(r"\s*[/+]\s*").match(body, place)
    if slash:
        other = name_at(body, slash.end(), ask=False)
        return other.end if other else None
    if strength and formed:
        return None
    words = re.compile(r"(?:\s+(?:and\s+)?[A-Za-z][\w\-'’®™]*){1,3}?(?=\s+\d|\s+[A-Za-z])").match(
        body, place
    )
    if words:
        pieces = words.group().split()
        if any(_DOSE_WORD.fullmatch(p) for p in pieces if p.lower() != "and"):
            return None
        at = _skip(body, words.end())
        if (not strength and _STRENGTH.match(body, at)) or (
            not formed and _FORM.match(body, at) and _FORM_PROPER.search(body[at : at + 14])
        ):
            return words.end()
    return None


def separators() -> re.Pattern[str]:
    """What sets the remarks of a line apart from each other."""
    return _SEPARATOR
