"""The population against the published figures: each target, what was got, and whether it is met."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from counterfoil.foundation import days as calendar
from counterfoil.synthetic.lists import rows

PREVALENCE = {
    "hypertension": (("hypertension",), 0),
    "diabetes": (("diabetes1", "diabetes2"), 17),
    "depression": (("depression",), 18),
    "asthma": (("asthma",), 6),
    "chd": (("chd",), 0),
    "copd": (("copd",), 0),
    "af": (("af",), 0),
    "ckd": (("ckd",), 18),
    "hf": (("hf",), 0),
    "stroke": (("stroke",), 0),
    "pad": (("pad",), 0),
    "dementia": (("dementia",), 0),
    "epilepsy": (("epilepsy",), 18),
    "rheumatoid": (("rheumatoid",), 16),
    "ndh": (("ndh",), 18),
    "ulcer": (("peptic_ulcer",), 0),
}
"""The conditions of each register and the age from which the list is counted."""


@dataclass(frozen=True, slots=True)
class Check:
    """One target. ``tolerance`` is relative; ``met`` is ``None`` where the figure is not held to."""

    name: str
    value: float
    got: float | None
    unit: str
    tolerance: float
    met: bool | None
    source: str
    status: str
    note: str


def validate(tables: Mapping[str, pa.Table], as_of: int) -> tuple[Check, ...]:
    """Compare canonical tables with ``targets.csv``, in its order.

    A target with a tolerance of more than one is shown and not held to: it says so in its note.
    """
    with duckdb.connect() as sql:
        for name, table in tables.items():
            sql.register(name, table)
        practices = len(set(tables["patient"]["practice"].unique().to_pylist()))
        return compare(measure(sql, as_of), practices)


def compare(got: Mapping[str, float], practices: int) -> tuple[Check, ...]:
    """Each target with what was got. A target is held to from ``least`` practices on."""
    out = []
    for row in rows("targets"):
        value, tolerance = float(row["value"]), float(row["tolerance"])
        found = got.get(row["name"])
        held = tolerance < 1 and found is not None and practices >= int(row["least"] or 1)
        met = abs(found - value) <= tolerance * value if held and found is not None else None
        out.append(
            Check(
                row["name"],
                value,
                None if found is None else round(found, 4),
                row["unit"],
                tolerance,
                met,
                row["source"],
                row["status"],
                row["note"],
            )
        )
    return tuple(out)


def measure(sql: duckdb.DuckDBPyConnection, as_of: int) -> dict[str, float]:
    """Every figure by the name of its target, from a connection that holds the canonical tables.

    Leaves the temporary tables ``listed`` (registered and alive), ``held`` (repeat items each) and
    ``given`` (issued in the last year).
    """
    day = f"date '{calendar.to_date(as_of).isoformat()}'"
    sql.execute(
        f"""create or replace temp table listed as
        select *, date_diff('day', birth_date, {day}) / 365.25 as age
        from patient where registered_to is null and death_date is null"""
    )
    sql.execute(
        """create or replace temp table held as
        select l.patient_id, l.age, count(p.plan_id) as n from listed l left join plan p
        on p.patient_id = l.patient_id and p.status = 'active'
        and p.plan_type in ('repeat', 'erd') group by 1, 2"""
    )
    sql.execute(
        f"""create or replace temp table given as select i.* from issue i
        where cancelled_on is null and deleted_on is null and issued_on > {day} - 365
        and valid_from <= {day}"""
    )
    out = {}
    for name, question in {**_QUESTIONS, **_prevalences()}.items():
        answer = sql.execute(question).fetchone()
        if answer is not None and answer[0] is not None:
            out[name] = float(answer[0])
    return out


def _prevalences() -> dict[str, str]:
    code = {row["condition"]: row["code"] for row in rows("conditions")}
    out = {}
    for name, (conditions, least) in PREVALENCE.items():
        codes = ", ".join(f"'{code[condition]}'" for condition in conditions)
        out[f"prevalence_{name}"] = f"""
            select 100.0 * (select count(distinct patient_id) from coded_entry
              join listed using (patient_id) where code in ({codes}) and age >= {least})
            / nullif((select count(*) from listed where age >= {least}), 0)"""
    return out


def _on(drug: str) -> str:
    return (
        "select 100.0 * (select count(distinct patient_id) from given join listed using "
        f"(patient_id) where product_text ilike '{drug}') / (select count(*) from listed)"
    )


_QUESTIONS = {
    "items_per_head_year": "select count(*) * 1.0 / (select count(*) from listed) from given",
    "repeat_share": "select 100.0 * avg(case when issue_type = 'acute' then 0 else 1 end) from given",
    "erd_share": "select 100.0 * avg(case when issue_type = 'erd' then 1 else 0 end) from given "
    "where issue_type <> 'acute'",
    "repeat_items_per_patient": "select avg(n) from held",
    "polypharmacy_1": "select 100.0 * avg(case when n >= 1 then 1 else 0 end) from held",
    "polypharmacy_8": "select 100.0 * avg(case when n >= 8 then 1 else 0 end) from held",
    "polypharmacy_10": "select 100.0 * avg(case when n >= 10 then 1 else 0 end) from held",
    "polypharmacy_5": "select 100.0 * avg(case when n >= 5 then 1 else 0 end) from held",
    "aged_65_plus": "select 100.0 * avg(case when age >= 65 then 1 else 0 end) from listed",
    "admissions_per_1000_year": "select count(*) / 2.0 * 1000 / (select count(*) from listed) "
    "from admission",
    "methotrexate_rate": _on("methotrexate%"),
    "lithium_rate": _on("priadel%"),
    "amiodarone_rate": _on("amiodarone%"),
}
