"""The name of a medicine before its dose: "Atenolol 25mg tablets - 1 tablet - once a day"."""

from __future__ import annotations

import re
from functools import lru_cache

from counterfoil.dosage.amounts import Amounts
from counterfoil.dosage.lexicon import END, LEXICON, longest
from counterfoil.dosage.product import View

_STEMS = (
    "olol",
    "pril",
    "sartan",
    "statin",
    "prazole",
    "dipine",
    "cillin",
    "mycin",
    "oxacin",
    "conazole",
    "tidine",
    "triptan",
    "gliptin",
    "gliflozin",
    "glutide",
    "xaban",
    "parin",
    "lukast",
    "setron",
    "azepam",
    "profen",
    "oxetine",
    "triptyline",
    "thiazide",
    "semide",
    "steride",
    "afil",
    "terol",
    "solone",
    "sone",
    "phylline",
    "formin",
    "azosin",
    "lamide",
    "mabin",
    "barbital",
    "toin",
    "azide",
    "cycline",
    "cyclovir",
    "ciclovir",
    "sterone",
)
"""Endings of many international non-proprietary names; the word is only passed over as a name."""
_FORMS_BEYOND_UNITS = (
    "inhaler", "solution", "suspension", "syrup", "cream", "ointment", "gel", "lotion", "drops",
    "evohaler", "accuhaler", "turbohaler", "liquid", "elixir", "linctus", "respimat", "easyhaler", "spray",
)  # fmt: skip
_IN_FORMS = frozenset(
    ("oral", "eye", "nasal", "ear", "spray", "for", "injection", "dry", "powder", "cfc", "free")
)
MAX_NAME = 4
_SHORT = frozenset({"gtn", "isdn", "ismn"})
"""Short names that the words of a dose never are."""


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    """Words of the names in the formulary that the lexicon does not use."""
    try:
        from counterfoil.terminology import formulary
    except ImportError:
        return frozenset()
    words: set[str] = set()
    for product in formulary().products:
        start = re.split(r"[0-9]", product.name, maxsplit=1)[0]
        for name in (*product.ingredients, product.brand or "", start):
            words.update(name.lower().replace("-", " ").split())
    return frozenset(w for w in words if len(w) > 3 and END not in LEXICON.main.get(w, {}))


_SALTS = frozenset(
    (
        "acid", "sodium", "potassium", "calcium", "magnesium", "hydrochloride", "mesilate",
        "besilate", "maleate", "phosphate", "valerate", "dipropionate", "propionate", "fumarate",
        "tartrate", "succinate", "sulfate", "sulphate", "bromide", "citrate", "carbonate",
        "acetate", "nitrate", "and", "with", "co",
    )
)  # fmt: skip


def _is_name(word: str, view: View | None) -> bool:
    if word in _SHORT:
        return True
    if len(word) < 5:
        return view is not None and len(word) > 3 and word in _words_of(view.name)
    return (
        word.endswith(_STEMS)
        or word in _known()
        or (view is not None and word in _words_of(view.name))
    )


def _named(words: list[str], view: View) -> bool:
    """Whether one of *words* is of the product's name or of an ingredient of it: a brand is both."""
    return any(
        word in _words_of(name) and word not in _SALTS
        for name in (view.name, *view.ingredients)
        for word in words
    )


@lru_cache(maxsize=4096)
def _words_of(name: str) -> frozenset[str]:
    return frozenset(name.lower().replace("-", " ").split())


def name_end(cursor: Amounts, view: View | None) -> tuple[int, bool]:
    """Where a medicine's name at the start ends (0: there is none); whether it is the product's.

    A name is one to four words, each known as a medicine's (of the formulary, of the product
    given, or by its stem) or as a salt's. A strength with a form belongs to the name; a strength
    alone is the dose.
    """
    tokens = cursor.tokens
    at = 0
    known = False
    while at < min(cursor.n, MAX_NAME) and tokens[at].kind == "word":
        word = tokens[at].low
        if _is_name(word, view) and longest(LEXICON.main, tokens, at) is None:
            known = True
            if cursor.low(at + 1) == "/" and _is_name(cursor.low(at + 2), view):
                at += 1
        elif word == "vitamin" and _letter_and_number(cursor, at + 1):
            known, at = True, at + 2
        elif known and _letter_and_number(cursor, at):
            at += 1
        elif word not in _SALTS or (word in ("and", "with", "co") and at == 0 and word != "co"):
            break
        at += 1
    if not known:
        return 0, True
    words = [t.low for t in tokens[:at]]
    after = _strength_and_form(cursor, at)
    return after, view is None or _named(words, view)


def _letter_and_number(cursor: Amounts, at: int) -> bool:
    """ "D3", "B12", "M3": part of a name."""
    number = cursor.low(at + 1)
    short = len(cursor.low(at)) == 1 and number.isdigit() and len(number) < 3
    return short and cursor.glued(at + 1)


def _pair(word: str) -> bool:
    """ "30/500", "100/6": two strengths of one medicine, no part of a whole, no length of time."""
    top, slash, bottom = word.partition("/")
    if not (slash and top.isdigit() and bottom.isdigit()):
        return False
    return int(bottom) > 60 or (int(top) > int(bottom) and int(top) >= 50)


def _strength_and_form(cursor: Amounts, at: int) -> int:
    """Where a strength with a form, a compound strength, or a form alone ends."""
    end = at
    compound = False
    adjective = longest(LEXICON.adjective, cursor.tokens, at)
    if adjective and cursor.plain_value(adjective[0]) is not None:
        at = end = adjective[0]
    if end < cursor.n and _pair(cursor.low(end)):
        end, compound = end + 1, True
    value = None if compound else cursor.plain_value(end)
    if value is not None:
        unit = longest(LEXICON.unit, cursor.tokens, value[1])
        if unit is None and cursor.low(value[1]) != "%":
            return at
        end = unit[0] if unit else value[1] + 1
        if cursor.low(end) == "/":
            below = cursor.plain_value(end + 1)
            unit = longest(LEXICON.unit, cursor.tokens, below[1] if below else end + 1)
            if unit is None:
                return at
            end, compound = unit[0], True
    form = cursor.form_at(end)
    if form is not None:
        return form[0]
    stop = end
    while cursor.low(end) in _IN_FORMS:
        end += 1
    if cursor.low(end) in _FORMS_BEYOND_UNITS:
        end += 1
        while cursor.low(end) in ("cfc", "free"):
            end += 1
        return end
    return stop if compound else at
