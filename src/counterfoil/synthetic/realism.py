"""A written network looked at as a whole: shapes, practice by practice, facts that cannot be, leaks.

Everything is asked in plain SQL of the tables as written, by product names and codes; no rule of the
project is used, and the generator is not asked what it meant to do.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from counterfoil.foundation import days as calendar
from counterfoil.foundation.database import connect
from counterfoil.foundation.errors import DataError
from counterfoil.records.schema import TABLES
from counterfoil.synthetic.indicators import pincer
from counterfoil.synthetic.leaks import Leak, leaks
from counterfoil.synthetic.lists import options, rows
from counterfoil.synthetic.regimens import FILLING, OTHER_CAUSES, SOURCES
from counterfoil.synthetic.validation import Check, compare, measure, size_of


@dataclass(frozen=True, slots=True)
class Report:
    """A network against its targets; see ``docs/reference/synthetic.md`` for every part."""

    as_of: str
    practices: int
    patients: int
    checks: tuple[Check, ...]
    impossible: dict[str, int]
    leaks: tuple[Leak, ...]
    polypharmacy: list[dict[str, float]]
    chapters: list[dict[str, Any]]
    pyramid: list[dict[str, Any]]
    pincer: list[dict[str, Any]]
    gaps: list[dict[str, int]]
    sizes: list[dict[str, Any]]
    pairs: list[dict[str, Any]]

    @property
    def explained(self) -> list[str]:
        """What is out of tolerance for a reason that ``targets.csv`` gives."""
        return [f"{_words(c)}: {c.reason}" for c in self.checks if c.met is False and c.reason]

    @property
    def missed(self) -> list[str]:
        """What is out of tolerance without a reason, impossible or leaking, in words."""
        out = [_words(c) for c in self.checks if c.met is False and not c.reason]
        out += [f"impossible: {what} ({n} rows)" for what, n in self.impossible.items() if n]
        out += [
            f"leak: {x.guess} tells {x.subject} (AUC {x.auc:.2f})"
            for x in self.leaks
            if x.met is False
        ]
        return out

    def to_json(self) -> dict[str, Any]:
        """The report as JSON, checks and leaks with their verdicts."""
        out = {name: getattr(self, name) for name in self.__slots__}
        out["checks"] = [{**asdict(check), "met": check.met} for check in self.checks]
        out["leaks"] = [{**asdict(leak), "met": leak.met} for leak in self.leaks]
        out["missed"] = self.missed
        out["explained"] = self.explained
        return out


def _words(check: Check) -> str:
    """A check that was missed, in words."""
    return (
        f"{check.name}: {check.got:g} against {check.value:g} {check.unit}, "
        f"{check.tolerance:g} either way"
    )


def look(folder: Path) -> Report:
    """Compare a folder that ``produce`` wrote, as Parquet or CSV, with the targets.

    What else stands there (``emis``, ``systmone``, ``gpconnect``, letters) is left alone: it says
    the same things in a system's own words. ``DataError`` where there is no manifest or neither of
    the two formats.
    """
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text("utf-8"))
        as_of = calendar.parse_day(manifest["as_of"])
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError.at(str(path), "the manifest that `synth` writes is needed") from None
    with connect() as sql:
        _open(sql, folder)
        return report(sql, as_of)


def look_at(tables: Mapping[str, pa.Table], truth: pa.Table, lines: pa.Table, as_of: int) -> Report:
    """The same of tables in memory, with the truth of scenes and of letter lines."""
    with connect() as sql:
        for name, table in tables.items():
            sql.register(name, table)
        sql.register("truth", truth)
        sql.register("letter_truth", lines)
        return report(sql, as_of)


def _formats(folder: Path) -> str:
    """What the manifest says was written."""
    told = json.loads((folder / "manifest.json").read_text("utf-8")).get("formats")
    return ", ".join(told) if isinstance(told, list) and told else "none of these"


def _open(sql: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Views of the canonical tables over every practice's file."""
    ending = next((e for e in ("parquet", "csv") if any(folder.glob(f"*/patient.{e}"))), None)
    if ending is None:
        raise DataError.at(
            str(folder),
            "practices as csv or parquet are needed to compare: write one of these beside the "
            "others (--format csv emis)",
            _formats(folder),
        )
    for name, spec in TABLES.items():
        files = [str(path) for path in sorted(folder.glob(f"*/{name}.{ending}"))]
        if not files:
            columns = ", ".join(f'NULL::{_type(f.type)} AS "{f.name}"' for f in spec.arrow)
            sql.execute(f"CREATE VIEW {name} AS SELECT {columns} WHERE false")
            continue
        listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        if ending == "parquet":
            sql.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{listed}])")
            continue
        kinds = ", ".join(f"'{f.name}': '{_type(f.type)}'" for f in spec.arrow)
        sql.execute(
            f"CREATE TABLE {name} AS SELECT * FROM read_csv([{listed}], header=true, "
            f"columns={{{kinds}}})"
        )
    read = "read_parquet" if ending == "parquet" else "read_csv"
    kinds = ", header=true, all_varchar=true" if ending == "csv" else ""
    for name in ("truth", "letter_truth"):
        file = str(folder / f"{name}.{ending}").replace("'", "''")
        try:
            sql.execute(f"CREATE VIEW {name} AS SELECT * FROM {read}('{file}'{kinds})")
        except duckdb.IOException:
            raise DataError.at(
                str(folder), f"{name}.{ending} is needed beside the practices"
            ) from None


def _type(kind: pa.DataType) -> str:
    if pa.types.is_date(kind):
        return "DATE"
    if pa.types.is_boolean(kind):
        return "BOOLEAN"
    if pa.types.is_integer(kind):
        return "BIGINT"
    if pa.types.is_decimal(kind):
        return "DECIMAL(24,6)"
    return "TIMESTAMPTZ" if pa.types.is_timestamp(kind) else "VARCHAR"


def report(sql: duckdb.DuckDBPyConnection, as_of: int) -> Report:
    """Ask everything of a connection that holds the canonical tables and ``truth``."""
    day = f"DATE '{calendar.to_date(as_of).isoformat()}'"
    got = measure(sql, as_of)
    by_practice = pincer(sql, day)
    got |= {f"pincer_{row['indicator']}": row["median"] for row in by_practice}
    count = _one(sql, "SELECT count(DISTINCT practice) FROM patient")
    got |= _spread(sql) | _letters(sql)
    chapters = _chapters(sql)
    got["chapter_divergence"] = _divergence(chapters)
    got |= _tests(sql, day) | _support(sql)
    errors = {f"pincer_{row['indicator']}": row["error"] for row in by_practice}
    return Report(
        calendar.to_date(as_of).isoformat(),
        int(count),
        int(_one(sql, "SELECT count(*) FROM patient")),
        compare(got, size_of(sql), errors),
        {
            what: int(_one(sql, f"SELECT count(*) FROM ({q.format(day=day)})"))
            for what, q in IMPOSSIBLE
        },
        tuple(leaks(sql)),
        _polypharmacy(sql),
        chapters,
        _pyramid(sql),
        by_practice,
        _gaps(sql),
        _sizes(sql),
        _pairs(sql),
    )


def _one(sql: duckdb.DuckDBPyConnection, question: str) -> float:
    found = sql.execute(question).fetchone()
    return float(found[0] or 0) if found else 0.0


IMPOSSIBLE = (
    (
        "an issue before birth",
        "SELECT 1 FROM issue JOIN patient USING (patient_id) WHERE issued_on < birth_date",
    ),
    (
        "an issue after leaving",
        "SELECT 1 FROM issue JOIN patient USING (patient_id) WHERE issued_on >= registered_to",
    ),
    (
        "a result after death",
        "SELECT 1 FROM coded_entry JOIN patient USING (patient_id) WHERE happened_on >= death_date",
    ),
    ("an entry of tomorrow", "SELECT 1 FROM coded_entry WHERE happened_on > {day}"),
    ("an issue of tomorrow", "SELECT 1 FROM issue WHERE issued_on > {day}"),
    ("entered before it happened", "SELECT 1 FROM coded_entry WHERE recorded_on < happened_on"),
    ("withdrawn before it was entered", "SELECT 1 FROM coded_entry WHERE deleted_on < recorded_on"),
    ("registered before birth", "SELECT 1 FROM patient WHERE registered_from < birth_date"),
    ("discharged before admitted", "SELECT 1 FROM admission WHERE discharged_on < admitted_on"),
    ("a plan that ends before it starts", "SELECT 1 FROM plan WHERE end_date < start_date"),
    (
        "an NHS number outside the test range",
        "SELECT 1 FROM patient WHERE nhs_number NOT LIKE '999%'",
    ),
    (
        "a man with contraception or the menopause",
        "SELECT 1 FROM coded_entry JOIN patient USING (patient_id) WHERE sex = 'male' AND term IN ('Contraception', 'Menopausal symptoms')",
    ),
    (
        "a woman with a prostate",
        "SELECT 1 FROM issue JOIN patient USING (patient_id) WHERE sex = 'female' AND product_text ILIKE 'finasteride%'",
    ),
    (
        "a controlled drug of schedule 2 or 3 on repeat dispensing, not planted",
        "SELECT 1 FROM issue WHERE issue_type = 'erd' AND (product_text ILIKE 'tramadol%' OR product_text ILIKE 'pregabalin%' OR product_text ILIKE 'gabapentin%' OR product_text ILIKE 'zomorph%') AND patient_id NOT IN (SELECT patient_id FROM truth WHERE kind = 'erd.controlled_drug')",
    ),
)
"""What no record may hold, and how to ask for it."""


def _spread(sql: duckdb.DuckDBPyConnection) -> dict[str, float]:
    sizes = [
        float(r[0]) for r in sql.execute("SELECT count(*) FROM listed GROUP BY practice").fetchall()
    ]
    mean = sum(sizes) / len(sizes)
    spread = (sum((s - mean) ** 2 for s in sizes) / len(sizes)) ** 0.5
    letters = _one(sql, "SELECT count(*) FROM document") / sum(sizes) * 1000
    old = sql.execute(
        """SELECT quantile_cont(s, 0.05), quantile_cont(s, 0.95) FROM (SELECT 100.0 * avg(CASE WHEN
        age >= 75 THEN 1 ELSE 0 END) AS s FROM listed GROUP BY practice)"""
    ).fetchone()
    assert old is not None
    return {
        "list_size_cv": spread / mean,
        "letters_per_1000": letters,
        "aged_75_practice_p5": float(old[0]),
        "aged_75_practice_p95": float(old[1]),
    }


def _tests(sql: duckdb.DuckDBPyConnection, day: str) -> dict[str, float]:
    """Laboratory tests a person and year: of each panel, how often its first value was taken."""
    first = {r["panel"]: r["term"] for r in reversed(rows("tests")) if r["mean"]}
    first = {panel: term for panel, term in first.items() if panel not in ("bp", "weight")}
    _lookup(sql, "panels", {term: panel for panel, term in first.items()})
    many = _one(
        sql,
        f"""SELECT count(*) FROM coded_entry
        JOIN listed USING (patient_id) JOIN panels ON term = panels.k
        WHERE happened_on > {day} - 730 AND coded_entry.deleted_on IS NULL""",
    )
    return {"tests_per_person_year": many / 2 / max(_one(sql, "SELECT count(*) FROM listed"), 1)}


def _lookup(sql: duckdb.DuckDBPyConnection, name: str, pairs: Mapping[str, str]) -> None:
    sql.execute(f"CREATE OR REPLACE TEMP TABLE {name} (k VARCHAR, v VARCHAR)")
    sql.executemany(f"INSERT INTO {name} VALUES (?, ?)", list(pairs.items()))


COVERED = {
    "ppi": ("nsaid", "aspirin", "clopidogrel", "doac", "warfarin", "prednisolone"),
    "h2ra": ("nsaid", "aspirin", "clopidogrel", "doac", "warfarin"),
    "folic": ("methotrexate",),
}
"""Groups that another medicine explains."""


def _support(sql: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """How many repeat items have a coded condition, or another medicine, that explains them."""
    causes = {(r["group"], r["condition"]) for r in rows("ladders")}
    causes |= {(group, condition) for group, (_, condition) in FILLING.items()}
    causes |= {(drug, c) for drug, by in SOURCES.items() for c, _ in by} | set(OTHER_CAUSES)
    terms = {r["condition"]: r["term"] for r in rows("conditions")}
    also = {"diabetes2": "Diabetes mellitus", "hypothyroid": "Acquired hypothyroidism"}
    told = [(g, terms[c]) for g, c in causes] + [(g, also[c]) for g, c in causes if c in also]
    sql.execute("CREATE OR REPLACE TEMP TABLE causes (grp VARCHAR, term VARCHAR)")
    sql.executemany("INSERT INTO causes VALUES (?, ?)", sorted(told))
    cover = [(group, other) for group, others in COVERED.items() for other in others]
    sql.execute("CREATE OR REPLACE TEMP TABLE covers (grp VARCHAR, other VARCHAR)")
    sql.executemany("INSERT INTO covers VALUES (?, ?)", cover)
    _lookup(sql, "groups", {o.product: o.group for o in options() if o.group != "acute"})
    share = _one(
        sql,
        """WITH held_items AS (SELECT DISTINCT patient_id, groups.v AS grp FROM plan
            JOIN listed USING (patient_id) JOIN groups ON product_text = groups.k
            WHERE status = 'active' AND plan_type IN ('repeat', 'erd')),
        explained AS (SELECT DISTINCT patient_id, grp FROM held_items JOIN causes USING (grp)
            JOIN coded_entry USING (patient_id, term)
          UNION SELECT h.patient_id, h.grp FROM held_items h JOIN covers c USING (grp)
            JOIN held_items o ON o.patient_id = h.patient_id AND o.grp = c.other)
        SELECT 100.0 * (SELECT count(*) FROM explained) / nullif((SELECT count(*) FROM held_items), 0)""",
    )
    return {"indication_support": share}


PAIRS = (
    ("Essential hypertension", "Type 2 diabetes mellitus"),
    ("Essential hypertension", "Chronic kidney disease stage 3"),
    ("Type 2 diabetes mellitus", "Ischemic heart disease"),
    ("Ischemic heart disease", "Heart failure"),
    ("Atrial fibrillation", "Heart failure"),
    ("Atrial fibrillation", "Cerebrovascular accident"),
)
"""Conditions that go together; nobody's figure is held to here."""


def _pairs(sql: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Odds ratios of pairs of conditions among people of 65 and over."""
    out = []
    for one, other in PAIRS:
        counts = sql.execute(
            """SELECT a, b, count(*) FROM (SELECT patient_id IN (SELECT patient_id FROM coded_entry
            WHERE term = ?) AS a, patient_id IN (SELECT patient_id FROM coded_entry WHERE term = ?)
            AS b FROM listed WHERE age >= 65) GROUP BY 1, 2""",
            [one, other],
        ).fetchall()
        table = {(a, b): n for a, b, n in counts}
        apart = table.get((True, False), 0) * table.get((False, True), 0)
        ratio = table.get((True, True), 0) * table.get((False, False), 0) / apart if apart else None
        out.append({"one": one, "other": other, "odds_ratio": ratio and round(ratio, 2)})
    return out


def _letters(sql: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Per letter that lists everything: medicines, and those started, changed and stopped."""
    letters = _one(sql, f"SELECT count(DISTINCT letter) FROM {WHOLE}") or 1.0
    lines = f"SELECT count(*) FROM {WHOLE} AND place IS NOT NULL"
    out = {
        "letter_medicines": _one(sql, f"{lines} AND stated IS DISTINCT FROM 'stopped'") / letters
    }
    for name, stated in (("started", "new"), ("changed", "changed"), ("stopped", "stopped")):
        out[f"letter_{name}"] = _one(sql, f"{lines} AND stated = '{stated}'") / letters
        told = _one(sql, f"{lines} AND stated = '{stated}' AND coalesce(reason, '') <> ''")
        out[f"letter_{name}_reason"] = 100 * told / max(out[f"letter_{name}"] * letters, 1.0)
    return out


WHOLE = "letter_truth WHERE layout <> 'changes_only'"


def _chapters(sql: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Items by BNF chapter, generated and national."""
    chapter_of = {group: r["chapter"] for r in rows("chapters") for group in r["groups"].split("|")}
    named = {
        option.product: chapter_of.get(option.drug if option.group == "acute" else option.group, "")
        for option in options()
    }
    counts = dict.fromkeys((r["chapter"] for r in rows("chapters")), 0)
    for product, number in sql.execute(
        "SELECT product_text, count(*) FROM given GROUP BY 1"
    ).fetchall():
        chapter = named.get(product, "")
        if chapter:
            counts[chapter] += number
    total = sum(counts.values()) or 1
    return [
        {
            "chapter": r["name"],
            "percent": round(100.0 * counts[r["chapter"]] / total, 2),
            "national": float(r["percent"]) if r["percent"] else None,
        }
        for r in rows("chapters")
    ]


def _divergence(chapters: list[dict[str, Any]]) -> float:
    """The Jensen-Shannon divergence, in bits, over the chapters with a published share."""
    known = [(c["percent"], c["national"]) for c in chapters if c["national"]]
    here, there = sum(a for a, _ in known) or 1.0, sum(b for _, b in known) or 1.0
    total = 0.0
    for a, b in ((a / here, b / there) for a, b in known):
        middle = (a + b) / 2
        total += sum(x * math.log2(x / middle) / 2 for x in (a, b) if x)
    return total


def _polypharmacy(sql: duckdb.DuckDBPyConnection) -> list[dict[str, float]]:
    found = dict(sql.execute("SELECT n, count(*) FROM held GROUP BY 1").fetchall())
    total = sum(found.values()) or 1
    curve = _negative_binomial(1.87, 0.27, 16)
    return [
        {
            "items": n,
            "percent": round(100.0 * sum(c for k, c in found.items() if k >= n) / total, 2),
            "expected": round(100 * curve[n], 2),
        }
        for n in range(1, 16)
    ]


def _negative_binomial(mean: float, shape: float, upto: int) -> list[float]:
    """The share of people with at least n items, for n from 0: the curve that fits the surveys."""
    chance = (shape / (shape + mean)) ** shape
    ratio = mean / (shape + mean)
    out, left = [1.0], 1.0
    for n in range(upto):
        left -= chance
        out.append(left)
        chance *= (n + shape) / (n + 1) * ratio
    return out


def _pyramid(sql: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    found = sql.execute(
        "SELECT least(90, floor(age / 5) * 5)::INT AS age, count(*) FILTER (sex = 'male'), "
        "count(*) FILTER (sex = 'female') FROM listed GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return [{"age": a, "male": m, "female": f} for a, m, f in found]


def _gaps(sql: duckdb.DuckDBPyConnection) -> list[dict[str, int]]:
    """Days between one issue of a 28-day repeat and the next, in the last year."""
    found = sql.execute(
        """SELECT gap, count(*) FROM (SELECT issued_on - lag(issued_on) OVER (PARTITION BY plan_id
        ORDER BY issued_on) AS gap FROM given WHERE supply_days = 28 AND issue_type = 'repeat')
        WHERE gap BETWEEN 1 AND 70 GROUP BY 1 ORDER BY 1"""
    ).fetchall()
    return [{"days": int(d), "count": n} for d, n in found]


def _sizes(sql: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    found = sql.execute(
        """SELECT l.practice, any_value(l.n), any_value(l.old),
        count(g.issue_id) * 1.0 / any_value(l.n) FROM (SELECT practice, count(*) AS n,
          100.0 * avg(CASE WHEN age >= 75 THEN 1 ELSE 0 END) AS old FROM listed GROUP BY 1) l
        LEFT JOIN given g ON g.practice = l.practice GROUP BY 1 ORDER BY 2"""
    ).fetchall()
    return [
        {"practice": p, "patients": n, "aged_75_plus": round(old, 1), "items": round(items, 2)}
        for p, n, old, items in found
    ]
