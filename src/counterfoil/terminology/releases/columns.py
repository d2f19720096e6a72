"""The tables that a release offers: their columns, the same for every kind that has them."""

from __future__ import annotations

import pyarrow as pa

_TRUTHS = {"invalid", "brand_matters", "discontinued"}


def _schema(names: str) -> pa.Schema:
    """Columns of text, but for truths and the sequence."""
    kinds = {"sequence": pa.int32(), **dict.fromkeys(_TRUTHS, pa.bool_())}
    return pa.schema([(name, kinds.get(name, pa.string())) for name in names.split()])


PRODUCT = _schema("""
    id level name previous_name abbreviated_name description vtm_id vmp_id amp_id vmpp_id
    supplier form route licensed_route ontology_form cd_category cd_category_text
    prescribing_status prescribing_status_text brand_matters unit_dose unit_dose_unit dose_unit
    dose_form flags availability licence legal_category discontinued
    pack_quantity pack_unit pack_note combination bnf_section atc ddd ddd_unit invalid
""")
"""A product or pack a row. ``level`` is VTM, VMP, AMP, VMPP or AMPP."""

FROM_VMP: list[str] = _schema("""
    vtm_id form route ontology_form cd_category cd_category_text prescribing_status
    prescribing_status_text brand_matters
""").names
"""What brands and packs have from their VMP."""

STRENGTH = _schema("""
    product_id sequence ingredient_id ingredient numerator numerator_unit denominator
    denominator_unit basis base_ingredient_id base_ingredient amount amount_unit
""")
"""An ingredient of a VMP a row; numbers as exact text."""

CURRENT_ID = _schema("previous_id current_id next_id kind from to source")
"""A step from a former id to a later one a row."""

LOOKUP = _schema("list code description previous_code invalid")
VTM_INGREDIENT = _schema("vtm_id ingredient_id ingredient")


def rows(count: int, columns: dict[str, object]) -> pa.Table:
    """Rows of ``product``; a column that is not given is null."""
    arrays = [columns[f.name] if f.name in columns else pa.nulls(count, f.type) for f in PRODUCT]
    return pa.table(arrays, schema=PRODUCT)
