"""The rule engine."""

from __future__ import annotations

from bench.measure import AS_OF, best, show


def bench_rules() -> None:
    """The eight rules over 5,000 patients (asked for: under 1 s), against one query by hand."""
    import duckdb

    from counterfoil import rules, synthetic
    from counterfoil.foundation.days import to_day
    from counterfoil.rules.engines.duckdb import Engine
    from counterfoil.rules.sets import TerminologySets

    day, loaded, sets = to_day(AS_OF), rules.load(), TerminologySets()
    made = synthetic.generate(5000, 2, 1, day).tables
    rows = sum(made[t].num_rows for t in ("issue", "coded_entry", "plan", "problem"))

    def spans() -> None:
        with Engine(made, sets, day) as engine:
            engine.spans(loaded)

    spans()
    seconds, mark = best(spans)
    show(
        "8 rules, every span of the whole history, 5,000 patients", seconds, mark, f"{rows:,} rows"
    )
    seconds, mark = best(lambda: rules.run(made, loaded, day, sets), 2)
    show("the same with near, findings and reasons", seconds, mark)

    def by_hand() -> None:
        issue, patient = made["issue"], made["patient"]  # noqa: F841 - DuckDB reads them by name
        duckdb.sql(
            "SELECT count(DISTINCT i.patient_id) FROM issue i JOIN patient p USING (patient_id) "
            f"WHERE i.issued_on > DATE '{AS_OF}' - INTERVAL 3 MONTH AND "
            "i.product_text ILIKE '%naproxen%' AND p.birth_date < DATE '1961-11-20'"
        ).fetchall()

    seconds, mark = best(by_hand)
    show("one hand-written query that answers one clause today", seconds, mark)
