"""Whether anything but the record itself tells what was planted: order, ids, dates, counts, sizes.

For each planted kind of fault, people with it are laid beside people without any fault who have the
same diagnoses and take medicines of the same groups, as far as those who have the fault share these,
of the same age band, sex and number of repeat items (gastroprotection, which faults lack, not counted;
for dates and entries nor the medicines in common, of which a fault may be one too many). The measure is the area under the curve (AUC) of guessing by one figure alone, put
together over those strata as van Elteren does; 0.5 is chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import NormalDist

import duckdb

from counterfoil.synthetic.lists import options

BAND = 0.05
"""An AUC of 0.45 to 0.55 tells nothing: the bar of the notes, section 6.6."""

FALSE_ALARM = 0.05
"""How likely one report may be to call a leak where there is none, over all its guesses."""

GUESSES = {
    "the order of the patients": "rank_in_list",
    "the NHS number": "number",
    "the day of registration": "registered",
    "the number of coded entries": "entries",
    "the number of issues": "issues",
    "the size of the record": "lines",
}

TEST_MISSING = "a test that is missing is an entry fewer"
SHOWN_BY_RESULTS = "the results that show the fault are entries more"
CODE_MISSING = "a code that is missing or entered twice is an entry more or less"
TESTS_SCRIPTED = "tests of people on this medicine follow its monitoring, whatever else is wrong"
BEGUN_LATELY = "a hazard that began lately has been issued fewer times than what is old"
LONGER_HISTORY = "people on this medicine have four years of history here, others two"
OTHERS_ILL = "who has the disease, coded and treated, orders more regularly than who has it not"
ORDERING = "the fault is the number of issues"
EXEMPT = {
    "the number of coded entries": {
        "methotrexate": TEST_MISSING,
        "lithium": TEST_MISSING,
        "amiodarone": TEST_MISSING,
        "doac": TEST_MISSING,
        "acei_loop_renal": TEST_MISSING,
        "hba1c": SHOWN_BY_RESULTS,
        "kidney": SHOWN_BY_RESULTS,
        "kidney_dose": SHOWN_BY_RESULTS,
        "doac_dose": SHOWN_BY_RESULTS,
        "egfr_nsaid": SHOWN_BY_RESULTS,
        "abnormal_result": SHOWN_BY_RESULTS,
        "dose": TESTS_SCRIPTED,
        "lithium_nsaid": TESTS_SCRIPTED,
        "qt_pair": TESTS_SCRIPTED,
        "diabetes": CODE_MISSING,
        "levothyroxine": CODE_MISSING,
        "problem": CODE_MISSING,
    },
    "the number of issues": {
        **dict.fromkeys(
            (
                "nsaid",
                "ulcer_nsaid",
                "ulcer_antiplatelet",
                "anticoagulant_nsaid",
                "anticoagulant_antiplatelet",
                "aspirin_antiplatelet",
                "asthma_betablocker",
                "heart_failure_nsaid",
                "egfr_nsaid",
                "triple_whammy",
            ),
            BEGUN_LATELY,
        ),
        **dict.fromkeys(("dose", "lithium_nsaid", "qt_pair"), LONGER_HISTORY),
        **dict.fromkeys(("hba1c", "kidney", "diabetes", "abnormal_result"), OTHERS_ILL),
        "acei_loop_renal": "who began within 15 months cannot have gone 15 months without a test",
        "repeat": ORDERING,
        "erd": "a batch is issued at once, months ahead",
    },
    "the day of registration": {
        "acei_loop_renal": "who came within 15 months cannot have gone 15 months without a test here",
        "doac": "who came within a year cannot have gone a year without a test here",
        "repeat.unused": "who came within a year cannot have left an item alone for a year here",
    },
}
EXEMPT["the size of the record"] = {
    **EXEMPT["the number of coded entries"],
    **EXEMPT["the number of issues"],
}
"""Which counts a subject's faults change by being what they are, and why."""


@dataclass(frozen=True, slots=True)
class Leak:
    """How well a trivial guess tells the planted from the rest.

    ``error`` is the standard error of the AUC where there is no leak; ``sees`` how far from 0.5 an
    AUC must lie for this many people to show it. ``exempt`` says why the figure is part of the fault.
    """

    guess: str
    subject: str
    planted: int
    others: int
    auc: float
    error: float
    sees: float = 0.0
    exempt: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the guess fails; ``None`` where that cannot be told, or is no question."""
        if self.exempt:
            return None
        off = abs(self.auc - 0.5)
        if off >= BAND and off > self.sees:
            return False
        return True if self.sees <= BAND else None


def leaks(sql: duckdb.DuckDBPyConnection) -> list[Leak]:
    """Every guess about every kind, then all kinds together, then the letters.

    The connection holds the canonical tables, ``truth``, ``letter_truth`` and ``listed``.
    """
    _figures(sql)
    found = list(_by_kind(sql))
    found += [_together(guess, found) for guess in GUESSES]
    found += _letters(sql)
    asked = sum(not leak.exempt for leak in found)
    reach = NormalDist().inv_cdf(1 - FALSE_ALARM / (2 * max(asked, 1)))
    return [replace(leak, sees=round(reach * leak.error, 4)) for leak in found]


def _figures(sql: duckdb.DuckDBPyConnection) -> None:
    """A row a person: the figures to guess by, and the stratum."""
    groups = [(option.product, option.group) for option in options() if option.group != "acute"]
    sql.execute("CREATE OR REPLACE TEMP TABLE grouped (product_text VARCHAR, grp VARCHAR)")
    sql.executemany("INSERT INTO grouped VALUES (?, ?)", sorted(set(groups)))
    sql.execute(
        """CREATE OR REPLACE TEMP TABLE takes AS SELECT DISTINCT patient_id, grp FROM plan
        JOIN grouped USING (product_text) WHERE status = 'active' AND plan_type IN ('repeat', 'erd')"""
    )
    sql.execute(
        """CREATE OR REPLACE TEMP TABLE suffers AS SELECT DISTINCT patient_id, term FROM coded_entry
        WHERE kind = 'diagnosis'"""
    )
    sql.execute(
        """CREATE OR REPLACE TEMP TABLE guessed AS
        WITH e AS (SELECT patient_id, count(*) AS n FROM coded_entry GROUP BY 1),
          i AS (SELECT patient_id, count(*) AS n FROM issue GROUP BY 1),
          p AS (SELECT patient_id, count(*) AS n FROM plan GROUP BY 1),
          h AS (SELECT patient_id, count(*) AS held FROM takes WHERE grp NOT IN ('ppi', 'h2ra')
            GROUP BY 1)
        SELECT l.patient_id,
          row_number() OVER (PARTITION BY practice ORDER BY l.patient_id) * 1.0
            / count(*) OVER (PARTITION BY practice) AS rank_in_list,
          coalesce(TRY_CAST(nhs_number AS BIGINT), 0) AS number,
          date_diff('day', DATE '1900-01-01', registered_from) AS registered,
          coalesce(e.n, 0) AS entries, coalesce(i.n, 0) AS issues,
          coalesce(e.n, 0) + coalesce(i.n, 0) + coalesce(p.n, 0) AS lines,
          floor(age / 10)::INT * 1000 + (sex = 'male')::INT * 100
            + least(coalesce(h.held, 0), 12)::INT AS stratum
        FROM listed l LEFT JOIN e USING (patient_id) LEFT JOIN i USING (patient_id)
        LEFT JOIN p USING (patient_id) LEFT JOIN h USING (patient_id)"""
    )
    sql.execute(
        """CREATE OR REPLACE TEMP TABLE faulty AS SELECT DISTINCT patient_id FROM truth
        WHERE expected IN ('open', 'near')"""
    )


def _by_kind(sql: duckdb.DuckDBPyConnection) -> Iterator[Leak]:
    kinds = sql.execute(
        """SELECT DISTINCT kind FROM truth WHERE expected IN ('open', 'near') ORDER BY 1"""
    ).fetchall()
    for (kind,) in kinds:
        sql.execute(
            """CREATE OR REPLACE TEMP TABLE ill AS SELECT DISTINCT patient_id FROM truth
            JOIN listed USING (patient_id) WHERE kind = ? AND expected IN ('open', 'near')""",
            [kind],
        )
        _alike(sql)
        subject = kind.partition(".")[0]
        for guess, column in GUESSES.items():
            stratum = "stratum" if column in ("issues", "lines") else "apart"
            leak = _stratified(sql, "compared", column, stratum, guess, kind)
            if leak:
                reasons = EXEMPT.get(guess, {})
                yield replace(leak, exempt=reasons.get(kind) or reasons.get(subject, ""))


ENOUGH_OTHERS = 1
"""For each of the planted so many people to compare with, or fewer things in common are asked."""

HOLDS = """SELECT {what} FROM {table} JOIN ill USING (patient_id) GROUP BY 1
    HAVING count(*) >= 0.9 * (SELECT count(*) FROM ill)"""
SHARES = """(SELECT count(*) FROM need_{table}) = (SELECT count(*) FROM {table} t
    JOIN need_{table} USING ({what}) WHERE t.patient_id = listed.patient_id)"""


def _alike(sql: duckdb.DuckDBPyConnection) -> None:
    """The planted beside people without a fault with the same diagnoses and groups of medicines.

    In common is what nine in ten of the planted share. Where few have all of it (the pair is the
    fault), the diagnoses are asked for, and failing these the medicines. ``apart`` is the stratum
    without the medicines in common.
    """
    for table, what in (("suffers", "term"), ("takes", "grp")):
        held = HOLDS.format(table=table, what=what)
        sql.execute(f"CREATE OR REPLACE TEMP TABLE need_{table} AS {held}")
    ill, suffered, taken = (
        int(sql.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0])
        for name in ("ill", "need_suffers", "need_takes")
    )
    terms, drugs = [("suffers", "term")] * bool(suffered), [("takes", "grp")] * bool(taken)
    for shared in (terms + drugs, terms or drugs, drugs or terms):
        wanted = "".join(f" AND {SHARES.format(table=t, what=w)}" for t, w in shared)
        sql.execute(
            f"""CREATE OR REPLACE TEMP TABLE alike AS SELECT patient_id FROM listed
            WHERE patient_id NOT IN (SELECT patient_id FROM faulty){wanted}"""
        )
        if int(sql.execute("SELECT count(*) FROM alike").fetchall()[0][0]) >= ENOUGH_OTHERS * ill:
            break
    sql.execute(
        """CREATE OR REPLACE TEMP TABLE compared AS
        WITH common AS (SELECT patient_id, count(*) AS n FROM takes JOIN need_takes USING (grp)
            WHERE grp NOT IN ('ppi', 'h2ra') GROUP BY 1),
          both_sides AS (SELECT patient_id, true AS planted FROM ill
            UNION ALL SELECT patient_id, false FROM alike)
        SELECT g.*, planted, stratum - coalesce(n, 0) AS apart FROM guessed g
        JOIN both_sides USING (patient_id) LEFT JOIN common USING (patient_id)"""
    )


def _stratified(
    sql: duckdb.DuckDBPyConnection, table: str, column: str, stratum: str, guess: str, subject: str
) -> Leak | None:
    """The AUC over the strata that hold both; ``None`` where none does."""
    found = sql.execute(
        f"""WITH ranked AS (SELECT {stratum} AS s, planted,
          rank() OVER (PARTITION BY {stratum} ORDER BY {column})
            + (count(*) OVER (PARTITION BY {stratum}, {column}) - 1) / 2.0 AS place FROM {table}),
        each AS (SELECT s, count(*) FILTER (planted) * 1.0 AS m, count(*) FILTER (NOT planted) * 1.0
          AS n, coalesce(sum(place) FILTER (planted), 0) AS total FROM ranked GROUP BY 1),
        shared AS (SELECT m, n, total - m * (m + 1) / 2 AS u FROM each WHERE m > 0 AND n > 0)
        SELECT sum(m), sum(n), sum(u / (m + n + 1)), sum(m * n / (m + n + 1)),
          sum(m * n / (12 * (m + n + 1))) FROM shared"""
    ).fetchone()
    if not found or not found[0]:
        return None
    planted, others, told, most, spread = (float(x) for x in found)
    return Leak(
        guess,
        subject,
        int(planted),
        int(others),
        round(told / most, 4),
        round(spread**0.5 / most, 4),
    )


def _together(guess: str, found: list[Leak]) -> Leak:
    """One guess about every kind that is not exempt, each counted by how much it says."""
    parts = [x for x in found if x.guess == guess and not x.exempt and x.error]
    weight = sum(1 / x.error**2 for x in parts)
    mean = sum(x.auc / x.error**2 for x in parts) / weight if parts else 0.5
    return Leak(
        guess,
        "all kinds together",
        sum(x.planted for x in parts),
        max((x.others for x in parts), default=0),
        round(mean, 4),
        round(weight**-0.5, 4) if parts else 0.5,
    )


FAULT_OF_A_LINE = "(expected IN ('conflict', 'unreadable') OR coalesce(note, '') LIKE 'planted%')"
"""What is wrong with a letter's line, beside what it documents: a change, a start, a stop."""


def _letters(sql: duckdb.DuckDBPyConnection) -> list[Leak]:
    """A line's place in its letter, and a letter's number and size."""
    sql.execute(
        f"""CREATE OR REPLACE TEMP TABLE lined AS SELECT layout, CAST(place AS BIGINT) * 1.0
          / max(CAST(place AS BIGINT)) OVER (PARTITION BY letter) AS place,
          {FAULT_OF_A_LINE} AS planted FROM letter_truth WHERE place IS NOT NULL"""
    )
    sql.execute(
        f"""CREATE OR REPLACE TEMP TABLE lettered AS SELECT any_value(layout) AS layout,
          CAST(regexp_extract(letter, '([0-9]+)[.]', 1) AS BIGINT) AS number,
          split_part(letter, '-', 1) AS practice, any_value(CAST(bytes AS BIGINT)) AS bytes,
          bool_or({FAULT_OF_A_LINE}) OR any_value(letter_expected) IN ('no_such_patient', 'another_patient') AS planted,
          floor(count(place) / 3)::INT AS medicines FROM letter_truth GROUP BY letter"""
    )
    out = [
        _stratified(sql, "lined", "place", "layout", "the place in the letter", "lines of letters"),
        _stratified(sql, "lettered", "number", "practice", "the letter's number", "letters"),
        _stratified(
            sql,
            "lettered",
            "bytes",
            "layout || '/' || medicines",
            "the size of the file",
            "letters",
        ),
    ]
    return [leak for leak in out if leak]
