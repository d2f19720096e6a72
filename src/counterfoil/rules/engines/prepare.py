"""From canonical tables to the whole-number tables that rules read, in the common subset of SQL.

The only function of dates that it uses is ``unix_date`` (days since 1970-01-01), which Spark has and
the DuckDB engine defines. Text is compared for being equal and nothing else. What takes more than
SQL (is this product of that set, how much a day is this dose, how long does this supply last) is
asked once for each distinct text, in Python, and joined.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Protocol

import numpy as np
import pyarrow as pa

from counterfoil.foundation.days import FOREVER, to_date
from counterfoil.records.patient import typed_rows
from counterfoil.records.rows import Issue
from counterfoil.rules import facts
from counterfoil.rules.engines.calendars import (
    Days,
    birthdays,
    qof_year_ends,
    window_ends,
)
from counterfoil.rules.engines.program import QOF_YEAR, results_of, values
from counterfoil.rules.engines.results import COMPARATORS, OTHER_COMPARATOR
from counterfoil.rules.engines.sql import Program
from counterfoil.rules.engines.windows import Calendars
from counterfoil.rules.facts import Codes, Drugs, Letter, Stay
from counterfoil.rules.history import BEFORE, LARGEST, NOT_ISSUED_HERE, Sets
from counterfoil.rules.reference import says, truth_of
from counterfoil.rules.supplies import covered_spans

AHEAD = 3 * 366
"""How many days past ``as_of`` the calendars reach: the furthest that a forecast can look."""

TABLES = (
    "patient", "issue", "plan", "coded_entry", "problem", "allergy", "admission", "document",
)  # fmt: skip
"""The canonical tables that rules read."""

AHEAD_DATES = {
    "patient": (),
    "issue": ("issued_on", "cancelled_on"),
    "plan": ("start_date", "end_date", "dose_changed_on"),
    "coded_entry": ("happened_on",),
    "problem": ("onset_on", "ended_on"),
    "allergy": ("onset_on",),
    "admission": ("admitted_on", "discharged_on"),
    "document": ("event_on", "received_at"),
}
"""The dates from which a row of each table counts, or no longer does."""

ELSEWHERE = "{0} IN (" + ", ".join(f"'{kind}'" for kind in NOT_ISSUED_HERE) + ")"
"""Plans that leave it open whether the drug is taken."""

Gates = Mapping[str, Set[str]]
"""By practice, the sets that cannot be trusted in its data."""

INT = pa.int64()


class Backend(Protocol):
    """A database that runs the common subset. ``src_<table>`` are the canonical tables."""

    def make(self, name: str, select: str) -> None:
        """Work a table out, and keep it under this name, in place of one that was there."""

    def view(self, name: str, select: str) -> None:
        """Keep a statement under this name."""

    def give(self, name: str, table: pa.Table) -> None:
        """Keep a table under this name."""

    def fetch(self, select: str) -> pa.Table:
        """The rows of a statement."""

    def distinct(self, table: str, columns: Sequence[str], where: str = "") -> pa.Table:
        """What stands in these columns of a canonical table, or of such rows of it, each once.

        It may be more than that: what stands in rows that no longer hold.
        """


class Preparation:
    """The prepared tables of one population on one day. ``known_on``: the second clock."""

    def __init__(
        self,
        backend: Backend,
        sets: Sets,
        as_of: int,
        known_on: int | None = None,
        gates: Gates | None = None,
        patients: Iterable[tuple[str, str]] | None = None,
    ) -> None:
        self.ages: dict[int, tuple[Days, Days, Days]] = {}
        """By years: patients, and the first and the last day on which each may turn so many."""
        self.calendars = Calendars(0, {})
        self.db, self.sets, self.as_of, self.gates = backend, sets, as_of, dict(gates or {})
        self.cut = f"DATE '{to_date(as_of).isoformat()}'"
        known = f"DATE '{to_date(as_of if known_on is None else known_on).isoformat()}'"
        self.there = f"(x.deleted_on IS NULL OR x.deleted_on > {known})"
        if known_on is not None:
            self.there += f" AND (x.recorded_on IS NULL OR x.recorded_on <= {known})"
        self._people(patients)

    def _people(self, patients: Iterable[tuple[str, str]] | None) -> None:
        chosen = ""
        if patients is not None:
            self._table("chosen", {"practice": pa.string(), "patient_id": pa.string()}, patients)
            chosen = " JOIN chosen c ON c.practice = x.practice AND c.patient_id = x.patient_id"
        self.db.make(
            "who",
            "SELECT ROW_NUMBER() OVER (ORDER BY x.practice, x.patient_id) AS pid, x.practice, "
            "x.patient_id, x.person_id, x.sex, x.birth_precision, "
            "unix_date(x.birth_date) AS born, unix_date(x.registered_from) AS since, "
            "unix_date(x.registered_to) AS gone, unix_date(x.death_date) AS died "
            f"FROM src_patient x{chosen} WHERE {self.there}",
        )
        self.db.make(
            "person",
            f"SELECT pid, COALESCE(since, {BEFORE}) AS since, LEAST(COALESCE(gone, {FOREVER}), "
            f"COALESCE(died, {FOREVER})) AS until FROM who",
        )

    def prepare(self, program: Program) -> None:
        """Everything that the program reads."""
        self._members(program)
        self._issues(program)
        self._plans(program)
        self._other(program)
        groups = self._early(program)
        self._entries(program, groups)
        self._needed(program, groups)
        pieces = [*self._plan_facts(program), *self._problem_facts(program)]
        pieces += [*self._allergies(program), *self._sexes(program), *self._supplies(program)]
        nobody = f"SELECT 0 AS fid, pid, {BEFORE} AS since, {BEFORE} AS until, 0 AS st FROM who WHERE 1 = 0"
        self.db.make("per", " UNION ALL ".join([*pieces, nobody]))
        self._ages(program)
        self._calendars(program)
        self._gates(program)

    def ahead(self) -> list[str]:
        """Statements for the days after ``as_of`` on which a row there already comes to count.

        Or no longer does: rows dated ahead, cancelled or withdrawn ahead. A date known only to its
        month or year, and the withdrawal of a patient, count as the very next day.
        """
        found = []
        for table, columns in AHEAD_DATES.items():
            days = [f"unix_date(CAST(x.{column} AS DATE))" for column in (*columns, "deleted_on")]
            later = [f"{day} > {self.as_of}" for day in days]
            shown = [
                f"CASE WHEN {is_} THEN {day} ELSE {FOREVER} END"
                for is_, day in zip(later, days, strict=True)
            ]
            if table == "coded_entry":
                shown[0] = shown[0].replace(
                    "THEN", f"AND x.precision <> 'day' THEN {self.as_of + 1} WHEN {later[0]} THEN"
                )
            least = shown[0] if len(shown) == 1 else f"LEAST({', '.join(shown)})"
            found.append(
                f"SELECT w.pid, {least} AS day FROM src_{table} x JOIN who w "
                "ON w.practice = x.practice AND w.patient_id = x.patient_id "
                f"WHERE {' OR '.join(later)}"
            )
        return found

    # What was issued and planned -----------------------------------------------------------

    def _members(self, program: Program) -> None:
        """Which distinct products, as sent, belong to which drug set: asked once of terminology."""
        wanted = {s.name: sid for s, sid in program.sources.items() if isinstance(s, Drugs)}
        products: list[tuple[str | None, str]] = []
        if wanted:
            plans = "" if _reads_plans(program) else ELSEWHERE.format("plan_type")
            columns = ("product_code", "product_text")
            found = pa.concat_tables(
                [self.db.distinct("issue", columns), self.db.distinct("plan", columns, plans)]
            )
            pairs = zip(*(column.to_pylist() for column in found.columns), strict=True)
            products = list(dict.fromkeys(pairs))
        self._table(
            "member",
            {"sid": INT, "product_code": pa.string(), "product_text": pa.string(), "st": INT},
            (
                (sid, code, text, truth)
                for name, sid in wanted.items()
                for code, text in products
                if (truth := truth_of(self.sets.truth(name, code, text)))
            ),
        )

    def _of_members(self, table: str, where: str = "") -> str:
        return (
            f"FROM src_{table} x JOIN member m ON m.product_text = x.product_text "
            "AND m.product_code IS NOT DISTINCT FROM x.product_code "
            "JOIN who w ON w.practice = x.practice AND w.patient_id = x.patient_id "
            f"WHERE {where or self.there}"
        )

    def _issues(self, program: Program) -> None:
        # Asked of both sides, so that rows are told apart after the join and not before: most are
        # of no set, and a column is read faster whole.
        wanted = (
            f"{self._of_members('issue', 'TRUE')} AND CASE WHEN m.st > 0 THEN {self.there} "
            f"AND x.issued_on <= {self.cut} "
            f"AND (x.cancelled_on IS NULL OR x.cancelled_on > {self.cut}) ELSE FALSE END"
        )
        listed = [f.drugs for f in program.facts if isinstance(f, facts.Ingredients)]
        columns = "m.sid, w.pid, unix_date(x.issued_on) AS day, m.st"
        if program.quantities or listed:
            columns += ", x.quantity, x.quantity_unit, x.product_code, x.product_text"
        if program.quantities or listed:
            self.db.make("isr", f"SELECT {columns} {wanted}")
            rows = "isr"
        else:
            rows = f"(SELECT {columns} {wanted})"
        self.db.make("every_iss", f"SELECT sid, pid, day AS low, day AS high, st FROM {rows} r")
        self._quantities(program)
        self._by_ingredient(program)

    def _quantities(self, program: Program) -> None:
        if not program.quantities:
            return
        self._table(
            "asked_quantity",
            {"qid": INT, "sid": INT, "unit": pa.string()},
            ((qid, sid, unit) for (sid, unit), qid in program.quantities.items()),
        )
        usable = (
            "i.st = 2 AND i.quantity IS NOT NULL AND ABS(i.quantity) < "
            f"{LARGEST // 10**6} AND i.quantity_unit = q.unit"
        )
        self.db.make(
            "qty",
            f"SELECT q.qid, i.pid, i.day, SUM(CASE WHEN {usable} AND i.quantity > 0 "
            "THEN CAST(i.quantity * 1000000 AS BIGINT) ELSE 0 END) AS amt, "
            f"SUM(CASE WHEN {usable} THEN 0 ELSE 1 END) AS unk FROM isr i "
            "JOIN asked_quantity q ON q.sid = i.sid GROUP BY q.qid, i.pid, i.day",
        )

    def _by_ingredient(self, program: Program) -> None:
        listed = {f.drugs for f in program.facts if isinstance(f, facts.Ingredients)}
        if not listed:
            return
        sids = ", ".join(str(program.drugs(name)) for name in sorted(listed))
        found = self.db.fetch(
            f"SELECT DISTINCT product_code, product_text FROM isr WHERE sid IN ({sids})"
        )
        numbers: dict[str, int] = {}
        rows = [
            (code, text, numbers.setdefault(name, len(numbers)))
            for code, text in zip(*(c.to_pylist() for c in found.columns), strict=True)
            for name in self.sets.ingredients(code, text) or (text,)
        ]
        text = pa.string()
        self._table("holds", {"product_code": text, "product_text": text, "gid": INT}, rows)
        self.db.make(
            "ing",
            "SELECT i.sid, h.gid, i.pid, i.day, MAX(i.st) AS st FROM isr i JOIN holds h "
            "ON h.product_text = i.product_text AND h.product_code IS NOT DISTINCT FROM "
            f"i.product_code WHERE i.sid IN ({sids}) GROUP BY i.sid, h.gid, i.pid, i.day",
        )

    def _plans(self, program: Program) -> None:
        since = f"COALESCE(unix_date(x.start_date), {BEFORE})"
        until = (
            f"CASE WHEN x.end_date IS NULL OR x.end_date > {self.cut} THEN {FOREVER} "
            "ELSE unix_date(x.end_date) END"
        )
        in_force = (
            "AND (x.end_date IS NOT NULL OR x.status = 'active') "
            f"AND (x.start_date IS NULL OR x.start_date <= {self.cut})"
        )
        self.db.make(
            "hosp",
            f"SELECT m.sid, w.pid, {since} AS since, {until} AS until "
            f"{self._of_members('plan')} AND {ELSEWHERE.format('x.plan_type')} {in_force}",
        )
        changed = "SELECT 0 AS sid, pid, 0 AS day FROM who WHERE 1 = 0"
        if any(isinstance(f, facts.Due) and f.dose_changes for f in program.facts):
            changed = (
                "SELECT DISTINCT m.sid, w.pid, unix_date(x.dose_changed_on) AS day "
                f"{self._of_members('plan')} AND x.dose_changed_on <= {self.cut} AND m.st = 2"
            )
        self.db.make("chg", changed)
        if any(isinstance(f, _OF_PLANS) for f in program.facts):
            self.db.make(
                "pln",
                f"SELECT m.sid, m.st, w.pid, {since} AS since, {until} AS until, x.practice, "
                "x.problem_id, x.product_code, x.product_text, NULLIF(x.dose_text, '') AS dose_text "
                f"{self._of_members('plan')} AND x.plan_type <> 'hospital' {in_force}",
            )

    def _plan_facts(self, program: Program) -> Iterable[str]:
        for fact, fid in program.facts.items():
            match fact:
                case facts.DoseText(drugs, phrases):
                    yield self._dose_texts(program, fid, drugs, phrases)
                case facts.PlanFor(drugs, codes):
                    codes_ = dict.fromkeys(self.sets.codes(codes), 1)
                    self._table(f"codes_{fid}", {"code": pa.string()}, ((c,) for c in codes_))
                    yield (
                        f"SELECT {fid} AS fid, p.pid, p.since, p.until, p.st FROM pln p "
                        "JOIN src_problem x ON x.practice = p.practice "
                        f"AND x.problem_id = p.problem_id JOIN codes_{fid} c ON c.code = x.code "
                        f"WHERE p.sid = {program.drugs(drugs)} AND {self.there}"
                    )
                case _:
                    pass
        self._daily(program)

    def _dose_texts(self, program: Program, fid: int, drugs: str, phrases: tuple[str, ...]) -> str:
        sid = program.drugs(drugs)
        found = self.db.fetch(f"SELECT DISTINCT dose_text FROM pln WHERE sid = {sid}")
        texts = found.column(0).to_pylist()
        self._table(
            f"text_{fid}",
            {"dose_text": pa.string(), "st": INT},
            ((text, truth) for text in texts if (truth := says(text, phrases))),
        )
        return (
            f"SELECT {fid} AS fid, p.pid, p.since, p.until, LEAST(p.st, t.st) AS st FROM pln p "
            f"JOIN text_{fid} t ON t.dose_text IS NOT DISTINCT FROM p.dose_text WHERE p.sid = {sid}"
        )

    def _daily(self, program: Program) -> None:
        rows = []
        asked = {f: n for f, n in program.facts.items() if isinstance(f, facts.DailyDose)}
        if not asked:
            return
        for fact, fid in asked.items():
            found = self.db.fetch(
                "SELECT DISTINCT product_code, product_text, dose_text FROM pln "
                f"WHERE sid = {program.drugs(fact.drugs)}"
            )
            for code, text, dose in zip(*(c.to_pylist() for c in found.columns), strict=True):
                amount = self.sets.daily(fact.drugs, code, text, dose, fact.test.unit)
                low, high, unread = (*amount, 0) if amount else (0, 0, 1)
                rows.append((fid, program.drugs(fact.drugs), code, text, dose, low, high, unread))
        text = pa.string()
        self._table(
            "amount",
            {"fid": INT, "sid": INT, "product_code": text, "product_text": text, "dose_text": text,
             "lo": INT, "hi": INT, "unk": INT},
            rows,
        )  # fmt: skip
        same = " AND ".join(
            f"a.{c} IS NOT DISTINCT FROM p.{c}"
            for c in ("product_code", "product_text", "dose_text")
        )
        self.db.make(
            "dose",
            "SELECT a.fid, p.pid, p.since, p.until, CASE WHEN p.st = 2 THEN a.lo ELSE 0 END AS lo, "
            f"a.hi, a.unk, p.st FROM pln p JOIN amount a ON a.sid = p.sid AND {same}",
        )

    def _supplies(self, program: Program) -> Iterable[str]:
        """Supplies carry over from one to the next: worked out patient by patient."""
        for fact, fid in program.facts.items():
            if not isinstance(fact, facts.Supplied):
                continue
            found = self.db.fetch(
                f"SELECT w.pid, x.* {self._of_members('issue')} "
                f"AND m.sid = {program.drugs(fact.drugs)} AND x.issued_on <= {self.cut} "
                f"AND (x.cancelled_on IS NULL OR x.cancelled_on > {self.cut})"
            )
            pids = found.column("pid").to_pylist()
            issues = typed_rows("issue", found.drop_columns(["pid"]).to_pylist())
            mine: dict[int, list[Issue]] = {}
            for pid, issue in zip(pids, issues, strict=True):
                assert isinstance(issue, Issue)
                mine.setdefault(pid, []).append(issue)
            drugs, lasts = fact.drugs, fact.unknown_for

            def belongs(issue: Issue, drugs: str = drugs) -> bool | None:
                return self.sets.truth(drugs, issue.product_code, issue.product_text)

            self._table(
                f"covered_{fid}",
                dict.fromkeys(("pid", "since", "until", "st"), INT),
                (
                    (pid, *span)
                    for pid, theirs in mine.items()
                    for span in covered_spans(theirs, belongs, lasts)
                ),
            )
            yield f"SELECT {fid} AS fid, pid, since, until, st FROM covered_{fid}"

    # What was coded ------------------------------------------------------------------------

    def _entries(self, program: Program, groups: Mapping[frozenset[int], int]) -> None:
        wanted = {s.name: sid for s, sid in program.sources.items() if isinstance(s, Codes)}
        coded = set(wanted.values())
        early = {sid: groups[others] for sid, others in program.needs.items() if not others & coded}
        valued = {name for fact in program.facts for name in results_of(fact)}
        text = pa.string()
        self._table(
            "wanted",
            {"sid": INT, "code": text, "g": INT, "valued": INT},
            (
                (sid, code, early.get(sid, -1), int(name in valued))
                for name, sid in wanted.items()
                for code in sorted(self.sets.codes(name))
            ),
        )
        self._table("unit", {"uid": INT, "unit": text}, ((n, u) for u, n in program.units.items()))
        comparator = " ".join(f"WHEN '{c}' THEN {n}" for c, n in COMPARATORS.items() if c)
        self.db.make(
            "enr",
            "SELECT c.sid, w.pid, unix_date(x.happened_on) AS day, CASE x.precision "
            "WHEN 'year' THEN 2 WHEN 'month' THEN 1 ELSE 0 END AS spread, "
            # Read only of the sets whose results a rule looks at.
            f"CASE WHEN c.valued = 1 AND ABS(x.value) < {LARGEST // 10**6} "
            "THEN CAST(x.value * 1000000 AS BIGINT) END AS val, "
            "CASE WHEN c.valued = 0 THEN 0 ELSE CASE COALESCE(x.comparator, '') WHEN '' THEN 0 "
            f"{comparator} ELSE {OTHER_COMPARATOR} END END AS cmp, "
            "CASE WHEN c.valued = 0 THEN -1 ELSE COALESCE(u.uid, -1) END AS uid, "
            f"CASE WHEN c.valued = 1 AND (ABS(x.value) < {LARGEST // 10**6} "
            "OR COALESCE(x.value_text, '') <> '') THEN 1 ELSE 0 END AS res "
            "FROM src_coded_entry x JOIN wanted c ON c.code = COALESCE(x.code, x.local_code) "
            "JOIN who w ON w.practice = x.practice AND w.patient_id = x.patient_id "
            "LEFT JOIN early n ON n.g = c.g AND n.pid = w.pid "
            f"LEFT JOIN unit u ON u.unit = x.unit_ucum WHERE {self.there} "
            "AND x.happened_on IS NOT NULL AND x.precision <> 'unknown' "
            "AND (c.g < 0 OR n.pid IS NOT NULL)",
        )
        self._spreads()
        self.db.make(
            "prb",
            "SELECT c.sid, w.pid, unix_date(x.onset_on) AS low FROM src_problem x "
            "JOIN wanted c ON c.code = x.code "
            "JOIN who w ON w.practice = x.practice AND w.patient_id = x.patient_id "
            f"WHERE {self.there} AND x.onset_on <= {self.cut}",
        )
        low, high = (
            f"CASE e.spread WHEN 0 THEN e.day WHEN 1 THEN d.month_{end} ELSE d.year_{end} END"
            for end in ("first", "last")
        )
        self.db.view(
            "every_ent",
            f"SELECT e.sid, e.pid, {low} AS low, {high} AS high, e.val, e.cmp, e.uid, e.res "
            "FROM enr e LEFT JOIN spread d ON d.day = e.day AND e.spread > 0 "
            f"WHERE {low} <= {self.as_of} UNION ALL SELECT sid, pid, low, low AS high, "
            "CAST(NULL AS BIGINT) AS val, 0 AS cmp, -1 AS uid, 0 AS res FROM prb",
        )

    def _spreads(self) -> None:
        """The first and the last day of the month, and of the year, of each day that needs it."""
        found = self.db.fetch("SELECT DISTINCT day FROM enr WHERE spread > 0")
        days = np.sort(found.column(0).to_numpy().astype(np.int64))
        months = days.astype("datetime64[D]").astype("datetime64[M]")
        years = months.astype("datetime64[Y]")

        def number(dates: object) -> Days:
            result: Days = np.asarray(dates, "datetime64[D]").astype(np.int64)
            return result

        self.db.give(
            "spread",
            pa.table(
                {
                    "day": days,
                    "month_first": number(months),
                    "month_last": number(months + 1) - 1,
                    "year_first": number(years),
                    "year_last": number(years + 1) - 1,
                }
            ),
        )

    def _problem_facts(self, program: Program) -> Iterable[str]:
        for fact, fid in program.facts.items():
            if not isinstance(fact, facts.ActiveProblem):
                continue
            codes = sorted(self.sets.codes(fact.codes))
            self._table(f"codes_{fid}", {"code": pa.string()}, ((c,) for c in codes))
            ended = f"CASE WHEN x.ended_on <= {self.cut} THEN unix_date(x.ended_on) END"
            rows = (
                f"SELECT w.pid, COALESCE(unix_date(x.onset_on), {BEFORE}) AS since, "
                f"COALESCE({ended}, {FOREVER}) AS ended, CASE WHEN x.onset_on IS NULL OR "
                "(x.status = 'past' AND x.ended_on IS NULL) THEN 1 ELSE 2 END AS st, "
                "x.problem_id AS id FROM src_problem x "
                f"JOIN codes_{fid} c ON c.code = x.code "
                "JOIN who w ON w.practice = x.practice AND w.patient_id = x.patient_id "
                f"WHERE {self.there} AND (x.onset_on IS NULL OR x.onset_on <= {self.cut})"
            )
            if not fact.resolved:
                yield f"SELECT {fid} AS fid, pid, since, ended AS until, st FROM ({rows}) p"
                continue
            yield (
                f"SELECT {fid} AS fid, p.pid, p.since, LEAST(p.ended, "
                f"COALESCE(MIN(e.low), {FOREVER})) AS until, p.st FROM ({rows}) p LEFT JOIN "
                f"(SELECT pid, low FROM ent WHERE sid = {program.codes(fact.resolved)}) e "
                "ON e.pid = p.pid AND e.low >= p.since GROUP BY p.pid, p.id, p.since, p.ended, p.st"
            )

    # Everything else -----------------------------------------------------------------------

    def _other(self, program: Program) -> None:
        """Stays and letters; and everything that happened, under one name."""
        parts = []
        for source, sid in program.sources.items():
            match source:
                case Stay(at, which):
                    day, table = f"x.{at}_on", "admission"
                case Letter(which):
                    day, table = "COALESCE(x.event_on, CAST(x.received_at AS DATE))", "document"
                case _:
                    continue
            kind = "".join(f" AND x.kind = '{k}'" for k in [which.replace("'", "''")] if k)
            parts.append(
                f"SELECT {sid} AS sid, w.pid, unix_date({day}) AS low, unix_date({day}) AS high, "
                f"2 AS st FROM src_{table} x JOIN who w ON w.practice = x.practice "
                f"AND w.patient_id = x.patient_id WHERE {self.there}{kind} "
                f"AND unix_date({day}) <= {self.as_of}"
            )
        none = "SELECT 0 AS sid, pid, 0 AS low, 0 AS high, 0 AS st FROM who WHERE 1 = 0"
        self.db.make("oth", " UNION ALL ".join(parts) or none)

    # Whose rows matter ---------------------------------------------------------------------

    def _early(self, program: Program) -> dict[frozenset[int], int]:
        """The patients whose rows of some sources are needed, where no entry tells who they are.

        Entries are the most rows, and are then read for these patients only. Gives a number to
        each group of sources that tells.
        """
        groups = {others: g for g, others in enumerate(dict.fromkeys(program.needs.values()))}
        coded = {sid for source, sid in program.sources.items() if isinstance(source, Codes)}
        early = {others: g for others, g in groups.items() if not others & coded}
        self._need("early", early, ("every_iss", "hosp", "oth"))
        return groups

    def _needed(self, program: Program, groups: Mapping[frozenset[int], int]) -> None:
        """The rows of whom they matter; and all rows that happened, under one name."""
        self._need("need", groups, ("every_iss", "every_ent", "hosp", "oth"))
        needs = program.needs.items()
        some = values(((sid, groups[others]) for sid, others in needs), ("sid", "g"))
        sids = ", ".join(map(str, sorted({-1, *program.needs})))
        for name in ("iss", "ent"):
            rest = f"SELECT * FROM every_{name} WHERE sid NOT IN ({sids})"
            theirs = (
                f"SELECT e.* FROM every_{name} e JOIN ({some}) q ON q.sid = e.sid "
                "JOIN need n ON n.g = q.g AND n.pid = e.pid"
            )
            if not groups:
                self.db.make(name, rest)
            elif name == "ent":
                self.db.make(name, f"{rest} UNION ALL {theirs}")
            else:
                # Most issues stay where they are.
                self.db.make("some_iss", theirs)
                self.db.view(name, f"{rest} UNION ALL SELECT * FROM some_iss")
        self.db.view(
            "ev",
            "SELECT sid, pid, low, high, st FROM iss UNION ALL SELECT sid, pid, low, high, 2 AS st "
            "FROM ent UNION ALL SELECT sid, pid, low, high, st FROM oth",
        )

    def _need(self, name: str, groups: Mapping[frozenset[int], int], tables: Iterable[str]) -> None:
        """A table (g, pid): who has a row of one of the sources of each group."""
        if not groups:
            self.db.make(name, "SELECT 0 AS g, pid FROM who WHERE 1 = 0")
            return
        asked = ((g, sid) for others, g in groups.items() for sid in sorted(others))
        # By source first: far fewer rows than there are.
        rows = " UNION ALL ".join(f"SELECT DISTINCT sid, pid FROM {table}" for table in tables)
        self.db.make(
            name,
            f"SELECT DISTINCT q.g, e.pid FROM ({rows}) e JOIN ({values(asked, ('g', 'sid'))}) q "
            "ON q.sid = e.sid",
        )

    def _allergies(self, program: Program) -> Iterable[str]:
        asked = {f.drugs: n for f, n in program.facts.items() if isinstance(f, facts.Allergy)}
        if not asked:
            return
        found = self.db.fetch("SELECT DISTINCT substance_code, substance_text FROM src_allergy")
        substances = list(zip(*(c.to_pylist() for c in found.columns), strict=True))
        text = pa.string()
        self._table(
            "substance",
            {"fid": INT, "substance_code": text, "substance_text": text, "st": INT},
            (
                (fid, code, name, truth)
                for drugs, fid in asked.items()
                for code, name in substances
                if (truth := truth_of(self.sets.allergen(drugs, code, name)))
            ),
        )
        yield (
            f"SELECT s.fid, w.pid, COALESCE(unix_date(x.onset_on), {BEFORE}) AS since, "
            f"{FOREVER} AS until, s.st FROM src_allergy x JOIN substance s ON s.substance_text = "
            "x.substance_text AND s.substance_code IS NOT DISTINCT FROM x.substance_code "
            "JOIN who w ON w.practice = x.practice AND w.patient_id = x.patient_id "
            f"WHERE {self.there} AND x.status = 'active' "
            f"AND (x.onset_on IS NULL OR x.onset_on <= {self.cut})"
        )

    def _sexes(self, program: Program) -> Iterable[str]:
        for fact, fid in program.facts.items():
            if isinstance(fact, facts.Sex):
                yield (
                    f"SELECT {fid} AS fid, pid, {BEFORE} AS since, {FOREVER} AS until, "
                    f"CASE WHEN sex = '{fact.sex}' THEN 2 ELSE 1 END AS st FROM who "
                    f"WHERE sex IN ('{fact.sex}', 'unknown')"
                )

    def _ages(self, program: Program) -> None:
        names = ("years", "pid", "low", "high")
        none = pa.table({name: pa.array([], INT) for name in names})
        if not program.years:
            self.db.give("age", none)
            return
        kinds = " ".join(f"WHEN '{kind}' THEN {n}" for kind, n in _PRECISIONS.items())
        who = self.db.fetch(
            f"SELECT pid, COALESCE(born, 0) AS born, CASE WHEN born IS NULL THEN {_NO_DATE} "
            f"ELSE CASE birth_precision {kinds} ELSE 0 END END AS kind FROM who ORDER BY pid"
        )
        pids, born, kind = (column.to_numpy() for column in who.columns)
        known = kind != _NO_DATE
        first, last = _birth_spans(born.astype(np.int64), kind)
        # Many are born on a day: each is asked about once.
        born_on = np.arange(first.min(initial=0), last.max(initial=0) + 1)
        parts = []
        for years in sorted(program.years):
            turning = birthdays(born_on, years)
            low = np.where(known, turning[first - born_on[0]], BEFORE)
            high = np.where(known, turning[last - born_on[0]], FOREVER)
            self.ages[years] = (pids, low, high)
            cells = (np.full(len(pids), years), pids, low, high)
            parts.append(pa.table(dict(zip(names, cells, strict=True))))
        self.db.give("age", pa.concat_tables([t.cast(none.schema) for t in parts]))

    def _calendars(self, program: Program) -> None:
        mins = " UNION ALL ".join(
            f"SELECT MIN({column}) AS day FROM {table} WHERE {column} > {BEFORE}"
            for table, column in (("iss", "low"), ("ent", "low"), ("chg", "day"), ("hosp", "since"),
                                  ("person", "since"), ("per", "since"), ("age", "low"))
        )  # fmt: skip
        earliest = self.db.fetch(f"SELECT MIN(day) AS day FROM ({mins}) m").column(0)[0].as_py()
        # Rounded, so that the same calendar serves again.
        first = max(BEFORE, (min(int(earliest or 0), self.as_of) // 4096) * 4096)
        last = self.as_of + AHEAD
        if any(facts.below(f) for f in program.facts):
            last += 31 * sum(m for m in program.months if m > 0) + program.longest
            # What begins on a birthday to come is counted from that day.
            ages = self.db.fetch(f"SELECT MAX(high) AS day FROM age WHERE high < {FOREVER}")
            last = max(last, int(ages.column(0)[0].as_py() or 0))
        last = (last // 4096 + 1) * 4096
        parts = []
        listed = {}
        for months in sorted(program.months):
            days, ends = (
                qof_year_ends(first, last)
                if months == QOF_YEAR
                else window_ends(first, last, months)
            )
            listed[months] = ends
            parts.append(pa.table({"n": np.full(len(days), months), "day": days, "last": ends}))
        none = pa.table({c: pa.array([], INT) for c in ("n", "day", "last")})
        self.db.give("cal", pa.concat_tables([none, *parts]))
        self.calendars = Calendars(first, listed)

    def _gates(self, program: Program) -> None:
        """Which facts cannot be trusted where: those that rest on a gated set, parts included."""
        if not self.gates:
            return
        rows = []
        for fact, fid in program.facts.items():
            drugs, codes = facts.sets_of(fact)
            if isinstance(fact, facts.Due):
                drugs, codes = set(), {fact.tests}
            rows += [(fid, p) for p, gated in self.gates.items() if gated & (drugs | codes)]
        self._table("gated", {"fid": INT, "practice": pa.string()}, rows)
        self.db.make(
            "gate", "SELECT g.fid, w.pid FROM gated g JOIN who w ON w.practice = g.practice"
        )

    def _table(
        self, name: str, columns: Mapping[str, pa.DataType], rows: Iterable[tuple[object, ...]]
    ) -> None:
        cells = list(rows)
        arrays = {
            column: pa.array([row[i] for row in cells], kind)
            for i, (column, kind) in enumerate(columns.items())
        }
        self.db.give(name, pa.table(arrays))


_PRECISIONS = {"month": 1, "year": 2, "unknown": 3}
_NO_DATE = 3


def _birth_spans(born: Days, kinds: Days) -> tuple[Days, Days]:
    """The first and the last day that each date of birth may mean."""
    months = born.astype("datetime64[D]").astype("datetime64[M]")
    years = months.astype("datetime64[Y]")
    spans = []
    for step, month, year in ((0, months, years), (1, months + 1, years + 1)):
        in_month = month.astype("datetime64[D]").astype(np.int64) - step
        in_year = year.astype("datetime64[D]").astype(np.int64) - step
        spans.append(np.where(kinds == 1, in_month, np.where(kinds == 2, in_year, born)))
    return spans[0], spans[1]


_OF_PLANS = (facts.DoseText, facts.DailyDose, facts.PlanFor)


def _reads_plans(program: Program) -> bool:
    """Whether plans are read beyond what a hospital supplies."""
    return any(
        isinstance(f, _OF_PLANS) or (isinstance(f, facts.Due) and f.dose_changes)
        for f in program.facts
    )


__all__ = ["AHEAD", "TABLES", "Backend", "Gates", "Preparation"]
