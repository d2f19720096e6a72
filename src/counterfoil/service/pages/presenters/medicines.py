"""What a drug name or a code means: products with their family, sets, and the rules that use them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from counterfoil.rules import Rule
from counterfoil.service.pages import clinical
from counterfoil.terminology import formulary
from counterfoil.terminology.codesets import CodeSet, DrugSet
from counterfoil.terminology.codesets import all_sets as shipped_sets
from counterfoil.terminology.ids import is_snomed_id
from counterfoil.terminology.model import Match, Product

LIMIT = 40
OWN_RANGE = "9999999"
"""The namespace of our own ids: it is in no SNOMED CT release."""
LEVELS = {"VMP": "generic product", "AMP": "brand"}
FLAGS = {
    "dmard": "DMARD",
    "high_risk": "high risk",
    "critical": "lapse is same day",
    "weekly": "once a week",
}
FROM_KNOWLEDGE = (
    "Class, schedule, brand and flags are of the project's own formulary, written from knowledge "
    "(recalled, not confirmed) and for your pharmacist to review."
)


@dataclass(frozen=True)
class ProductLine:
    """One product in a list."""

    id: str
    name: str
    level: str
    strength: str
    form: str
    flags: tuple[str, ...]
    current: bool = False


@dataclass(frozen=True)
class SetLine:
    """One set in a list, and whether the thing asked about belongs to it."""

    name: str
    title: str
    kind: str
    size: str
    status: str
    belongs: str = ""


@dataclass(frozen=True)
class CodeLine:
    """One code with our own short wording of it, and the code sets that hold it."""

    code: str
    term: str
    sets: tuple[SetLine, ...]


@dataclass(frozen=True)
class RuleLine:
    """One rule that uses a set."""

    name: str
    title: str
    by: str


@dataclass(frozen=True)
class Found:
    """What a search found. ``note`` says how the words were read, or why nothing was found."""

    note: str
    products: tuple[ProductLine, ...]
    codes: tuple[CodeLine, ...]
    sets: tuple[SetLine, ...]
    more: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing was found."""
        return not (self.products or self.codes or self.sets)


@dataclass(frozen=True)
class Family:
    """A generic product and its brands."""

    generic: ProductLine
    brands: tuple[ProductLine, ...]


@dataclass(frozen=True)
class ProductPage:
    """One product."""

    id: str
    name: str
    level: str
    drug: str
    facts: tuple[tuple[str, str], ...]
    flags: tuple[str, ...]
    family: tuple[Family, ...]
    sets: tuple[SetLine, ...]
    rules: tuple[RuleLine, ...]
    from_knowledge: str


@dataclass(frozen=True)
class SetPage:
    """One set: what is in it, its source and version, and who uses it."""

    name: str
    title: str
    kind: str
    version: str
    status: str
    source: str
    reference: str
    note: str
    says: tuple[tuple[str, str], ...]
    codes: tuple[tuple[str, str], ...]
    products: tuple[ProductLine, ...]
    rules: tuple[RuleLine, ...]


def source_line() -> str:
    """Whose products these are: the project's own, or a dm+d release beside them."""
    known = formulary()
    own = f"the project's own formulary of {len(known.products):,} products"
    if known.catalogue is None:
        return f"Products of {own}. No dm+d release is loaded."
    return f"Products of the dm+d release in use ({len(known.catalogue):,}), and {own}."


def suggestions(query: str) -> list[str]:
    """Up to ten product names whose words begin so."""
    return [p.name for p in formulary().search(query, 10)] if len(query) > 1 else []


def look_up(query: str) -> Found:
    """Products, codes and sets for a name, an id or a code."""
    digits = query.replace(" ", "")
    return _by_id(digits) if digits.isdecimal() and len(digits) > 5 else _by_words(query)


def _by_id(code: str) -> Found:
    product = formulary().by_id(code)
    codes = tuple(_code_lines([code]))
    products = (_line(product),) if product else ()
    if products or codes:
        note = ""
    elif is_snomed_id(code):
        note = "This is a well-formed SNOMED CT id, but no product and no code set here holds it."
    else:
        note = (
            "This is no SNOMED CT or dm+d id: its check digit does not fit. A digit may be wrong."
        )
    return Found(note, products, codes, ())


def _by_words(query: str) -> Found:
    known = formulary()
    match = known.match(query)
    found = known.search(query, LIMIT + 1)
    if match.product is not None and all(p.id != match.product.id for p in found):
        found = [match.product, *found]
    if not found:
        found = list(match.possible[: LIMIT + 1])
    words = query.lower().split()
    codes = _code_lines(
        code
        for one in _sets().values()
        if isinstance(one, CodeSet)
        for code, term in one.terms.items()
        if all(w in term.lower() for w in words)
    )
    sets = [
        _set_line(one)
        for one in _sets().values()
        if all(w in f"{one.title} {one.name.replace('_', ' ')}".lower() for w in words)
    ]
    return Found(
        _read_as(match),
        tuple(_line(p) for p in found[:LIMIT]),
        tuple(codes[:LIMIT]),
        tuple(sets),
        more=len(found) > LIMIT or len(codes) > LIMIT,
    )


def _code_lines(codes: Iterable[str]) -> list[CodeLine]:
    """A line for each code that a set holds, by its wording."""
    lines = []
    for code in dict.fromkeys(codes):
        holders = [s for s in _sets().values() if isinstance(s, CodeSet) and s.holds(code)]
        if holders:
            term = next((s.terms[code] for s in holders if s.terms.get(code)), "")
            lines.append(CodeLine(code, term, tuple(_set_line(s) for s in holders)))
    return sorted(lines, key=lambda line: (line.term.lower(), line.code))


def _read_as(match: Match) -> str:
    if match.level == "none":
        return ""
    what = match.name or " and ".join(match.ingredients)
    kind = {"AMP": "a brand", "VMP": "a generic product", "VTM": "a drug"}.get(match.level, "drugs")
    reasons = f" ({'; '.join(match.reasons)})" if match.reasons else ""
    return f"As the name of a medicine this is read as {what}: {kind}{reasons}."


def _sets() -> dict[str, CodeSet | DrugSet]:
    return shipped_sets()


def _line(product: Product, current: str = "") -> ProductLine:
    return ProductLine(
        product.id,
        product.name,
        LEVELS[product.level],
        _strengths(product),
        product.form,
        tuple(FLAGS.get(f, f.replace("_", " ")) for f in sorted(product.flags)),
        product.id == current,
    )


def _strengths(product: Product) -> str:
    return " + ".join(str(s) for s in product.strengths if s is not None)


def _set_line(one: CodeSet | DrugSet, belongs: str = "") -> SetLine:
    if isinstance(one, CodeSet):
        count = len(one.codes)
        kind, size = "code set", f"{count:,} code{'' if count == 1 else 's'}"
    else:
        kind, size = "drug set", ""
    return SetLine(one.name, one.title, kind, size, one.status, belongs)


def all_sets() -> tuple[SetLine, ...]:
    """Every set, drug sets first."""
    found = sorted(_sets().values(), key=lambda one: (isinstance(one, CodeSet), one.title.lower()))
    return tuple(_set_line(one) for one in found)


def _rules_of(names: Sequence[str]) -> tuple[RuleLine, ...]:
    """The rules that read one of these sets, each with the titles of the sets it reads."""
    wanted = set(names)
    sets = _sets()
    lines = []
    for rule in sorted(_rules(), key=lambda r: r.title.lower()):
        used = sorted((rule.drug_sets | rule.code_sets) & wanted)
        if used:
            by = ", ".join(sets[name].title for name in used if name in sets)
            lines.append(RuleLine(rule.id, rule.title, by))
    return tuple(lines)


def _rules() -> list[Rule]:
    return list(clinical.rules().values())


def product_page(ref: str) -> ProductPage | None:
    """One product by its id, own or dm+d; ``None`` where there is none."""
    product = formulary().by_id(ref)
    if product is None:
        return None
    sets = []
    for one in _sets().values():
        if isinstance(one, DrugSet):
            truth = one.truth(product)
            if truth is not False:
                sets.append(_set_line(one, "belongs" if truth else "cannot tell"))
    return ProductPage(
        id=product.id,
        name=product.name,
        level=LEVELS[product.level],
        drug=" and ".join(product.ingredients),
        facts=tuple(_facts(product)),
        flags=tuple(FLAGS.get(f, f.replace("_", " ")) for f in sorted(product.flags)),
        family=_family(product),
        sets=tuple(sets),
        rules=_rules_of([s.name for s in sets]),
        from_knowledge=FROM_KNOWLEDGE,
    )


def _facts(product: Product) -> list[tuple[str, str]]:
    own = OWN_RANGE in product.id
    names = product.ingredients
    each = [
        f"{name} {size}" if size is not None else name
        for name, size in zip(names, product.strengths, strict=False)
    ] or list(names)
    rows = [
        ("Drug", " and ".join(names)),
        ("Strength", " + ".join(each) if len(names) > 1 else _strengths(product)),
        ("Form", product.form),
        ("Route", product.route),
        ("Release", product.release),
        ("Device", product.device),
        ("Also", ", ".join(sorted(product.qualifiers))),
        ("One dose unit", product.unit_dose),
        ("Brand", product.brand or ""),
        ("Supplier", product.supplier),
        ("Class", product.drug_class),
        ("Controlled drug", f"schedule {product.cd_schedule}" if product.cd_schedule else ""),
        ("Change of brand", "a change for the patient" if product.brand_matters else ""),
        ("Own id" if own else "dm+d id", product.id),
        ("dm+d id", (product.dmd_id or "not linked: no release is loaded") if own else ""),
    ]
    return [(name, value) for name, value in rows if value]


def _family(product: Product) -> tuple[Family, ...]:
    """The generic products of the same drugs, by form and strength, each with its brands."""
    known = formulary()
    drugs = frozenset(product.ingredients)
    generics = {
        p.id: p for p in known.products if p.level == "VMP" and frozenset(p.ingredients) == drugs
    }
    if known.catalogue is not None:
        linked = {p.dmd_id for p in generics.values()}
        generics |= {p.id: p for p in known.catalogue.generics(drugs) if p.id not in linked}
    brands: dict[str, list[Product]] = {}
    for one in known.products:
        if one.level == "AMP" and one.vmp_id in generics:
            brands.setdefault(one.vmp_id, []).append(one)
    if product.level == "AMP" and all(p.id != product.id for p in brands.get(product.vmp_id, ())):
        brands.setdefault(product.vmp_id, []).append(product)
    ordered = sorted(generics.values(), key=_order)
    return tuple(
        Family(
            _line(one, product.id),
            tuple(
                _line(b, product.id)
                for b in sorted(brands.get(one.id, ()), key=lambda b: b.name.lower())
            ),
        )
        for one in ordered
    )


def _order(product: Product) -> tuple[str, str, float, str]:
    size = product.strengths[0] if product.strengths else None
    amount = float(size.key[0]) if size is not None else 0.0
    return product.route, product.form, amount, product.name


def set_page(name: str) -> SetPage | None:
    """One set by its name; ``None`` where there is none."""
    one = _sets().get(name)
    if one is None:
        return None
    says: list[tuple[str, str]] = []
    codes: tuple[tuple[str, str], ...] = ()
    products: tuple[ProductLine, ...] = ()
    if isinstance(one, CodeSet):
        codes = tuple(sorted(((c, one.terms.get(c, "")) for c in one.codes), key=_by_term))
    else:
        parts = (
            ("Drugs", one.ingredients), ("Classes", one.classes), ("Routes", one.routes),
            ("Forms", one.forms), ("Without the drugs", one.exclude_ingredients),
            ("Without the classes", one.exclude_classes),
        )  # fmt: skip
        says = [(word, ", ".join(sorted(held))) for word, held in parts if held]
        products = tuple(_line(p) for p in one.products(formulary()) if p.level == "VMP")
    return SetPage(
        name=one.name,
        title=one.title,
        kind="code set" if isinstance(one, CodeSet) else "drug set",
        version=one.version,
        status=one.status,
        source=", ".join(w for w in (one.source.title, one.source.version) if w),
        reference=one.source.reference,
        note=one.source.note,
        says=tuple(says),
        codes=codes,
        products=products,
        rules=_rules_of([one.name]),
    )


def _by_term(row: tuple[str, str]) -> tuple[bool, str, str]:
    return not row[1], row[1].lower(), row[0]
