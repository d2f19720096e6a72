"""From the rows of a dm+d release's files to the tables that the product reads.

Every code is described by the lookup file of the same release, because codes change their meaning
between releases.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from counterfoil.terminology.releases.columns import (
    CURRENT_ID,
    FROM_VMP,
    LOOKUP,
    STRENGTH,
    VTM_INGREDIENT,
)
from counterfoil.terminology.releases.columns import rows as product_rows
from counterfoil.terminology.releases.history import History
from counterfoil.terminology.releases.report import Anomaly
from counterfoil.terminology.releases.strength import exact, normal, number

Read = Callable[[str], pa.Table]
"""Gives the rows of one of the files' tables; no rows where the release has none."""

BRAND_MATTERS = re.compile(
    r"brands not bioequivalent|patient training required|AMP level prescribing advised",
    re.IGNORECASE,
)
"""The wordings under which a change of brand is a change for the patient: codes 0006 and 0007 in
the lookup of April 2019, 0009 in that of 2021 (both read)."""

_FLAGS = {
    "SUG_F": "sugar free",
    "GLU_F": "gluten free",
    "PRES_F": "preservative free",
    "CFC_F": "cfc free",
}

_LEVELS = {
    "VTMS": "VTM",
    "VMPS": "VMP",
    "INGS": "INGREDIENT",
    "SUPPS": "SUPPLIER",
    "FORMS": "FORM",
    "ROUTES": "ROUTE",
    "UOMS": "UNIT",
}


class Lookup:
    """The coded lists of one release."""

    def __init__(self, rows: pa.Table) -> None:
        self._lists: dict[str, tuple[pa.Array, pa.Array]] = {}
        lists = rows["LIST"].to_pylist()
        for name in sorted(set(lists)):
            mine = rows.filter(pc.equal(rows["LIST"], name))
            self._lists[name] = (_flat(mine["CD"]), _flat(mine["DESC"]))

    def codes(self, name: str) -> pa.Array:
        """The codes of a list."""
        return self._lists.get(name, (pa.array([], pa.string()), None))[0]

    def describe(self, name: str, codes: Any) -> pa.Array:
        """What each code says in this release; null where the list lacks it."""
        if name not in self._lists:
            return pa.nulls(len(codes), pa.string())
        known, words = self._lists[name]
        return words.take(pc.index_in(_flat(codes), value_set=known))


def _flat(column: Any) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _truth(column: Any) -> pa.Array:
    """A flag column as booleans: only a 1 is true."""
    return pc.fill_null(pc.equal(pc.utf8_ltrim(_flat(column), characters="0"), "1"), False)


def _exact(column: Any) -> pa.Array:
    return pa.array(
        [None if v is None else exact(number(v)) for v in column.to_pylist()], pa.string()
    )


def _joined(keys: pa.Array, owners: Any, words: Any) -> pa.Array:
    """For each key the words of its rows, in order, each once, parted by ``|``."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for owner, word in zip(owners.to_pylist(), words.to_pylist(), strict=True):
        if word is not None:
            found[owner][word] = None
    return pa.array(
        ["|".join(found[k]) if k in found else None for k in keys.to_pylist()], pa.string()
    )


def _one(keys: pa.Array, owners: Any, values: Any) -> pa.Array:
    """For each key the value of its (first) row."""
    return _flat(values).take(pc.index_in(keys, value_set=_flat(owners)))


def brand_matters(words: pa.Array) -> pa.Array:
    """Whether a prescribing status, as the release describes it, asks for prescribing by brand."""
    answers = {w: bool(w is not None and BRAND_MATTERS.search(w)) for w in set(words.to_pylist())}
    return pa.array([answers[w] for w in words.to_pylist()], pa.bool_())


def products(read: Read) -> pa.Table:
    """The table ``product``: every VTM, VMP, AMP, VMPP and AMPP of the release, INVALID ones too."""
    lookup = Lookup(read("lookup"))
    vmps = _vmps(read, lookup)
    amps = _amps(read, lookup, vmps)
    vmpps = _vmpps(read, lookup, vmps)
    return pa.concat_tables([_vtms(read), vmps, amps, vmpps, _ampps(read, lookup, amps, vmpps)])


def _vtms(read: Read) -> pa.Table:
    rows = read("vtm")
    count = rows.num_rows
    return product_rows(
        count,
        {
            "id": rows["VTMID"],
            "level": pa.repeat("VTM", count),
            "name": rows["NM"],
            "abbreviated_name": rows["ABBREVNM"],
            "vtm_id": rows["VTMID"],
            "invalid": _truth(rows["INVALID"]),
        },
    )


def _vmps(read: Read, lookup: Lookup) -> pa.Table:
    rows, cd, bnf = read("vmp"), read("vmp_cd"), read("bnf_vmp")
    ids, count = _flat(rows["VPID"]), rows.num_rows
    category = _one(ids, cd["VPID"], cd["CATCD"])
    status = lookup.describe("VIRTUAL_PRODUCT_PRES_STATUS", rows["PRES_STATCD"])
    forms, routes, onts = read("vmp_form"), read("vmp_route"), read("vmp_ont_form")
    flagged = [_truth(rows[column]).to_pylist() for column in _FLAGS]
    flags = [
        "|".join(word for word, said in zip(_FLAGS.values(), row, strict=True) if said) or None
        for row in zip(*flagged, strict=True)
    ]
    return product_rows(
        count,
        {
            "id": ids,
            "level": pa.repeat("VMP", count),
            "name": rows["NM"],
            "previous_name": rows["NMPREV"],
            "abbreviated_name": rows["ABBREVNM"],
            "vtm_id": rows["VTMID"],
            "vmp_id": ids,
            "form": _joined(ids, forms["VPID"], lookup.describe("FORM", forms["FORMCD"])),
            "route": _joined(ids, routes["VPID"], lookup.describe("ROUTE", routes["ROUTECD"])),
            "ontology_form": _joined(
                ids, onts["VPID"], lookup.describe("ONT_FORM_ROUTE", onts["FORMCD"])
            ),
            "cd_category": category,
            "cd_category_text": lookup.describe("CONTROL_DRUG_CATEGORY", category),
            "prescribing_status": rows["PRES_STATCD"],
            "prescribing_status_text": status,
            "brand_matters": brand_matters(status),
            "unit_dose": _exact(rows["UDFS"]),
            "unit_dose_unit": lookup.describe("UNIT_OF_MEASURE", rows["UDFS_UOMCD"]),
            "dose_unit": lookup.describe("UNIT_OF_MEASURE", rows["UNIT_DOSE_UOMCD"]),
            "dose_form": lookup.describe("DF_INDICATOR", rows["DF_INDCD"]),
            "flags": pa.array(flags, pa.string()),
            "availability": lookup.describe("VIRTUAL_PRODUCT_NON_AVAIL", rows["NON_AVAILCD"]),
            "combination": lookup.describe("COMBINATION_PROD_IND", rows["COMBPRODCD"]),
            "bnf_section": _one(ids, bnf["VPID"], bnf["BNF"]),
            "atc": _atc(_one(ids, bnf["VPID"], bnf["ATC"])),
            "ddd": _exact(_one(ids, bnf["VPID"], bnf["DDD"])),
            "ddd_unit": lookup.describe(
                "UNIT_OF_MEASURE", _one(ids, bnf["VPID"], bnf["DDD_UOMCD"])
            ),
            "invalid": _truth(rows["INVALID"]),
        },
    )


def _atc(values: pa.Array) -> pa.Array:
    """ATC codes; the "n/a" that stands for none is none."""
    return pc.if_else(pc.equal(values, "n/a"), pa.scalar(None, pa.string()), values)


def _inherited(parents: pa.Table, ids: Any) -> dict[str, pa.Array]:
    """What a product has from its VMP."""
    place = pc.index_in(_flat(ids), value_set=_flat(parents["id"]))
    return {name: _flat(parents[name]).take(place) for name in FROM_VMP}


def _amps(read: Read, lookup: Lookup, vmps: pa.Table) -> pa.Table:
    rows, routes, bnf = read("amp"), read("amp_route"), read("bnf_amp")
    ids, count = _flat(rows["APID"]), rows.num_rows
    return product_rows(
        count,
        {
            **_inherited(vmps, rows["VPID"]),
            "id": ids,
            "level": pa.repeat("AMP", count),
            "name": rows["NM"],
            "previous_name": rows["NM_PREV"],
            "abbreviated_name": rows["ABBREVNM"],
            "description": rows["DESC"],
            "vmp_id": rows["VPID"],
            "amp_id": ids,
            "supplier": lookup.describe("SUPPLIER", rows["SUPPCD"]),
            "licensed_route": _joined(
                ids, routes["APID"], lookup.describe("ROUTE", routes["ROUTECD"])
            ),
            "availability": lookup.describe("AVAILABILITY_RESTRICTION", rows["AVAIL_RESTRICTCD"]),
            "licence": lookup.describe("LICENSING_AUTHORITY", rows["LIC_AUTHCD"]),
            "combination": lookup.describe("COMBINATION_PROD_IND", rows["COMBPRODCD"]),
            "bnf_section": _one(ids, bnf["APID"], bnf["BNF"]),
            "invalid": _truth(rows["INVALID"]),
        },
    )


def _vmpps(read: Read, lookup: Lookup, vmps: pa.Table) -> pa.Table:
    rows = read("vmpp")
    ids, count = rows["VPPID"], rows.num_rows
    return product_rows(
        count,
        {
            **_inherited(vmps, rows["VPID"]),
            "id": ids,
            "level": pa.repeat("VMPP", count),
            "name": rows["NM"],
            "abbreviated_name": rows["ABBREVNM"],
            "vmp_id": rows["VPID"],
            "vmpp_id": ids,
            "pack_quantity": _exact(rows["QTYVAL"]),
            "pack_unit": lookup.describe("UNIT_OF_MEASURE", rows["QTY_UOMCD"]),
            "combination": lookup.describe("COMBINATION_PACK_IND", rows["COMBPACKCD"]),
            "invalid": _truth(rows["INVALID"]),
        },
    )


def _ampps(read: Read, lookup: Lookup, amps: pa.Table, vmpps: pa.Table) -> pa.Table:
    rows = read("ampp")
    ids, count = rows["APPID"], rows.num_rows
    pack = pc.index_in(_flat(rows["VPPID"]), value_set=_flat(vmpps["id"]))
    brand = pc.index_in(_flat(rows["APID"]), value_set=_flat(amps["id"]))
    from_pack = {
        name: _flat(vmpps[name]).take(pack)
        for name in (*FROM_VMP, "vmp_id", "pack_quantity", "pack_unit")
    }
    return product_rows(
        count,
        {
            **from_pack,
            "id": ids,
            "level": pa.repeat("AMPP", count),
            "name": rows["NM"],
            "abbreviated_name": rows["ABBREVNM"],
            "amp_id": rows["APID"],
            "vmpp_id": rows["VPPID"],
            "supplier": _flat(amps["supplier"]).take(brand),
            "legal_category": lookup.describe("LEGAL_CATEGORY", rows["LEGAL_CATCD"]),
            "discontinued": pc.equal(pc.fill_null(rows["DISCCD"], ""), "0001"),
            "pack_note": rows["SUBP"],
            "combination": lookup.describe("COMBINATION_PACK_IND", rows["COMBPACKCD"]),
            "invalid": _truth(rows["INVALID"]),
        },
    )


def strengths(read: Read) -> pa.Table:
    """The table ``strength``: an ingredient of a VMP a row, in the order of the file."""
    rows, names = read("vmp_ingredient"), read("ingredient")
    lookup = Lookup(read("lookup"))
    top_unit = lookup.describe("UNIT_OF_MEASURE", rows["STRNT_NMRTR_UOMCD"])
    low_unit = lookup.describe("UNIT_OF_MEASURE", rows["STRNT_DNMTR_UOMCD"])
    top, low = _exact(rows["STRNT_NMRTR_VAL"]), _exact(rows["STRNT_DNMTR_VAL"])
    coded = (top, top_unit, low, low_unit)
    amounts = [normal(*cells) for cells in zip(*(c.to_pylist() for c in coded), strict=True)]
    seen: defaultdict[str, int] = defaultdict(int)
    sequence = []
    for owner in rows["VPID"].to_pylist():
        seen[owner] += 1
        sequence.append(seen[owner])
    substances, words = names["ISID"], names["NM"]
    return pa.table(
        [
            rows["VPID"],
            pa.array(sequence, pa.int32()),
            rows["ISID"],
            _one(_flat(rows["ISID"]), substances, words),
            top,
            top_unit,
            low,
            low_unit,
            lookup.describe("BASIS_OF_STRNTH", rows["BASIS_STRNTCD"]),
            rows["BS_SUBID"],
            _one(_flat(rows["BS_SUBID"]), substances, words),
            pa.array([a and a[0] for a in amounts], pa.string()),
            pa.array([a and a[1] for a in amounts], pa.string()),
        ],
        schema=STRENGTH,
    )


def lookups(read: Read) -> pa.Table:
    """The table ``lookup``."""
    rows = read("lookup")
    return pa.table(
        [rows["LIST"], rows["CD"], rows["DESC"], rows["CDPREV"], _truth(rows["INVALID"])],
        schema=LOOKUP,
    )


def vtm_ingredients(read: Read) -> pa.Table:
    """The table ``vtm_ingredient``: what a VTM is made of, with names where the release has them."""
    rows, names = read("vtm_ingredient"), read("ingredient")
    return pa.table(
        [rows["VTMID"], rows["ISID"], _one(_flat(rows["ISID"]), names["ISID"], names["NM"])],
        schema=VTM_INGREDIENT,
    )


def current_ids(read: Read) -> tuple[pa.Table, list[Anomaly]]:
    """The table ``current_id``, and what is odd in the history.

    A row is a step: ``previous_id`` was replaced by ``next_id``, and ``current_id`` stands at the
    end of the chain (null where it runs in a circle or has several ends; the former id itself where
    that has come into use again).
    """
    rows = read("history")
    steps = [*_from_history(rows), *_from_previous(read)]
    still = pc.and_(pc.equal(rows["IDCURRENT"], rows["IDPREVIOUS"]), pc.is_null(rows["ENDDT"]))
    history = History(
        ((s[0], s[1]) for s in steps), set(rows["IDCURRENT"].filter(still).to_pylist())
    )
    kinds = {s[0]: s[2] for s in steps}
    traces = {former: history.trace(former) for former in history.former()}
    table = pa.table(
        [
            pa.array([s[0] for s in steps], pa.string()),
            pa.array([traces[s[0]].current for s in steps], pa.string()),
            *(pa.array([s[i] for s in steps], pa.string()) for i in range(1, 6)),
        ],
        schema=CURRENT_ID,
    )
    odd = []
    for state, what in (
        ("ambiguous", "former ids with several successors, left unresolved"),
        ("cycle", "former ids whose chain runs in a circle, left unresolved"),
    ):
        found = [f for f, t in traces.items() if t.state == state]
        if found:
            shown = tuple(f"{kinds[f]} {f}" for f in found[:5])
            odd.append(Anomaly(what, len(found), shown))
    return table, odd


Step = tuple[str, str, str, str | None, str | None, str]


_HISTORY_COLUMNS = ("IDPREVIOUS", "IDCURRENT", "LEVEL", "STARTDT", "ENDDT")


def _from_history(rows: pa.Table) -> list[Step]:
    rows = rows.filter(pc.not_equal(rows["IDCURRENT"], rows["IDPREVIOUS"]))
    columns = (rows[c].to_pylist() for c in _HISTORY_COLUMNS)
    return [
        (former, later, _LEVELS.get(level, level), since, until, "history")
        for former, later, level, since, until in zip(*columns, strict=True)
    ]


def _from_previous(read: Read) -> list[Step]:
    """The steps that the current rows state of themselves."""
    steps: list[Step] = []
    for table, kind, key, former, since in (
        ("vtm", "VTM", "VTMID", "VTMIDPREV", "VTMIDDT"),
        ("vmp", "VMP", "VPID", "VPIDPREV", "VPIDDT"),
        ("ingredient", "INGREDIENT", "ISID", "ISIDPREV", "ISIDDT"),
    ):
        rows = read(table)
        rows = rows.filter(pc.is_valid(rows[former]))
        columns = (rows[c].to_pylist() for c in (former, key, since))
        steps += [
            (old, new, kind, None, day, former)
            for old, new, day in zip(*columns, strict=True)
            if old != new
        ]
    rows = read("lookup")
    rows = rows.filter(pc.is_valid(rows["CDPREV"]))
    lists = {"UNIT_OF_MEASURE": "UNIT", "FORM": "FORM", "ROUTE": "ROUTE", "SUPPLIER": "SUPPLIER"}
    columns = (rows[c].to_pylist() for c in ("CDPREV", "CD", "LIST", "CDDT"))
    steps += [
        (old, new, lists[name], None, day, "CDPREV")
        for old, new, name, day in zip(*columns, strict=True)
        if old != new and name in lists
    ]
    return steps
