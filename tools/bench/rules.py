"""The rule engine: every span of the whole history, today's list, explanations, a daily delta."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measure import AS_OF, ROOT, best, calibration, show

PINCER = 14


def _files(scan: Any) -> list[Path]:
    return [path for part in scan.parts for path in part.files]


def _measured(tables: Any) -> int:
    """The rows of issues, entries, plans and problems in a store."""
    import pyarrow.parquet as pq

    return sum(
        pq.read_metadata(path).num_rows
        for name in ("issue", "coded_entry", "plan", "problem")
        for path in _files(tables[name])
    )


@contextmanager
def _network(patients: int, density: str = "audit") -> Iterator[dict[str, Any]]:
    """A made-up network as a store keeps it: scans by table, of files written a practice at a time."""
    from counterfoil.foundation.days import to_day
    from counterfoil.records.files import write
    from counterfoil.records.scan import Part, Scan, range_of
    from counterfoil.rules.engines.prepare import TABLES
    from counterfoil.synthetic import generate, usual_practices
    from counterfoil.synthetic.population import network

    practices = usual_practices(patients)
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, list[Part]] = {name: [] for name in TABLES}
        for place in network(patients, practices, 1):
            made = generate(patients, practices, 1, to_day(AS_OF), [place.code], density=density)
            of_practice = Path(folder) / place.code
            of_practice.mkdir()
            for name, parts in found.items():
                files = tuple(write(name, made.tables[name], "by_patient", of_practice))
                many = len(files) > 1
                ranges = tuple(range_of(path, "patient_id") for path in files) if many else ()
                parts.append(Part(files, (), ranges))
        yield {name: Scan(name, tuple(parts)) for name, parts in found.items()}


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


def _apart(tables: Any, chosen: Sequence[Any], runs: int) -> tuple[float, float, float, float]:
    """Every span in a process of its own: seconds, of all processors, of the calibration, and
    gigabytes at the most, which do not count what it took to make the data."""
    told = subprocess.run(
        [sys.executable, "-c", "from bench.rules import _told; _told()"],
        input=pickle.dumps((tables, list(chosen), runs)),
        stdout=subprocess.PIPE,
        check=True,
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tools'}", "PATH": ""},
    )
    seconds, busy, mark, peak = json.loads(told.stdout)
    return seconds, busy, mark, peak


def _told() -> None:
    """In that process: what to run comes in, what was measured goes out."""
    tables, chosen, runs = pickle.loads(sys.stdin.buffer.read())
    work = _spans(tables, chosen)
    [took] = _by_turns(work, runs=runs)
    # Not the peak of getrusage, which a process takes over from the one that started it.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024**2
    print(json.dumps([took.seconds, took.busy, took.mark, peak]))


def _by_hand(tables: Any) -> Callable[[], int]:
    """The 14 indicators on one day, as somebody would write them who wants nothing else."""
    import duckdb

    from counterfoil.terminology import formulary
    from counterfoil.terminology.codesets import load_codeset, load_drugset

    sys.path.insert(0, str(ROOT / "tests"))
    from unit.rules.pincer import CODES, DRUGS

    codes = [*CODES, "egfr"]
    listed = {n: "['" + "','".join(map(str, _files(scan))) + "']" for n, scan in tables.items()}
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
    whole, now, later = _by_turns(
        lambda: incremental.full(tables, chosen, day),
        lambda: incremental.update(state, tables, chosen, day, touched),
        lambda: incremental.update(state, tables, chosen, day + 1, touched),
        runs=2,
    )
    woken = sum(1 for each in state.wakes["day"].to_pylist() if each <= day + 1)
    _show("a full run, now and ahead", whole)
    _show("a delta of 0.5%, the same day (asked for: a tenth)", now, of=whole)
    more = f"{woken} woken beside {len(touched)}"
    _show("a delta of 0.5%, the next day (asked for: a tenth)", later, more, of=whole)


def slow_bench_rules_density() -> None:
    """Audit density, 100,000 patients: every span of 14 indicators, and today's list of them,
    against a query by hand that answers only today; a trend; a delta of all rules.

    Pieces that are compared run by turns, so that both meet the same machine. On one that others
    use too, the processor seconds say more than the time.
    """
    from counterfoil.foundation.days import to_day
    from counterfoil.rules.engines.duckdb import Engine
    from counterfoil.rules.sets import TerminologySets

    with _network(100_000) as tables:
        rows = f"{_measured(tables):,} rows"
        hand, spans = _by_turns(_by_hand(tables), _spans(tables, _rules()))
        _show("14 indicators by hand, one day, 100,000 patients", hand, rows)
        _show("14 indicators, every span (asked for: 3 of by hand)", spans, of=hand)
        _today(tables, hand)
        _trend(tables)
        with Engine(tables, TerminologySets(), to_day(AS_OF)) as engine:
            people = engine.fetch("SELECT practice, patient_id FROM who").to_pylist()
        _delta(tables, _rules(pincer=False), people)


@dataclass(frozen=True)
class _Took:
    """The best of some runs: seconds, processor seconds, and the calibration between them."""

    seconds: float
    busy: float
    mark: float


def _by_turns(*works: Callable[[], object], runs: int = 5) -> list[_Took]:
    for work in works:
        work()
    found: list[list[_Took]] = [[] for _ in works]
    for _ in range(runs):
        for work, took in zip(works, found, strict=True):
            mark = calibration()
            start, busy = time.perf_counter(), time.process_time()
            work()
            took.append(_Took(time.perf_counter() - start, time.process_time() - busy, mark))
    return [
        _Took(*(min(getattr(t, name) for t in took) for name in ("seconds", "busy", "mark")))
        for took in found
    ]


def _show(what: str, took: _Took, more: str = "", of: _Took | None = None) -> None:
    parts = [f"{took.busy:.3f} processor s"]
    if of is not None:
        ratios = took.seconds / of.seconds, took.busy / of.busy
        parts.append("{:.2f} of it, {:.2f} by processor".format(*ratios))
    show(what, took.seconds, took.mark, ", ".join([*parts, *([more] if more else [])]))


def _today(tables: Any, by_hand: _Took) -> None:
    """Today's list from the files (every span, and who stands today), and from the spans kept."""
    from counterfoil.foundation.days import to_day
    from counterfoil.rules.engines.duckdb import Engine
    from counterfoil.rules.run import when_spans
    from counterfoil.rules.sets import TerminologySets

    day, chosen, sets = to_day(AS_OF), _rules(), TerminologySets()

    def standing(spans: Any) -> int:
        return sum(1 for row in when_spans(spans) if row["since"] <= day < row["until"])

    def whole() -> int:
        with Engine(tables, sets, day) as engine:
            return standing(engine.spans(chosen))

    with Engine(tables, sets, day) as engine:
        spans = engine.spans(chosen)
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "spans.arrow"
        _keep(kept, spans.table)
        files, published = _by_turns(whole, lambda: standing(_kept(kept, day)), runs=3)
    asked = "(asked for: 1.5)"
    _show("today's list, read from the files", files, asked, of=by_hand)
    _show("today's list, from the spans kept", published, asked, of=by_hand)


def _keep(path: Path, table: Any) -> None:
    import pyarrow as pa

    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)


def _kept(path: Path, day: int) -> Any:
    import pyarrow as pa

    from counterfoil.rules.engines.duckdb import Spans

    with pa.OSFile(str(path)) as file:
        return Spans(pa.ipc.open_stream(file).read_all(), day, False)


def _trend(tables: Any) -> None:
    from counterfoil import rules
    from counterfoil.foundation.days import to_day

    chosen = _rules()
    with_trend, without = _by_turns(
        lambda: rules.trend(tables, chosen, to_day(AS_OF), 24), _spans(tables, chosen), runs=3
    )
    more = f"{with_trend.busy - without.busy:.3f} processor s (asked for: 0.3)"
    beyond = with_trend.seconds - without.seconds
    show("a 24-month trend by practice, beyond the spans", beyond, with_trend.mark, more)


def slow_bench_rules_curve() -> None:
    """14 indicators at 10,000, 100,000 and 1,000,000 patients (asked for: 90 s, 8 GB, and linear)."""
    for patients in (10_000, 100_000, 1_000_000):
        with _network(patients) as tables:
            seconds, busy, mark, peak = _apart(tables, _rules(), 1)
            more = f"{_measured(tables):,} rows, {busy:.1f} processor s, {peak:.1f} GB"
            show(f"14 indicators, every span, {patients:,} patients", seconds, mark, more)


def slow_bench_rules_emis() -> None:
    """A clinical system's density, 35,000 patients: 20, 60 and 100 rules (asked for: 20 s, 3 GB, and
    each further rule under 2% of the run).

    The copies of the shipped rules have windows of their own, so that they share no fact by luck.
    """
    chosen = _rules(pincer=False)
    with _network(35_000, "emis") as tables:
        rows = f"{_measured(tables):,} rows"
        last: tuple[int, float] | None = None
        for copies in (1, 3, 5):
            many = [_varied(rule, i) for i in range(copies) for rule in chosen]
            seconds, busy, mark, peak = _apart(tables, many, 2)
            more = f"{rows}, {busy:.1f} processor s, {peak:.1f} GB"
            if last:
                each = (busy - last[1]) / (len(many) - last[0]) / busy
                more += f", {100 * each:.1f}% of the run for each further rule"
            show(f"{len(many)} rules, every span", seconds, mark, more)
            last = len(many), busy


def _varied(rule: Any, copy: int) -> Any:
    """A rule under another name, every length of time in it longer by so many days."""
    from dataclasses import fields, is_dataclass, replace

    from counterfoil.rules.facts import Length

    def longer(value: Any) -> Any:
        if isinstance(value, Length):
            return Length(days=value.days + 31 * value.months + copy)
        if isinstance(value, tuple):
            return tuple(map(longer, value))
        if not is_dataclass(value):
            return value
        return replace(value, **{f.name: longer(getattr(value, f.name)) for f in fields(value)})  # type: ignore[type-var]

    if not copy:
        return rule
    clauses = tuple(replace(clause, fact=longer(clause.fact)) for clause in rule.clauses)
    return replace(rule, id=f"{rule.id}.{copy}", clauses=clauses)
