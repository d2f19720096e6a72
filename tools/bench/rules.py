"""The rule engine: every span of the whole history, today's list, explanations, a daily delta."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.measure import AS_OF, ROOT, best, calibration, show

PINCER = 14


def _measured(tables: Any) -> int:
    """The rows of issues, entries, plans and problems in Parquet files."""
    import pyarrow.parquet as pq

    return sum(
        pq.read_metadata(path).num_rows
        for name in ("issue", "coded_entry", "plan", "problem")
        for path in tables[name]
    )


@contextmanager
def _network(patients: int, density: str = "audit") -> Iterator[dict[str, list[Path]]]:
    """A made-up network as Parquet files by table, a practice at a time, patients in order."""
    import pyarrow.parquet as pq

    from counterfoil.foundation.days import to_day
    from counterfoil.synthetic import generate, usual_practices
    from counterfoil.synthetic.population import network

    practices = usual_practices(patients)
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, list[Path]] = {}
        for place in network(patients, practices, 1):
            made = generate(patients, practices, 1, to_day(AS_OF), [place.code], density=density)
            for name, table in made.tables.items():
                path = Path(folder) / f"{place.code}-{name}.parquet"
                if "patient_id" in table.column_names:
                    table = table.sort_by("patient_id")
                pq.write_table(table, path, row_group_size=65_536)
                found.setdefault(name, []).append(path)
        yield found


def _rules(pincer: bool = True) -> list[Any]:
    from counterfoil import rules

    old = ("safety.", "measure.", "monitoring.acei")
    return [r for r in rules.load() if not pincer or r.id.startswith(old)]


def _spans(tables: Any, chosen: Sequence[Any]) -> Callable[[], int]:
    from counterfoil.foundation.days import to_day
    from counterfoil.rules.engines.duckdb import Engine
    from counterfoil.rules.sets import TerminologySets

    sets = TerminologySets()

    def work() -> int:
        with Engine(tables, sets, to_day(AS_OF)) as engine:
            return int(engine.spans(chosen).table.num_rows)

    return work


def _by_hand(tables: Any) -> Callable[[], int]:
    """The 14 indicators on one day, as somebody would write them who wants nothing else."""
    import duckdb

    from counterfoil.terminology import formulary
    from counterfoil.terminology.codesets import load_codeset, load_drugset

    sys.path.insert(0, str(ROOT / "tests"))
    from unit.rules.pincer import CODES, DRUGS

    codes = [*CODES, "egfr"]
    listed = {n: "['" + "','".join(str(p) for p in paths) + "']" for n, paths in tables.items()}
    issue, entry = (f"read_parquet({listed[n]})" for n in ("issue", "coded_entry"))
    day = f"DATE '{AS_OF}'"

    def issued(name: str, back: int, skip: int = 0) -> str:
        last = f"{day} - INTERVAL {skip} MONTH"
        return f"bool_or(s = '{name}' AND d >= {day} - INTERVAL {back} MONTH AND d <= {last})"

    def before(name: str, months: int) -> str:
        return f"bool_or(s = '{name}' AND d <= {day} - INTERVAL {months} MONTH)"

    flags = {
        **{n: issued(n, 3) for n in DRUGS},
        **{f"{n}_6": issued(n, 6) for n in ("acei_arb", "loop_diuretic", "amiodarone_oral")},
        **{f"{n}_15": before(n, 15) for n in ("acei_arb", "loop_diuretic")},
        **{f"{n}_old": issued(n, 6, 3) for n in ("methotrexate", "lithium")},
        "amiodarone_old": issued("amiodarone_oral", 12, 6),
    }
    tested = {
        **{n: issued(n, 3) for n in ("fbc", "lft", "lithium_level")},
        "tft": issued("tft", 6),
        "renal": issued("renal_function", 15),
        "salts": issued("u_and_e", 15),
        "bled": f"{before('peptic_ulcer', 3)} OR {before('gi_bleed', 3)}",
        "hf": before("heart_failure", 3),
        "wheeze": f"max(CASE WHEN s = 'asthma' AND d <= {day} - INTERVAL 3 MONTH THEN d END) > "
        f"coalesce(max(CASE WHEN s = 'asthma_resolved' AND d <= {day} - INTERVAL 3 MONTH "
        "THEN d END), DATE '1900-01-01')",
        "rate": f"max_by(v, d) FILTER (WHERE s = 'egfr' AND d <= {day} - INTERVAL 3 MONTH)",
    }
    numerators = (
        "years >= 65 AND nsaid_oral AND NOT gastroprotection",
        "bled AND nsaid_oral AND NOT gastroprotection",
        "bled AND antiplatelet AND NOT gastroprotection",
        "anticoagulant_oral AND nsaid_oral",
        "pair1 AND NOT gastroprotection",
        "pair2 AND NOT gastroprotection",
        "wheeze AND beta_blocker_nonselective",
        "hf AND nsaid_oral",
        "rate >= 1 AND rate < 45 AND nsaid_oral",
        "years >= 75 AND (acei_arb_6 AND acei_arb_15 OR loop_diuretic_6 AND loop_diuretic_15) "
        "AND NOT (renal AND salts)",
        "methotrexate AND methotrexate_old AND NOT fbc",
        "methotrexate AND methotrexate_old AND NOT lft",
        "lithium AND lithium_old AND NOT lithium_level",
        "amiodarone_oral_6 AND amiodarone_old AND NOT tft",
    )

    def pair(one: str, other: str) -> str:
        since = f"{day} - INTERVAL 3 MONTH"
        return (
            "(SELECT DISTINCT a.patient_id FROM i a JOIN i b USING (patient_id) "
            f"WHERE a.s = '{one}' AND b.s = '{other}' AND a.d >= {since} AND b.d >= {since} "
            "AND abs(a.d - b.d) < 28)"
        )

    def select(given: dict[str, str]) -> str:
        return ", ".join(f"{text} AS {name}" for name, text in given.items())

    def known(*names: str) -> str:
        return ", ".join(f"coalesce({n}, false) AS {n}" for n in names)

    flat = known(*flags, *(t for t in tested if t != "rate"))
    query = (
        f"WITH i AS (SELECT m.s, x.patient_id, x.issued_on AS d FROM {issue} x JOIN member m "
        f"ON m.t = x.product_text WHERE x.issued_on <= {day}), "
        f"e AS (SELECT c.s, x.patient_id, x.happened_on AS d, CAST(x.value AS DOUBLE) AS v "
        f"FROM {entry} x JOIN codes c ON c.c = x.code WHERE x.happened_on <= {day}), "
        f"f AS (SELECT patient_id, {select(flags)} FROM i GROUP BY patient_id), "
        f"g AS (SELECT patient_id, {select(tested)} FROM e GROUP BY patient_id), "
        f"h AS (SELECT date_diff('year', birth_date, {day}) AS years, rate, {flat}, "
        f"patient_id IN {pair('anticoagulant_oral', 'antiplatelet')} AS pair1, "
        f"patient_id IN {pair('aspirin', 'antiplatelet_not_aspirin')} AS pair2 "
        f"FROM read_parquet({listed['patient']}) p LEFT JOIN f USING (patient_id) "
        "LEFT JOIN g USING (patient_id)) SELECT "
        + ", ".join(f"count(*) FILTER (WHERE {n})" for n in numerators)
        + " FROM h WHERE years >= 18"
    )
    db = duckdb.connect(config={"threads": 2})
    db.execute("SET enable_progress_bar = false")
    texts = db.execute(f"SELECT DISTINCT product_text FROM {issue}").fetchall()
    matches = {text: formulary().match(text) for (text,) in texts}
    db.execute("CREATE TABLE member (s VARCHAR, t VARCHAR)")
    db.execute("CREATE TABLE codes (s VARCHAR, c VARCHAR)")
    rows = [(d, t) for d in DRUGS for t, m in matches.items() if load_drugset(d).truth(m)]
    db.executemany("INSERT INTO member VALUES (?, ?)", rows)
    db.executemany(
        "INSERT INTO codes VALUES (?, ?)", [(n, c) for n in codes for c in load_codeset(n).codes]
    )
    return lambda: len(db.execute(query).fetchall())


def bench_rules() -> None:
    """All shipped rules over 5,000 patients; one explanation; a delta of one patient in 200."""
    from counterfoil import rules
    from counterfoil.foundation.days import to_day
    from counterfoil.rules.engines.duckdb import Engine
    from counterfoil.rules.sets import TerminologySets

    day, chosen, sets = to_day(AS_OF), _rules(pincer=False), TerminologySets()
    with _network(5000) as tables:
        rows = f"{_measured(tables):,} rows"
        work = _spans(tables, chosen)
        work()
        seconds, mark = best(work)
        show(f"{len(chosen)} rules, every span, 5,000 patients", seconds, mark, rows)
        seconds, mark = best(lambda: rules.run(tables, chosen, day, sets), 2)
        show("the same with near, findings and reasons", seconds, mark)
        with Engine(tables, sets, day) as engine:
            people = engine.fetch("SELECT practice, patient_id FROM who").to_pylist()
            some = [(p["practice"], p["patient_id"]) for p in people[::50]]
            records = list(engine.records(set(some)).values())
        rule = next(r for r in chosen if r.id == "monitoring.methotrexate")
        start, mark = time.perf_counter(), calibration()
        start = time.perf_counter()
        for record in records:
            rules.explain(record, rule, day, sets)
        each = (time.perf_counter() - start) / len(records)
        show("one explanation (asked for: under 0.020 s)", each, mark, f"{len(records)} patients")
        _delta(tables, chosen, people)


def _delta(tables: Any, chosen: Sequence[Any], people: list[dict[str, str]]) -> None:
    from counterfoil.foundation.days import to_day
    from counterfoil.rules import incremental

    day = to_day(AS_OF)
    state = incremental.full(tables, chosen, day)
    touched = [(p["practice"], p["patient_id"]) for p in people[::200]]
    whole, mark = best(lambda: incremental.full(tables, chosen, day), 2)
    part, _ = best(lambda: incremental.update(state, tables, chosen, day, touched), 2)
    show("a full run, now and ahead", whole, mark)
    show(
        "a delta of 0.5% (asked for: under a tenth)",
        part,
        mark,
        f"{part / whole:.2f} of a full run",
    )


def slow_bench_rules_density() -> None:
    """Audit density, 100,000 patients: every span of 14 indicators, against today by hand."""
    with _network(100_000) as tables:
        rows = f"{_measured(tables):,} rows"
        hand, spans = _by_hand(tables), _spans(tables, _rules())
        hand()
        today, mark = best(hand)
        show("14 indicators by hand, one day, 100,000 patients", today, mark, rows)
        seconds, mark = best(spans)
        more = f"{seconds / today:.2f} of by hand (asked for: 3)"
        show("14 indicators, every span of the whole history", seconds, mark, more)
        _trend(tables)


def _trend(tables: Any) -> None:
    from counterfoil import rules
    from counterfoil.foundation.days import to_day

    chosen = _rules()
    with_trend, mark = best(lambda: rules.trend(tables, chosen, to_day(AS_OF), 24), 2)
    without, _ = best(_spans(tables, chosen), 2)
    show("a 24-month trend by practice, beyond the spans", with_trend - without, mark)


def slow_bench_rules_curve() -> None:
    """14 indicators at 10,000, 100,000 and 1,000,000 patients: seconds, and gigabytes at the most."""
    for patients in (10_000, 100_000, 1_000_000):
        with _network(patients) as tables:
            work = _spans(tables, _rules())
            seconds, mark = best(work, 1)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
            more = f"{_measured(tables):,} rows, {peak:.1f} GB"
            show(f"14 indicators, every span, {patients:,} patients", seconds, mark, more)


def slow_bench_rules_emis() -> None:
    """A clinical system's density, 35,000 patients: 20, 60 and 100 rules (asked for: 20 s, 3 GB)."""
    from dataclasses import replace

    chosen = _rules(pincer=False)
    with _network(35_000, "emis") as tables:
        rows = f"{_measured(tables):,} rows"
        for copies in (1, 3, 5):
            many = [replace(r, id=f"{r.id}.{i}") for i in range(copies) for r in chosen]
            seconds, mark = best(_spans(tables, many), 2)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
            show(f"{len(many)} rules, every span", seconds, mark, f"{rows}, {peak:.1f} GB")
