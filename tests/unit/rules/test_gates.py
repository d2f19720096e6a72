"""A set that is implausibly rare in one clinical system must not show that something is absent."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import pyarrow as pa
import pytest
from people import SETS, People

from counterfoil.foundation.days import to_day
from counterfoil.records import schema
from counterfoil.rules import gates, load, run
from counterfoil.rules.facts import Due
from counterfoil.rules.gates import Gate, absences, changes, decide, weak_sets, weaken
from counterfoil.rules.model import FALSE, TRUE, UNKNOWN, truth
from counterfoil.rules.prevalence import Prevalence, prevalence, published

AS_OF = to_day(date(2026, 11, 20))
NSAID = next(r for r in load() if r.drug_sets >= {"gastroprotection", "nsaid_oral"})


def row(
    practice: str, system: str, patients: int, found: int, name: str = "gastroprotection"
) -> Prevalence:
    return Prevalence(name, "drugs", "1", practice, system, patients, found)


def status(found: list[Gate]) -> dict[str, str]:
    return {g.practice: g.status for g in found}


class TestMeasured:
    """Prevalence over canonical tables."""

    def test_patients_are_counted_once_and_only_while_registered(self) -> None:
        people = People()
        day = date(2026, 10, 1)
        for key, more in (
            ("a", {}),
            ("b", {}),
            ("left", {"registered_to": date(2026, 11, 1)}),
            ("dead", {"death_date": date(2026, 11, 1)}),
            ("other", {"practice": "X00002", "source_system": "emis"}),
        ):
            people.patient(key, **more)
        people.issued("a", "Omeprazole 20mg gastro-resistant capsules", day, day)
        people.issued("a", "Omeprazole 10mg gastro-resistant capsules", day, day)
        people.issued("b", "Paracetamol 500mg tablets", day, day)
        people.issued("left", "Omeprazole 20mg gastro-resistant capsules", day, day)
        people.tested("a", "egfr", day, day - timedelta(days=400))
        people.tested("b", "egfr", date(2026, 12, 1))
        found = prevalence(
            people.tables(), SETS, AS_OF, drug_sets=["gastroprotection"], code_sets=["egfr"]
        )
        assert [(p.name, p.practice, p.system, p.patients, p.found) for p in found] == [
            ("gastroprotection", "X00001", "test", 2, 1),
            ("gastroprotection", "X00002", "emis", 1, 0),
            ("egfr", "X00001", "test", 2, 1),
            ("egfr", "X00002", "emis", 1, 0),
        ]

    def test_cancelled_issues_and_withdrawn_rows_do_not_count(self) -> None:
        people = People()
        people.patient("a")
        people.patient("b")
        day = date(2026, 10, 1)
        ppi = "Omeprazole 20mg gastro-resistant capsules"
        people.issued("a", ppi, day, day, cancelled_on=date(2026, 10, 2))
        people.issued("b", ppi, day, day, deleted_on=date(2026, 10, 2))
        found = prevalence(people.tables(), SETS, AS_OF, drug_sets=["gastroprotection"])
        assert [p.found for p in found] == [0]
        then = prevalence(people.tables(), SETS, to_day(day), drug_sets=["gastroprotection"])
        assert [p.found for p in then] == [2]

    def test_no_tables_give_no_practice(self) -> None:
        empty = {t: schema.empty(t) for t in ("patient", "issue")}
        assert prevalence(empty, SETS, AS_OF, drug_sets=["lithium"]) == []
        assert isinstance(empty["patient"], pa.Table)

    def test_every_published_figure_is_of_a_set_that_there_is(self) -> None:
        for name, figure in published().items():
            assert SETS.get(name).name == name
            assert 0 < figure.low <= figure.high <= 10_000
            assert figure.status == "read"
            assert figure.source


class TestDecided:
    """The standing of a set, from its prevalence."""

    def test_the_published_case_is_caught(self) -> None:
        found = decide(
            [row("E1", "emis", 10_000, 3400), row("V1", "vision", 8000, 2776),
             row("T1", "tpp", 10_000, 787)],
            AS_OF,
        )  # fmt: skip
        assert status(found) == {"E1": "plausible", "V1": "plausible", "T1": "rare"}
        assert weak_sets(found) == {"T1": {"gastroprotection"}}
        rare = next(g for g in found if g.status == "rare")
        assert "7.87% of the patients of this practice (787 of 10,000)" in rare.why
        assert "34.31% by practices on emis, vision" in rare.why

    def test_a_young_practice_is_not_a_weak_set(self) -> None:
        found = decide([row("E1", "emis", 10_000, 3400), row("T1", "tpp", 10_000, 1700)], AS_OF)
        assert set(status(found).values()) == {"plausible"}

    def test_a_published_figure_catches_a_set_that_is_weak_everywhere(self) -> None:
        rows = [row("E1", "emis", 10_000, 700), row("T1", "tpp", 10_000, 787)]
        assert set(status(decide(rows, AS_OF)).values()) == {"plausible"}
        found = decide(rows, AS_OF, published=published())
        assert set(status(found).values()) == {"rare"}
        assert "gm-idcr" in found[0].figures.source
        recalled = {k: replace(v, status="recalled") for k, v in published().items()}
        assert set(status(decide(rows, AS_OF, published=recalled)).values()) == {"plausible"}

    def test_chance_alone_does_not_make_a_set_rare(self) -> None:
        few = [row("E1", "emis", 20_000, 30, "lithium"), row("T1", "tpp", 7000, 3, "lithium")]
        assert status(decide(few, AS_OF))["T1"] == "plausible"
        many = [row("E1", "emis", 90_000, 135, "lithium"), row("T1", "tpp", 40_000, 5, "lithium")]
        assert status(decide(many, AS_OF))["T1"] == "rare"

    def test_small_practices_of_one_system_are_judged_together(self) -> None:
        rows = [row("E1", "emis", 50_000, 75, "lithium")]
        rows += [row(f"T{i}", "tpp", 5000, 0, "lithium") for i in range(6)]
        found = decide(rows, AS_OF)
        assert {g.practice for g in found if g.status == "rare"} == {f"T{i}" for i in range(6)}
        assert all(g.figures.shared for g in found if g.system == "tpp")
        assert next(g for g in found if g.system == "tpp").figures.patients == 30_000

    def test_nothing_to_compare_with_is_unknown_and_gates_nothing(self) -> None:
        found = decide([row("E1", "emis", 10_000, 0), row("E2", "emis", 10_000, 3000)], AS_OF)
        assert set(status(found).values()) == {"unknown"}
        assert weak_sets(found) == {}

    def test_the_version_rises_only_with_the_status_or_the_set(self) -> None:
        good = [row("E1", "emis", 10_000, 3400), row("T1", "tpp", 10_000, 3300)]
        bad = [good[0], replace(good[1], found=787)]
        first = decide(good, AS_OF)
        same = decide(good, AS_OF + 7, before=first)
        assert [g.version for g in same] == [1, 1]
        worse = decide(bad, AS_OF + 14, before=same)
        assert {g.practice: g.version for g in worse} == {"E1": 1, "T1": 2}
        assert [(c.before.status, c.after.status) for c in changes(same, worse) if c.before] == [
            ("plausible", "rare")
        ]
        newer = decide([replace(r, version="2") for r in bad], AS_OF + 14, before=worse)
        assert [g.version for g in newer] == [2, 3]
        assert [c.after.practice for c in changes([], worse)] == ["T1"]
        assert changes(worse, worse) == []

    def test_one_patient_more_or_less_never_flips_a_gate_back(self) -> None:
        """Every count once more and once less: a flip needs a jump across the slack between."""
        others = row("E1", "emis", 10_000, 3400)
        turned_rare = turned_back = -1
        before: list[Gate] = []
        for found in range(1800, 1000, -1):
            before = decide([others, row("T1", "tpp", 10_000, found)], AS_OF, before=before)
            if status(before)["T1"] == "rare":
                turned_rare = found
                break
        for found in range(turned_rare, 1800):
            before = decide([others, row("T1", "tpp", 10_000, found)], AS_OF, before=before)
            if status(before)["T1"] == "plausible":
                turned_back = found
                break
        assert 0 < turned_rare < 1360
        assert turned_back - turned_rare > 300

    def test_a_gate_stays_while_nothing_new_is_known(self) -> None:
        rows = [row("E1", "emis", 10_000, 3400), row("T1", "tpp", 10_000, 787)]
        first = decide(rows, AS_OF)
        alone = decide(rows[1:], AS_OF + 7, before=first)
        assert [(g.status, g.version, g.why) for g in alone] == [
            (g.status, g.version, g.why) for g in first if g.practice == "T1"
        ]

    def test_a_gate_is_plain_data_and_back(self) -> None:
        for gate in decide([row("E1", "emis", 10_000, 3400), row("T1", "tpp", 10_000, 7)], AS_OF):
            assert Gate.from_json(json.loads(json.dumps(gate.to_json()))) == gate


class TestApplied:
    """What a gate does to a rule's answer."""

    def test_a_clause_under_not_rests_on_absence(self) -> None:
        found = absences(NSAID)
        assert any("gastroprotection" in names for names in found.values())
        assert not any("nsaid_oral" in names for names in found.values())

    def test_an_overdue_test_rests_on_the_absence_of_the_test(self) -> None:
        rule = next(r for r in load() if any(isinstance(c.fact, Due) for c in r.clauses))
        due = {c.name: c.fact.tests for c in rule.clauses if isinstance(c.fact, Due)}
        found = absences(rule)
        assert due
        for name, tests in due.items():
            assert found[name] == {tests}

    def test_absence_by_a_weak_set_cannot_be_told(self) -> None:
        values = {c.name: TRUE for c in NSAID.clauses}
        for name in absences(NSAID):
            values[name] = FALSE
        assert truth(NSAID.when, values) == TRUE
        assert weaken(NSAID, values, frozenset()) == (TRUE, ())
        assert weaken(NSAID, values, frozenset({"gastroprotection"})) == (
            UNKNOWN,
            ("gastroprotection",),
        )
        assert "coded poorly" in gates.cause(["gastroprotection"])

    def test_presence_by_a_weak_set_still_counts(self) -> None:
        values = {c.name: TRUE for c in NSAID.clauses}
        assert weaken(NSAID, values, frozenset({"gastroprotection"}))[0] == truth(
            NSAID.when, values
        )

    @pytest.mark.parametrize("rule", load(), ids=lambda r: r.id)
    def test_no_answer_is_ever_made_stronger(self, rule: object) -> None:
        assert hasattr(rule, "clauses")
        names = [c.name for c in rule.clauses][:6]
        rest = {c.name: TRUE for c in rule.clauses}
        every = rule.drug_sets | rule.code_sets  # type: ignore[attr-defined]
        for given in product((FALSE, UNKNOWN, TRUE), repeat=len(names)):
            values = rest | dict(zip(names, given, strict=True))
            was = truth(rule.when, values)  # type: ignore[attr-defined]
            now, sets = weaken(rule, values, every)  # type: ignore[arg-type]
            assert now == was or (was, now) == (TRUE, UNKNOWN)
            assert bool(sets) == (now != was)


class TestRun:
    """A run of the rules with gates."""

    def people(self) -> People:
        people = People()
        day = date(2026, 11, 1)
        for key in ("bare", "covered", "elsewhere"):
            more = {"practice": "X00002"} if key == "elsewhere" else {}
            people.patient(key, born=date(1945, 1, 1), **more)
            people.issued(key, "Ibuprofen 400mg tablets", day, day, **more)
        people.issued("covered", "Omeprazole 20mg gastro-resistant capsules", day, day)
        return people

    def test_what_rests_on_a_weak_set_cannot_be_told_at_that_practice_alone(self) -> None:
        tables = self.people().tables()
        plain = {f.patient_id: f.state for f in run(tables, [NSAID], AS_OF)}
        assert plain == {"bare": "open", "elsewhere": "open"}
        weak = {"X00001": frozenset({"gastroprotection"})}
        found = {f.patient_id: f for f in run(tables, [NSAID], AS_OF, weak=weak)}
        assert {k: f.state for k, f in found.items()} == {
            "bare": "cannot_tell",
            "elsewhere": "open",
        }
        assert "coded poorly at this practice" in found["bare"].cause
        unsure = [r for r in found["bare"].reasons if r.holds is None]
        assert [r.clause in absences(NSAID) for r in unsure] == [True]
        assert run(tables, [NSAID], AS_OF, weak={"X00001": frozenset({"nsaid_oral"})}) == run(
            tables, [NSAID], AS_OF
        )

    @pytest.mark.slow
    def test_an_overdue_test_of_a_weak_set_cannot_be_told_and_none_is_near(self) -> None:
        rule = next(r for r in load() if r.id == "monitoring.methotrexate")
        people = People()
        for key, last in (("late", date(2026, 6, 1)), ("soon", date(2026, 9, 10))):
            people.patient(key)
            people.issued(
                key, "Methotrexate 2.5mg tablets", date(2025, 1, 1), date(2026, 11, 10), 28
            )
            for codes in ("fbc", "lft", "renal_function"):
                people.tested(key, codes, last)
        tables = people.tables()
        plain = {f.patient_id: f.state for f in run(tables, [rule], AS_OF)}
        assert plain == {"late": "open", "soon": "near"}
        every = {"X00001": rule.code_sets}
        found = run(tables, [rule], AS_OF, weak=every)
        assert [(f.patient_id, f.state, f.due) for f in found] == [("late", "cannot_tell", None)]
        one = run(tables, [rule], AS_OF, weak={"X00001": frozenset({"fbc"})})
        assert {f.patient_id: f.state for f in one}["late"] == "open"
