"""Looking at code lists: what has gone stale, what is missing, what does not belong.

A finding is something that a pharmacist or an informatician can act on: which id to add or to look
at, and by which evidence. What cannot be judged with the release at hand (a brand's id, where the
release holds no brands) is counted, never called wrong. A former id whose successor is in the list
does no harm, since records keep it: it is counted and makes no finding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from counterfoil.terminology.codelists import CodeList, Listed
from counterfoil.terminology.products import (
    Item,
    Products,
    amount_of,
    plain,
    without_supplier,
)
from counterfoil.terminology.snomed import Snomed

Kind = Literal[
    "unreadable",
    "mixed_systems",
    "former_id",
    "other_id",
    "sibling_missing",
    "generic_missing",
    "brands_missing",
    "inactive",
    "does_not_fit",
    "unknown_id",
]
KINDS: dict[str, str] = {
    "unreadable": "the list could not be read",
    "mixed_systems": "the list holds ids of both coding systems",
    "former_id": "the product is in the list under a former id only",
    "other_id": "the product is in the list by name, but not under its current id",
    "sibling_missing": "another strength of a listed drug and form is not in the list",
    "generic_missing": "brands of the product are in the list, the generic product is not",
    "brands_missing": "the generic product is in the list, brands of it are not",
    "inactive": "the concept is no longer active, and what replaced it is not in the list",
    "does_not_fit": "the product's route or drug group differs from nearly all others",
    "unknown_id": "no loaded release knows the id",
}
_ORDER = {kind: i for i, kind in enumerate(KINDS)}

MOST_OF_FAMILY = 0.5
"""A strength is missing only where at least this share of its family is in the list."""
ODD_SHARE = 0.05
"""A product does not fit where at most this share of the list has any other route or group, ..."""
ODD_LEAST = 20
"""... among at least so many products whose route or group is known."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at in one list.

    ``id`` and ``name`` are the product or concept to add (``unknown_id``, ``does_not_fit``: to look
    at). ``listed`` are the entries that are the evidence. ``sure`` is False where a person must
    choose among several. ``items`` is how often the product was dispensed, where that is known.
    """

    list_name: str
    kind: Kind
    id: str
    name: str
    why: str
    listed: tuple[Listed, ...] = ()
    sure: bool = True
    items: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The row of ``terminology check``."""
        return {
            "list": self.list_name,
            "kind": self.kind,
            "id": self.id,
            "name": self.name,
            "why": self.why,
            "listed": [{"id": e.code, "row": e.row, "term": e.term} for e in self.listed],
            "sure": self.sure,
            "items": self.items,
        }


@dataclass(frozen=True)
class Summary:
    """What one list is and how far it could be checked."""

    name: str
    system: str
    column: str
    why: str
    version: str
    ids: int
    current: int = 0
    former: int = 0
    not_checked: int = 0
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The list's part of ``terminology check --format json``."""
        return {
            "list": self.name,
            "system": self.system,
            "column": self.column,
            "why": self.why,
            "version": self.version,
            "ids": self.ids,
            "current": self.current,
            "former": self.former,
            "not_checked": self.not_checked,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Report:
    """The findings of some lists, the gravest kinds and the most dispensed products first."""

    summaries: tuple[Summary, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Against:
    """What the lists are held against: products, SNOMED CT, and items dispensed by VMP id."""

    products: Products | None = None
    snomed: Snomed | None = None
    items: Mapping[str, int] = field(default_factory=dict)


def check(lists: Iterable[CodeList], against: Against) -> Report:
    """Every list against the release, in the order given."""
    summaries, findings = [], []
    for each in lists:
        one = _ProductCheck(each, against) if each.system == "dmd" else _ConceptCheck(each, against)
        summaries.append(one.run())
        findings += one.findings
    findings.sort(key=lambda f: (_ORDER[f.kind], -(f.items or 0), f.list_name, f.name, f.id))
    return Report(tuple(summaries), tuple(findings))


class _Check:
    def __init__(self, codelist: CodeList, against: Against) -> None:
        self.list = codelist
        self.against = against
        self.findings: list[Finding] = []
        self.counts: Counter[str] = Counter()
        self.notes = list(codelist.notes)

    def run(self) -> Summary:
        foreign = self.list.foreign
        if foreign:
            other = "dm+d's namespace" if self.list.system == "snomed" else "clinical namespaces"
            why = f"{len(foreign)} of {len(self.list.codes)} ids lie in {other}"
            self.add("mixed_systems", foreign[0].code, foreign[0].term, why, foreign)
        self.look()
        return Summary(
            name=self.list.name,
            system=self.list.system,
            column=self.list.column,
            why=self.list.why,
            version=self.list.version,
            ids=len(self.list.codes),
            current=self.counts["current"],
            former=self.counts["former"],
            not_checked=self.counts["not_checked"],
            notes=tuple(self.notes),
        )

    def look(self) -> None:
        raise NotImplementedError

    def add(
        self,
        kind: Kind,
        id_: str,
        name: str,
        why: str,
        listed: Sequence[Listed] = (),
        sure: bool = True,
    ) -> None:
        items = self.against.items.get(id_)
        self.findings.append(
            Finding(self.list.name, kind, id_, name, why, tuple(listed), sure, items)
        )


class _ConceptCheck(_Check):
    """A list of SNOMED CT concepts against an RF2 release."""

    def look(self) -> None:
        snomed = self.against.snomed
        if snomed is None:
            self.counts["not_checked"] = len(self.list.codes)
            return
        for entry in self.list.entries:
            active = snomed.is_active(entry.code)
            if active:
                self.counts["current"] += 1
            elif active is None:
                self.add("unknown_id", entry.code, entry.term, "not in the release", (entry,))
            else:
                self.counts["former"] += 1
                self._inactive(snomed, entry)

    def _inactive(self, snomed: Snomed, entry: Listed) -> None:
        successors = snomed.successors(entry.code)
        if any(s.id in self.list.codes for s in successors):
            return
        sure = len(successors) == 1 and successors[0].sure
        for successor in successors:
            why = f"{successor.kind} for {entry.code}" + (
                "" if sure else "; one of several, choose"
            )
            self.add("inactive", successor.id, snomed.name(successor.id), why, (entry,), sure)


class _ProductCheck(_Check):
    """A list of dm+d ids against the products of a release."""

    def look(self) -> None:
        products = self.against.products
        if products is None:
            self.counts["not_checked"] = len(self.list.codes)
            return
        self.products = products
        self.present: dict[str, list[Listed]] = {}
        unplaced = []
        for entry in self.list.entries:
            if entry.code in products.items:
                self.counts["current"] += 1
                self.present.setdefault(entry.code, []).append(entry)
            elif products.successors(entry.code) or entry.code in products.invalid:
                self.counts["former"] += 1
            else:
                unplaced.append(entry)
        self.meant = set(self.present)
        self._former()
        self._other_ids(unplaced)
        self._brands()
        self._siblings()
        self._odd_ones()

    def _former(self) -> None:
        found: dict[str, list[Listed]] = {}
        choices: dict[str, int] = {}
        for entry in self.list.entries:
            targets = self.products.successors(entry.code)
            if any(t in self.present for t in targets):
                continue
            for target in targets:
                found.setdefault(target, []).append(entry)
                choices[target] = max(choices.get(target, 0), len(targets))
        for target, entries in found.items():
            item = self.products.items.get(target)
            if item is None:
                continue  # the successor itself is in no list of products: a pack-less or new one
            self.meant.add(target)
            why = f"{_ids(entries)} was replaced by this id"
            if choices[target] > 1:
                why += "; one of several, choose"
            self.add("former_id", target, item.name, why, entries, choices[target] == 1)

    def _other_ids(self, unplaced: Sequence[Listed]) -> None:
        """Entries that no release knows: by name they may still be a product."""
        found: dict[str, list[Listed]] = {}
        for entry in unplaced:
            bare = without_supplier(entry.term)
            targets = self.products.by_name.get(plain(bare), ())
            branded = entry.level == "AMP" or bare != entry.term
            for target in targets:
                if target not in self.meant:
                    found.setdefault(target, []).append(entry)
            if targets and not branded:
                continue
            self._unknown(entry, branded)
        for target, entries in found.items():
            self.meant.add(target)
            generic = [
                e for e in entries if e.level != "AMP" and without_supplier(e.term) == e.term
            ]
            kind: Kind = "other_id" if generic else "generic_missing"
            why = f"{_ids(generic or entries)} has this product's name"
            self.add(kind, target, self.products.items[target].name, why, generic or entries)

    def _unknown(self, entry: Listed, branded: bool) -> None:
        if self.products.has_brands or entry.level in ("VMP", "VTM"):
            self.add("unknown_id", entry.code, entry.term, "not in the release", (entry,))
        else:
            self.counts["not_checked"] += 1

    def _brands(self) -> None:
        """Where the release has brands: a brand without its generic, a generic without brands."""
        brands: dict[str, list[Listed]] = {}
        for id_, entries in self.present.items():
            item = self.products.items[id_]
            if item.level == "AMP":
                brands.setdefault(item.vmp_id, []).extend(entries)
        for vmp_id, entries in brands.items():
            item_ = self.products.items.get(vmp_id)
            if item_ is not None and vmp_id not in self.meant:
                self.meant.add(vmp_id)
                why = f"{len(entries)} of its brands are listed"
                self.add("generic_missing", vmp_id, item_.name, why, entries)
            rest = [b for b in self.products.brands.get(vmp_id, ()) if b not in self.present]
            if rest and vmp_id in self.present:
                names = "; ".join(sorted(self.products.items[b].name for b in rest)[:5])
                more = f" and {len(rest) - 5} more" if len(rest) > 5 else ""
                why = f"{len(rest)} of {len(rest) + len(entries)} brands: {names}{more}"
                self.add("brands_missing", vmp_id, self.products.items[vmp_id].name, why)

    def _siblings(self) -> None:
        partial = self._partial_families()
        if not partial or self._chosen_by_strength(partial):
            return
        for (drug, form), (inside, outside) in partial.items():
            for member in outside:
                count = len(inside) + len(outside)
                why = f"{len(inside)} of {count} strengths of {drug} {form} listed"
                listed = [e for m in inside for e in self.present.get(m, ())]
                self.add("sibling_missing", member, self.products.items[member].name, why, listed)

    def _partial_families(self) -> dict[tuple[str, str], tuple[list[str], list[str]]]:
        """Drug and form with some strengths in the list, most of them, and some not."""
        items = self.products.items
        vmps = [items[i] for i in self.meant if items[i].level == "VMP"]
        partial = {}
        for family, item in sorted({v.family: v for v in vmps if v.family[1]}.items()):
            members = self.products.family(item)
            inside = [m for m in members if m in self.meant]
            outside = [m for m in members if m not in self.meant]
            if outside and len(vmps) > 1 and len(inside) >= MOST_OF_FAMILY * len(members):
                partial[family] = (inside, outside)
        return partial

    def _chosen_by_strength(
        self, partial: Mapping[tuple[str, str], tuple[list[str], list[str]]]
    ) -> bool:
        """Whether the list means high strengths only: then a weak one is not missing."""
        cut = 0
        for inside, outside in partial.values():
            low = [amount_of(self.products.items[i].name) for i in outside]
            high = [amount_of(self.products.items[i].name) for i in inside]
            units = {a[1] for a in (*low, *high) if a is not None}
            if len(outside) > 1 and len(units) == 1 and None not in (*low, *high):
                cut += max(a[0] for a in low if a) < min(a[0] for a in high if a)
        if cut < 2:
            return False
        self.notes.append(
            f"weaker strengths of {cut} drugs are left out: the list seems to choose by strength, "
            "so that no strength is called missing"
        )
        return True

    def _odd_ones(self) -> None:
        vmps = [self.products.items[i] for i in self.meant if self.products.items[i].level == "VMP"]
        for word, of in _TRAITS.items():
            known = [v for v in vmps if of(v)]
            counts = Counter(of(v) for v in known)
            if len(known) < ODD_LEAST or len(counts) < 2:
                continue
            usual, most = counts.most_common(1)[0]
            if most < (1 - ODD_SHARE) * len(known):
                continue
            for item in known:
                if of(item) != usual:
                    why = f"{word} {of(item)}; {most} of {len(known)} have {usual}"
                    listed = self.present.get(item.id, ())
                    self.add("does_not_fit", item.id, item.name, why, listed)


_TRAITS: dict[str, Callable[[Item], str]] = {
    "route": lambda item: item.route,
    "ATC group": lambda item: item.group,
}


def _ids(entries: Sequence[Listed]) -> str:
    return ", ".join(e.code for e in entries[:3]) + (" ..." if len(entries) > 3 else "")
