"""The products of our own formulary, from ``knowledge/formulary*.csv``."""

from __future__ import annotations

import csv
import io
from importlib import resources

from counterfoil.foundation.errors import DataError, Problem
from counterfoil.terminology.model import Product, Strength
from counterfoil.terminology.strengths import parse_strength

_LIST = " + "


def load_products() -> list[Product]:
    """Every product of the formulary files, VMPs first; ``DataError`` names a row that is wrong."""
    problems: list[Problem] = []
    generics: dict[str, Product] = {}
    for row, record in _rows("formulary.csv"):
        try:
            product = _generic(record)
        except ValueError as error:
            problems.append(Problem(f"formulary.csv row {row}", str(error), record["name"]))
            continue
        generics[product.id] = product
    brands: list[Product] = []
    for row, record in _rows("formulary_brands.csv"):
        parent = generics.get(record["vmp_id"])
        if parent is None or parent.name != record["vmp_name"]:
            problems.append(
                Problem(
                    f"formulary_brands.csv row {row}",
                    "vmp_id and vmp_name name one row of formulary.csv",
                    record["vmp_name"],
                )
            )
            continue
        brands.append(_brand(record, parent))
    if problems:
        raise DataError(*problems)
    return [*generics.values(), *brands]


def _rows(name: str) -> list[tuple[int, dict[str, str]]]:
    text = (resources.files("counterfoil.knowledge") / name).read_text(encoding="utf-8")
    return list(enumerate(csv.DictReader(io.StringIO(text)), start=2))


def _set(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def _generic(record: dict[str, str]) -> Product:
    ingredients = tuple(record["ingredients"].split(_LIST))
    strengths = tuple(_strength(part) for part in record["strengths"].split(_LIST))
    if len(strengths) != len(ingredients):
        raise ValueError("one strength for each ingredient")
    return Product(
        id=record["id"],
        name=record["name"],
        level="VMP",
        vmp_id=record["id"],
        brand=None,
        ingredients=ingredients,
        strengths=strengths,
        form=record["form"],
        route=record["route"],
        release=record["release"],
        device=record["device"],
        unit_dose=record["unit_dose"],
        drug_class=record["drug_class"],
        brand_matters=record["brand_matters"] == "yes",
        salts=tuple(record["salts"].split(_LIST)) if record["salts"] else (),
        flags=_set(record["flags"]),
        cd_schedule=record["cd_schedule"],
        qualifiers=_set(record["qualifiers"]),
    )


def _strength(text: str) -> Strength | None:
    if not text.strip():
        return None
    strength = parse_strength(text)
    if strength is None:
        raise ValueError(f"a strength such as 250mg/5ml, not {text!r}")
    return strength


def _brand(record: dict[str, str], parent: Product) -> Product:
    return Product(
        id=record["id"],
        name=record["name"],
        level="AMP",
        vmp_id=parent.id,
        brand=record["brand"],
        ingredients=parent.ingredients,
        strengths=parent.strengths,
        form=parent.form,
        route=parent.route,
        release=parent.release,
        device=record["device"] or parent.device,
        unit_dose=parent.unit_dose,
        drug_class=parent.drug_class,
        brand_matters=parent.brand_matters,
        salts=parent.salts,
        flags=parent.flags,
        cd_schedule=parent.cd_schedule,
        qualifiers=parent.qualifiers,
    )
