"""What the words of one medicine name say, before any product is looked for.

:func:`read` takes a text apart into drugs, salts, amounts, form, route, release, device, brand and
pack, and keeps every word that it could not place. Nothing is decided here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from counterfoil.terminology.model import Strength
from counterfoil.terminology.names import Entry, Lexicon, closed_words, tokens
from counterfoil.terminology.strengths import UNITS, in_units, number

_STUCK = re.compile(r"(\d\s*(?:mcg|mg|ml|g|u))((?:m/r|s/f|p/f|e/c|sf|ud)\b)")
_CODES = re.compile(r"(?<![a-z0-9])([mespgtfcuabi])/(r|c|f|derm|d|a|m|v|o)\b")
_BY_WEIGHT = re.compile(r"(?<![a-z0-9])[wv]/[wv](?![a-z])")
_LETTER_DIGIT = re.compile(r"\bd-3\b")
_DENOMINATORS = {"ml", "litre", "dose", "hour", "drop", "application"}
_BARE_DENOMINATORS = _DENOMINATORS | {"g", "mg"}
_DIGITS = "0123456789."
_DOSES = {"d", "dose", "doses"}
_SEPARATORS = {"/", "+", "&", "and", "with"}
_COMPANY = {
    "ltd",
    "limited",
    "plc",
    "uk",
    "pharma",
    "pharmaceuticals",
    "laboratories",
    "healthcare",
}


@dataclass(slots=True)
class Amount:
    """A number of the text: ``unit`` is None where the text gives none.

    ``bare`` marks a denominator without a number (``/ml``, which is not ``/1ml`` of a syringe).
    """

    value: Fraction
    unit: str | None
    below: Fraction | None = None
    below_unit: str | None = None
    at: int = 0
    bare: bool = False

    def strength(self) -> Strength | None:
        """The strength this states, where it has a unit."""
        if self.unit is None:
            return None
        return Strength(self.value, self.unit, self.below, self.below_unit)


@dataclass(slots=True)
class Drug:
    """One drug word of the text: its ingredients (several for co-codamol) and its salts."""

    ingredients: tuple[str, ...]
    at: int
    salts: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Reading:
    """What was found in one text; ``unread`` are the words that nothing explains.

    ``every_brand`` says that a release is read against, so that a brand's products are all known.
    """

    text: str
    drugs: list[Drug] = field(default_factory=list)
    brands: list[str] = field(default_factory=list)
    amounts: list[Amount] = field(default_factory=list)
    equivalents: list[Amount] = field(default_factory=list)
    packs: list[Amount] = field(default_factory=list)
    forms: list[frozenset[str]] = field(default_factory=list)
    releases: set[str] = field(default_factory=set)
    routes: set[str] = field(default_factory=set)
    devices: set[str] = field(default_factory=set)
    device_name: str | None = None
    qualifiers: set[str] = field(default_factory=set)
    flavours: set[str] = field(default_factory=set)
    loose_salts: list[tuple[int, int, str]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    release_words: set[str] = field(default_factory=set)
    separated: bool = False
    late: bool = False
    form_at: int | None = None
    group: Entry | None = None
    several: bool = False
    listed: bool = False
    every_brand: bool = False
    name_ends: int = 0
    words: dict[str, str] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)

    @property
    def ingredients(self) -> tuple[str, ...]:
        """Every ingredient once, in the order of the text."""
        return tuple(dict.fromkeys(i for drug in self.drugs for i in drug.ingredients))

    def note(self, kind: str, words: str) -> None:
        """Remember which words a thing was read from."""
        self.words[kind] = f"{self.words[kind]} {words}" if kind in self.words else words


Spell = Callable[[str], tuple[str, str] | None]
"""The word that an unknown word must be, with the reason to show; None where that is not sure."""


def no_spelling(_: str) -> None:
    """Corrects nothing."""


def read(text: str, lexicon: Lexicon, spell: Spell) -> Reading:
    """Take *text* apart; see :class:`Reading`."""
    reading = Reading(text, listed="_" in text.strip("_ "))
    items = [_spelt(token, lexicon, spell, reading) for token in _tokens(text, lexicon.vocabulary)]
    outside, groups = _groups(items)
    if reading.listed:
        name = _tokens(text.strip("_ ").partition("_")[0], lexicon.vocabulary)
        reading.name_ends = len(_groups(name)[0])
    _Reader(outside, lexicon, reading, inside=False).run()
    for index, group in enumerate(groups):
        _group(group, lexicon, reading, last=index == len(groups) - 1)
    _settle(reading)
    return reading


def _spelt(token: str, lexicon: Lexicon, spell: Spell, reading: Reading) -> str:
    if token in lexicon.vocabulary or not token[0].isalpha():
        return token
    corrected = spell(token)
    if corrected is None:
        return token
    word, reason = corrected
    reading.reasons.append(reason)
    return word


_RUN_ON = frozenset({"form", "salt", "release", "qualifier", "route"})
_AMOUNT = re.compile(r"(?<=[a-z]{3})(?=\d+(?:\.\d+)?(?:mg|mcg|%))")
_GLUED = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z]{3})(?=\d)")


@lru_cache(maxsize=1)
def _run_on() -> frozenset[str]:
    words = closed_words().single_words
    return frozenset(w for w, e in words.items() if e.kind in _RUN_ON and len(w) > 2)


def unglued(text: str, vocabulary: set[str]) -> str:
    """Words run together for want of space: ``TransdermalPatch100mcg/hr``, ``NaloxoneHCl``.

    Parted only where one side is a word of the closed lists, so that a brand stays whole.
    """
    known = _run_on()
    parted = []
    for word in _AMOUNT.sub(" ", text).split(" "):
        pieces = [word] if word.lower() in vocabulary else _GLUED.split(word)
        tails = ("".join(c for c in p if c.isalpha()).lower() for p in pieces)
        whole = len(pieces) == 1 or not any(t in known for t in tails)
        parted.append(word if whole else " ".join(pieces))
    return " ".join(parted)


def _tokens(text: str, vocabulary: set[str]) -> list[str]:
    text = unglued(in_units(text), vocabulary)
    plain = _STUCK.sub(r"\1 \2", _BY_WEIGHT.sub("", text.lower().replace("_", " ")))
    found = tokens(_LETTER_DIGIT.sub("d3", _CODES.sub(r"\1 \2", plain)))
    kept = []
    for i, token in enumerate(found):
        if token == "-":
            between = 0 < i < len(found) - 1
            amount = between and (found[i - 1][0].isdigit() or found[i - 1] in UNITS)
            if not (amount and found[i + 1][0].isdigit()):
                continue
        kept.append(token)
    return kept


def _groups(items: list[str]) -> tuple[list[str], list[list[str]]]:
    """The tokens outside brackets, and those of each outermost bracket."""
    outside: list[str] = []
    groups: list[list[str]] = []
    depth = 0
    for token in items:
        if token == "(":
            if depth == 0:
                groups.append([])
            depth += 1
        elif token == ")":
            depth = max(0, depth - 1)
        elif depth:
            groups[-1].append(token)
        else:
            outside.append(token)
    return outside, groups


def _group(group: list[str], lexicon: Lexicon, reading: Reading, last: bool) -> None:
    """A bracket holds what the name's words could say, an equivalent amount, or a supplier."""
    inner = Reading(reading.text)
    _Reader(group, lexicon, inner, inside=True).run()
    at_end = reading.text.rstrip('" ')[-1:] == ")" if reading.listed else True
    if (inner.unread or inner.others) and ((last and at_end) or _COMPANY.intersection(group)):
        reading.note("supplier", " ".join(group))
        return
    amounts = inner.amounts
    if reading.amounts:
        reading.equivalents += amounts
        inner.drugs = [d for d in inner.drugs if not amounts]
    else:
        reading.amounts += amounts
    at = 10_000
    for drug in inner.drugs:
        if not set(drug.ingredients) <= set(reading.ingredients):
            reading.drugs.append(Drug(drug.ingredients, at, drug.salts))
    if reading.drugs and not amounts:
        for _, _, salt in inner.loose_salts:
            reading.drugs[0].salts.add(salt)
    reading.brands += [b for b in inner.brands if b not in reading.brands]
    reading.packs += inner.packs
    reading.forms += inner.forms
    reading.releases |= inner.releases
    reading.release_words |= inner.release_words
    reading.routes |= inner.routes
    reading.devices |= inner.devices
    reading.device_name = reading.device_name or inner.device_name
    reading.qualifiers |= inner.qualifiers
    reading.flavours |= inner.flavours
    reading.others += inner.others
    reading.unread += inner.unread
    reading.reasons += inner.reasons
    for kind, words in inner.words.items():
        reading.note(kind, words)


class _Reader:
    """One pass over tokens, left to right, longest phrase first."""

    def __init__(self, items: list[str], lexicon: Lexicon, reading: Reading, inside: bool) -> None:
        self.items = items
        self.lexicon = lexicon
        self.reading = reading
        self.inside = inside

    def run(self) -> None:
        i = 0
        while i < len(self.items):
            i = self._step(i)

    def _step(self, i: int) -> int:
        token = self.items[i]
        if token[0] in _DIGITS:
            found = self.lexicon.at(self.items, i)
            if found is not None:
                return self._take(found[0], i, found[1])
            return self._amounts(i)
        if token in _SEPARATORS:
            self.reading.separated = True
            found = self.lexicon.at(self.items, i)
            return self._take(found[0], i, found[1]) if found else i + 1
        if token == "x" and i + 1 < len(self.items) and self.items[i + 1].isdigit():
            self.reading.note("quantity", f"x {self.items[i + 1]}")
            return i + 2
        if token == "%":
            return i + 1
        found = self.lexicon.at(self.items, i)
        ends = self.reading.name_ends
        if found is not None and found[0].kind == "brand" and i < ends < found[1]:
            found = self.lexicon.at(self.items[:ends], i)  # Mag_Tab is not the brand Mag-Tab
        if found is not None:
            return self._take(found[0], i, found[1])
        self.reading.unread.append(token)
        return i + 1

    def _take(self, entry: Entry, start: int, end: int) -> int:
        reading, words = self.reading, " ".join(self.items[start:end])
        kind, value = entry.kind, entry.value
        if kind == "ingredient":
            salts = {entry.note} if entry.note else set()
            drug = Drug(tuple(value.split(" + ")), start, salts)
            if reading.form_at is not None and reading.drugs and not self.inside:
                reading.several |= not set(drug.ingredients) <= set(reading.ingredients)
            reading.drugs.append(drug)
        elif kind == "brand":
            reading.late |= bool(reading.unread) and not self.inside
            if value not in reading.brands:
                reading.brands.append(value)
        elif kind == "form":
            reading.forms.append(frozenset(value.split("|")))
            if "pessary" in value:
                reading.routes.add("vaginal")
            if entry.note:
                reading.routes.add(entry.note)
            if reading.form_at is None and not self.inside:
                reading.form_at = start
        elif kind == "salt":
            reading.loose_salts.append((start, end, value))
        elif kind == "group":
            reading.group = entry
        elif kind == "other":
            reading.others.append(value)
        elif kind in _SETS:
            _SETS[kind](reading).add(value)
            if kind == "release":
                reading.release_words.add(words)
        elif kind not in ("filler", "supplier"):
            kind = self._device(kind, value)
        reading.note(kind, words)
        return end

    def _device(self, kind: str, name: str) -> str:
        """A named device says what kind of device or inhaler the product is."""
        reading = self.reading
        reading.device_name = name
        if kind == "pen":
            reading.devices.add("pre-filled pen")
        elif kind == "cartridge":
            reading.devices.add("cartridge")
        else:
            reading.forms.append(frozenset((kind,)))
        return "device"

    def _amounts(self, start: int) -> int:
        """A run of numbers and units from *start*: ``125mg/31mg/5ml``, ``0.4/0.5mg``, ``30/500``."""
        items = self.items
        run: list[Amount] = []
        pending: list[Amount] = []
        i = start
        below = False
        while i < len(items) and items[i][0] in _DIGITS:
            first, i = items[i], i + 1
            if i + 1 < len(items) and items[i] == "-" and items[i + 1][0] in _DIGITS:
                first, i = items[i + 1], i + 2
            aside = None if below else self._aside(first, i)
            if aside is not None:
                i = aside
                continue
            word = items[i] if i < len(items) else ""
            unit = UNITS.get(word)
            i += unit is not None
            if items[i : i + 1] == ["-"] and items[i + 1][0] in _DIGITS:  # 3.1g-3.7g/5ml
                first, i = items[i + 1], i + 2
                i += UNITS.get(items[i] if i < len(items) else "") == unit
            value = number(first)
            if below and unit in _DENOMINATORS and not value:
                self.reading.unread.append(f"{first}{word}")
            elif (
                below
                and pending
                and (unit in _DENOMINATORS or (_a_gram(value, unit, pending) and self._weighed(i)))
            ):
                for amount in pending:
                    amount.below, amount.below_unit = value, unit
                pending = []
            else:
                for earlier in pending:  # 0.4/0.5mg: the unit of the last is that of all
                    earlier.unit = earlier.unit or unit
                pending.append(Amount(value, unit, at=start))
                run.append(pending[-1])
            i, below, pending = self._after(i, pending)
            if not below:
                break
        self.reading.amounts += run
        if run:
            self.reading.note("strength", " ".join(items[start:i]).replace(" / ", "/"))
        return max(i, start + 1)

    def _weighed(self, i: int) -> bool:
        """Whether what is named is measured by weight: not a tablet, nor so much in a volume."""
        more = self.items[i : i + 1] == ["/"]
        return not more and not any(forms <= _COUNTED for forms in self.reading.forms)

    def _aside(self, first: str, i: int) -> int | None:
        """Past a number that is no strength: a ratio (1 in 1,000), doses in a pack, days."""
        items = self.items
        word = items[i] if i < len(items) else ""
        if word == "in" and i + 1 < len(items) and items[i + 1][0] in _DIGITS:  # 1 in 1,000
            self.reading.note("ratio", f"{first} in {items[i + 1]}")
            return i + 2
        if word in _DOSES:
            self.reading.note("doses", f"{first} {word}")
            return i + 2 if items[i + 1 : i + 2] == ["/"] else i + 1
        if word in ("vol", "vols") and items[i + 1 : i + 2] == ["/"]:  # 10vols/3%
            self.reading.note("ratio", f"{first} {word}")
            return i + 2
        if word in ("day", "days"):
            self.reading.note("days", f"{first} {word}")
            return i + 1
        return None

    def _after(self, i: int, pending: list[Amount]) -> tuple[int, bool, list[Amount]]:
        """Past ``/ml`` and ``/``: where to read on, and whether another number follows."""
        items = self.items
        if items[i : i + 1] == ["in"] and UNITS.get("".join(items[i + 2 : i + 3])) == "ml":
            return i + 1, True, pending  # 2g in 59ml
        if i >= len(items) or items[i] not in ("/", "per"):
            return i, False, pending
        if i + 1 >= len(items):
            return i, False, pending
        following = items[i + 1]
        if following[0] in _DIGITS:
            return i + 1, True, pending
        unit = UNITS.get(following)
        if unit in _BARE_DENOMINATORS:
            for amount in pending:
                amount.below, amount.below_unit, amount.bare = Fraction(1), unit, True
            i += 2
            if i + 1 < len(items) and items[i] == "/" and items[i + 1][0] in _DIGITS:
                return i + 1, True, []
            return i, False, []
        return i, False, pending


def _a_gram(value: Fraction, unit: str | None, pending: list[Amount]) -> bool:
    """Whether ``/1g`` stands below the amounts before it (50mcg/1g), not beside them."""
    return unit == "g" and value == 1 and all(a.unit in ("microgram", "mg") for a in pending)


_COUNTED = frozenset({"tablet", "capsule", "suppository", "pessary"})
_SETS: dict[str, Callable[[Reading], set[str]]] = {
    "release": lambda r: r.releases,
    "route": lambda r: r.routes,
    "device": lambda r: r.devices,
    "qualifier": lambda r: r.qualifiers,
    "flavour": lambda r: r.flavours,
}


def _settle(reading: Reading) -> None:
    """Give salts to their drugs, tell packs from strengths, drop numbers said twice."""
    _give_salts(reading)
    strengths = [a for a in reading.amounts if not _is_volume(a)]
    injected = bool(reading.forms) and all(forms <= _INJECTED for forms in reading.forms)
    if strengths or injected:
        reading.packs += [a for a in reading.amounts if _is_volume(a)]
        reading.amounts = strengths
    _drop_quantities(reading)
    _drop_states(reading)
    with_units = {a.value for a in reading.amounts if a.unit is not None}
    reading.amounts = [
        a for a in reading.amounts if a.unit is not None or a.value not in with_units
    ]


def _drop_states(reading: Reading) -> None:
    """Eye drops that are called a suspension or a solution as well are eye drops."""
    told = [forms for forms in reading.forms if not forms & _STATES]
    drops = any(form.endswith(" drops") for forms in told for form in forms)
    if drops and len(told) < len(reading.forms):
        reading.forms = told


_STATES = frozenset({"oral solution", "oral suspension"})
_INJECTED = frozenset({"injection", "powder for injection", "emulsion for injection"})


def _give_salts(reading: Reading) -> None:
    """A salt belongs to the drug it follows without an amount between, or stands right before."""
    following = {d.at: d for d in reading.drugs}
    for start, end, salt in reversed(reading.loose_salts):
        before = [d for d in reading.drugs if d.at < start]
        owner = before[-1] if before else following.get(end)
        if owner is not None and any(owner.at < a.at < start for a in reading.amounts):
            owner = None
        if owner is not None:
            owner.salts.add(salt)
            following[start] = owner
        elif not reading.brands:
            reading.unread.append(salt)
            reading.separated = True


def _drop_quantities(reading: Reading) -> None:
    """A bare number after the form, where a strength stands before it, is a quantity."""
    after = reading.form_at
    if after is None or reading.brands or not any(a.unit for a in reading.amounts):
        return
    bare = [a for a in reading.amounts if a.unit is None and a.at > after]
    if bare:
        reading.amounts = [a for a in reading.amounts if a not in bare]
        reading.note("quantity", " ".join(str(a.value) for a in bare))


def _is_volume(amount: Amount) -> bool:
    return amount.unit in ("ml", "litre") and amount.below is None


def volumes_of(reading: Reading) -> set[Fraction]:
    """The volumes of a container that a text gives, in millilitres."""
    return {a.value * _ML[a.unit] for a in reading.packs if a.unit in _ML}


_ML = {"ml": 1, "litre": 1000}
