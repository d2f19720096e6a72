"""The products of a loaded release, as far as checking a list needs them.

Built from the table ``product`` of the release in use and the history of ids. A release may hold no brands: the
product lists of packs do not, and then nothing is said about brands.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any

import pyarrow as pa

from counterfoil.terminology.releases.history import History

_STRENGTH = re.compile(
    r"(?<![\w-])\d[\d.,]*\s?(?:micrograms?|nanograms?|mg|g|kg|ml|litres?|%|(?:million |mega)?units?|"
    r"mmol|mol|iu|ppm|mcg|mbq|gbq|kbq|dose|cm|unit doses?)(?![\w-])"
    r"(?:\s?/\s?(?:[\d.,]+\s?)?(?:ml|mg|g|dose|hours?|litres?|actuation|cm2?|square cm|kg|mmol|"
    r"24hours|hour|tablet|vial)(?![\w-]))*",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"(?<![\w-])(\d[\d.,]*)\s?(micrograms?|nanograms?|mg|g|ml|%|units?|mmol)(?![\w-])",
    re.IGNORECASE,
)
_MASS = {
    "nanogram": (Fraction(1, 1000), "microgram"),
    "microgram": (Fraction(1), "microgram"),
    "mg": (Fraction(1000), "microgram"),
    "g": (Fraction(10**6), "microgram"),
}
_ATC = re.compile(r"[A-Z]\d\d[A-Z]")
_COLUMNS = ("id", "level", "name", "description", "vmp_id", "atc", "invalid")
_NOT_A_FORM = re.compile(
    r"\b(sugar free|preservative free|cfc free|gluten free|alcohol free|unit dose)\b", re.IGNORECASE
)
_SUPPLIER = re.compile(r"\s*\((?:[^()]|\([^()]*\))*\)\s*$")
_ROUTES = (
    ("oral", r"\boral\b"),
    ("eye", r"\b(eye|ophthalmic|intravitreal|intracameral)\b"),
    ("ear", r"\bear\b"),
    ("nasal", r"\b(nasal|nose)\b"),
    ("inhaled", r"\b(inhaler|inhalation|nebuliser|inhalator|accuhaler|turbohaler)\b"),
    ("rectal", r"\b(suppositor(y|ies)|enema|rectal)\b"),
    ("vaginal", r"\b(vaginal|pessar(y|ies)|intrauterine)\b"),
    ("transdermal", r"\b(patch|patches|transdermal)\b"),
    (
        "injected",
        r"\b(injection|infusion|vials?|ampoules?|pre-filled|implants?|cartridges?|syringes?)\b",
    ),
    ("topical", r"\b(cream|ointment|gel|lotion|shampoo|scalp|cutaneous|paste|foam|liniment)\b"),
    (
        "oral",
        r"\b(tablets?|capsules?|caplets?|sachets?|lozenges?|pastilles?|syrup|elixir|"
        r"mouthwash|oromucosal|sublingual|buccal|lyophilisates?|linctus|chewing gum)\b",
    ),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One product of a release; ``group`` is ATC to the chemical subgroup (five characters)."""

    id: str
    level: str
    name: str
    vmp_id: str
    group: str

    @property
    def family(self) -> tuple[str, str]:
        """Drug and form, as the name gives them."""
        return drug_and_form(self.name)

    @property
    def route(self) -> str:
        """The route that the form shows, or empty."""
        return route_of(self.family[1] or self.name)


@dataclass(frozen=True)
class Products:
    """A release's current products, what replaced former ids, and families of one drug and form.

    Names are taken apart only where they are asked about: a release holds far more than the lists.
    """

    items: Mapping[str, Item]
    history: History
    invalid: frozenset[str]
    by_name: Mapping[str, tuple[str, ...]] = field(repr=False)
    brands: Mapping[str, tuple[str, ...]] = field(repr=False)
    """AMP ids by the id of their VMP."""
    by_word: Mapping[str, tuple[str, ...]] = field(repr=False)
    """VMP ids by the first word of their name."""

    @classmethod
    def of(cls, product: pa.Table, history: History | None = None) -> Products:
        """From the table ``product`` of the release in use, and the history of former ids."""
        items: dict[str, Item] = {}
        invalid: set[str] = set()
        by_name: defaultdict[str, list[str]] = defaultdict(list)
        brands: defaultdict[str, list[str]] = defaultdict(list)
        by_word: defaultdict[str, list[str]] = defaultdict(list)
        for row in _rows(product, _COLUMNS):
            if row["level"] not in ("VTM", "VMP", "AMP"):
                continue
            if row["invalid"]:
                invalid.add(row["id"])
                continue
            name = str(row["description"] or row["name"])
            atc = row["atc"] or ""
            group = atc[:5] if _ATC.match(atc) else ""
            item = Item(row["id"], row["level"], name, row["vmp_id"] or "", group)
            items[item.id] = item
            if item.level == "VMP":
                by_name[plain(name)].append(item.id)
                by_word[_first_word(name)].append(item.id)
            elif item.level == "AMP" and item.vmp_id:
                brands[item.vmp_id].append(item.id)
        return cls(
            items=items,
            history=history or History(()),
            invalid=frozenset(invalid),
            by_name={k: tuple(v) for k, v in by_name.items()},
            brands={k: tuple(v) for k, v in brands.items()},
            by_word={k: tuple(v) for k, v in by_word.items()},
        )

    def family(self, item: Item) -> tuple[str, ...]:
        """The VMPs of the same drug and form, itself included; none where the name shows no form."""
        mine = item.family
        if not mine[1]:
            return ()
        alike = self.by_word.get(_first_word(item.name), ())
        return tuple(i for i in alike if self.items[i].family == mine)

    @property
    def has_brands(self) -> bool:
        """Whether the release holds AMPs, so that an unknown id can be called unknown."""
        return bool(self.brands)

    def successors(self, id_: str) -> tuple[str, ...]:
        """What took the place of a former id; empty where it is a product still, or not known."""
        if id_ in self.items:
            return ()
        trace = self.history.trace(id_)
        if trace.state == "ambiguous":
            return trace.successors
        return (trace.current,) if trace.state == "replaced" and trace.current else ()


def _rows(table: pa.Table, columns: Iterable[str]) -> list[dict[str, Any]]:
    there = [c for c in columns if c in table.column_names]
    rows: list[dict[str, Any]] = table.select(there).to_pylist()
    missing = dict.fromkeys(c for c in columns if c not in there)
    return [{**missing, **row} for row in rows]


def plain(name: str) -> str:
    """A name for comparing: lower case, single spaces."""
    return " ".join(name.lower().split())


def without_supplier(name: str) -> str:
    """The name without a final bracket: ``Aspirin 75mg tablets (Some Ltd)`` is aspirin 75mg tablets."""
    return _SUPPLIER.sub("", name)


def _first_word(name: str) -> str:
    return plain(name).split(" ", 1)[0]


@lru_cache(maxsize=1 << 16)
def drug_and_form(name: str) -> tuple[str, str]:
    """What a dm+d name says before and between its strengths, and what after them.

    ``Perindopril erbumine 4mg / Indapamide 1.25mg tablets`` gives ``perindopril erbumine /
    indapamide`` and ``tablets``. A name without a strength is all drug: its form is empty.
    """
    spans = [m.span() for m in _STRENGTH.finditer(name)]
    if not spans:
        return plain(name), ""
    starts, ends = [s for s, _ in spans], [e for _, e in spans]
    between = [name[e:s] for e, s in zip(ends[:-1], starts[1:], strict=True)]
    parts = [name[: starts[0]]]
    last = len(between)
    for i, words in enumerate(between):
        if words.strip().startswith("/"):
            parts.append(words)
        else:  # solution for injection 1ml ampoules: the second figure is a size, not a strength
            last = i
            break
    form = name[ends[last] :] if last < len(between) else name[ends[-1] :]
    return plain(" ".join(parts)), plain(_STRENGTH.sub(" ", _NOT_A_FORM.sub(" ", form)))


def amount_of(name: str) -> tuple[Fraction, str] | None:
    """The first strength of a name as a number of micrograms, ml or the like, to compare sizes."""
    found = _AMOUNT.search(name)
    if found is None:
        return None
    number = found[1].replace(",", "").rstrip(".")
    if number.count(".") > 1:
        return None
    unit = found[2].lower().rstrip("s")
    times, of = _MASS.get(unit, (Fraction(1), unit))
    return Fraction(number) * times, of


def route_of(form: str) -> str:
    """The route that a form's words show: oral, injected, eye, ...; empty where they do not."""
    for route, words in _ROUTES:
        if re.search(words, form, re.IGNORECASE):
            return route
    return ""
