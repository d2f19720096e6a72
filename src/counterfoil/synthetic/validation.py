"""The population against the published figures: each target, what was got, and whether it is met."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from counterfoil.foundation import days as calendar
from counterfoil.synthetic.entries import OTHER_TERMS
from counterfoil.synthetic.lists import Row, rows

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
    "smi": (("schizophrenia", "bipolar"), 0),
    "palliative": (("palliative",), 0),
    "cancer": (("cancer",), 0),
    "learning_disability": (("learning_disability",), 0),
    "obesity": (("obesity",), 18),
    "osteoporosis": (("osteoporosis",), 50),
    "ulcer": (("peptic_ulcer",), 0),
}
"""The conditions of each register and the age from which the list is counted."""


WHOLE_NETWORK, ITS_LETTERS = 50_000, 400
"""What ``noise`` in ``targets.csv`` is the standard deviation of a figure in: people and letters."""

ENOUGH = 2.5
"""A target is judged where its tolerance is at least so many standard errors wide."""


@dataclass(frozen=True, slots=True)
class Check:
    """One target and what was got.

    ``tolerance`` is absolute, in ``unit``, ``None`` where the figure is only shown; ``basis`` says
    whose it is: ``notes 6.6`` or ``own``. ``error`` is the standard error of the figure in a network
    of this size (``None``: dealt out, or not known). ``verdict`` is ``met``, ``missed``, ``cannot
    tell`` (the tolerance is less than :data:`ENOUGH` errors; ``needs`` says which size would do) or
    ``shown``. ``reason`` says why a known miss is one.
    """

    name: str
    value: float
    got: float | None
    unit: str
    tolerance: float | None
    basis: str
    error: float | None
    verdict: str
    needs: str
    source: str
    status: str
    note: str
    reason: str

    @property
    def met(self) -> bool | None:
        """Whether the target is met; ``None`` where that is not judged."""
        return {"met": True, "missed": False}.get(self.verdict)


@dataclass(frozen=True, slots=True)
class Size:
    """How much was looked at: practices, people on their lists, and letters."""

    practices: int
    people: int
    letters: int


def validate(tables: Mapping[str, pa.Table], as_of: int) -> tuple[Check, ...]:
    """Compare canonical tables with ``targets.csv``, in its order."""
    with duckdb.connect() as sql:
        for name, table in tables.items():
            sql.register(name, table)
        got = measure(sql, as_of)
        return compare(got, size_of(sql))


def size_of(sql: duckdb.DuckDBPyConnection) -> Size:
    """The size of what a connection holds, after :func:`measure`."""
    found = sql.execute(
        "select count(distinct practice), count(*), (select count(*) from document) from listed"
    ).fetchone()
    assert found is not None
    return Size(int(found[0]), int(found[1]), int(found[2]))


def compare(
    got: Mapping[str, float], size: Size, errors: Mapping[str, float] | None = None
) -> tuple[Check, ...]:
    """Each target with what was got; ``errors`` are standard errors known from the data itself."""
    return tuple(_check(row, got.get(row["name"]), size, errors or {}) for row in rows("targets"))


def _check(row: Row, found: float | None, size: Size, errors: Mapping[str, float]) -> Check:
    value, least = float(row["value"]), int(row["least"])
    tolerance = allowed(row)
    many = max(size.letters if row["name"].startswith("letter_") else size.people, 1)
    whole = ITS_LETTERS if row["name"].startswith("letter_") else WHOLE_NETWORK
    error = errors.get(row["name"])
    of, unit = size.practices, "practices"
    if error is None and row["noise"]:
        error = float(row["noise"]) * (whole / many) ** 0.5
        if row["unit"].startswith("percent of list"):  # nobody is a fraction of a person
            error = max(error, 100.0 / many)
        of, unit = many, "letters" if whole == ITS_LETTERS else "patients"
    needs = ""
    if found is None or tolerance is None:
        verdict = "shown"
    elif size.practices < least:
        verdict, needs = "cannot tell", f"{least} practices"
    elif error is not None and ENOUGH * error > tolerance:
        verdict = "cannot tell"
        needs = f"about {_round_up(of * (ENOUGH * error / tolerance) ** 2):,} {unit}"
    else:
        verdict = "met" if abs(found - value) <= tolerance + 1e-9 else "missed"
    return Check(
        row["name"],
        value,
        None if found is None else round(found, 4),
        row["unit"],
        None if tolerance is None else round(tolerance, 6),
        row["basis"],
        None if error is None else round(error, 4),
        verdict,
        needs,
        row["source"],
        row["status"],
        row["note"],
        row["reason"],
    )


def allowed(row: Row) -> float | None:
    """A target's tolerance in its own unit: written as a share (``5%``), in the unit, or not at all."""
    text = row["tolerance"]
    if not text:
        return None
    return float(text[:-1]) / 100 * float(row["value"]) if text.endswith("%") else float(text)


def _round_up(size: float) -> int:
    """A size to two figures, upwards."""
    step = 10 ** max(len(str(int(size))) - 2, 0)
    return int(-(-size // step) * step)


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
        listed = [code[condition] for condition in conditions]
        if name == "diabetes":
            listed += [c for key, c, _, _ in OTHER_TERMS if key == "diabetes_vague"]
        codes = ", ".join(f"'{one}'" for one in listed if one)
        coded = f"code in ({codes})"
        if not codes:
            terms = {row["condition"]: row["term"] for row in rows("conditions")}
            coded = "term in (" + ", ".join(f"'{terms[c]}'" for c in conditions) + ")"
        out[f"prevalence_{name}"] = f"""
            select 100.0 * (select count(distinct patient_id) from coded_entry
              join listed using (patient_id) where {coded} and age >= {least})
            / nullif((select count(*) from listed where age >= {least}), 0)"""
    return out


def _on(*drugs: str) -> str:
    named = " or ".join(f"product_text ilike '{drug}'" for drug in drugs)
    return (
        "select 100.0 * (select count(distinct patient_id) from given join listed using "
        f"(patient_id) where {named}) / (select count(*) from listed)"
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
    "repeat_items_under_10": "select avg(n) from held where age < 10",
    "repeat_items_80_89": "select avg(n) from held where age >= 80 and age < 90",
    "polypharmacy_1_under_10": "select 100.0 * avg(case when n >= 1 then 1 else 0 end) from held "
    "where age < 10",
    "adults_1": "select 100.0 * avg(case when n >= 1 then 1 else 0 end) from held where age >= 18",
    "adults_3": "select 100.0 * avg(case when n >= 3 then 1 else 0 end) from held where age >= 18",
    "emergency_per_1000_year": "select count(*) / 2.0 * 1000 / (select count(*) from listed) "
    "from admission where kind = 'emergency'",
    "care_home": "select 100.0 * (select count(distinct patient_id) from coded_entry join listed "
    "using (patient_id) where code = '248171000000108') / (select count(*) from listed)",
    "patients_per_practice": "select count(*) * 1.0 / count(distinct practice) from listed",
    "admissions_per_1000_year": "select count(*) / 2.0 * 1000 / (select count(*) from listed) "
    "from admission",
    "methotrexate_rate": _on("methotrexate%"),
    "lithium_rate": _on("priadel%", "camcolit%"),
    "amiodarone_rate": _on("amiodarone%"),
}
