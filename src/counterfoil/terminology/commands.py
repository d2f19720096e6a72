"""What the command line asks of this room: plain functions, no printing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from counterfoil.terminology.codesets import CodeSet, all_sets
from counterfoil.terminology.formulary import formulary
from counterfoil.terminology.known import look_alikes, monitoring_of
from counterfoil.terminology.model import Product


def match_lines(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """One result for each line, as it comes: ``NAME`` or ``NAME<tab>CODE``. A blank line is none."""
    known = formulary()
    for line in lines:
        text, _, code = line.rstrip("\r\n").partition("\t")
        yield known.match(text, code.strip() or None).to_json()


def search(text: str, limit: int = 20) -> list[dict[str, Any]]:
    """Products whose names hold the words of *text*, with the drug sets each belongs to."""
    return [describe(product) for product in formulary().search(text, limit)]


def describe(product: Product) -> dict[str, Any]:
    """A product for people and machines: what it is, what is special, which drug sets hold it."""
    return {
        "id": product.id,
        "dmd_id": product.dmd_id,
        "level": product.level,
        "name": product.name,
        "brand": product.brand,
        "ingredients": list(product.ingredients),
        "strengths": [None if s is None else str(s) for s in product.strengths],
        "form": product.form,
        "route": product.route,
        "release": product.release,
        "class": product.drug_class,
        "brand_matters": product.brand_matters,
        "flags": sorted(product.flags),
        "controlled_drug_schedule": product.cd_schedule,
        "usual_unit": product.unit_dose,
        "monitoring": [
            {"group": group.name, "status": group.status, "source": group.source}
            for group in monitoring_of(product)
        ],
        "look_alikes": {
            drug: [alike.name for alike in look_alikes(drug, formulary().drugs)]
            for drug in product.ingredients
        },
        "sets": sorted(
            name
            for name, each in all_sets().items()
            if not isinstance(each, CodeSet) and each.holds(product)
        ),
    }


def sets() -> list[dict[str, Any]]:
    """Every code set and drug set: its kind, version, size and source."""
    rows = []
    for name, each in sorted(all_sets().items()):
        rows.append(
            {
                "name": name,
                "kind": "codes" if isinstance(each, CodeSet) else "drugs",
                "title": each.title,
                "version": each.version,
                "size": len(each.codes)
                if isinstance(each, CodeSet)
                else len(each.products(formulary())),
                "status": each.status,
                "source": f"{each.source.title}, {each.source.version}",
                "reference": each.source.reference,
                "system": each.system,
            }
        )
    return rows
