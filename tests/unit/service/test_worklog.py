"""The activity table: minutes that never go below nothing, tasks that nobody can be found by."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import service_world as sw
from counterfoil.evidence import activity as table
from counterfoil.service.casework import actions
from counterfoil.service.casework.models import Event, Finding
from counterfoil.service.pilot import worklog

NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)
KINDS = (*worklog._WHAT, "signed_in", "signed_out", "case_claimed")


def event(seq: int, minute: float, kind: str, actor: str = "1", **refs: Any) -> Event:
    at = NINE + timedelta(minutes=minute)
    return Event(chain="X1", seq=seq, at=at, actor=actor, role="technician", kind=kind, refs=refs)


def rows(*events: Event, gap: float = 5, **known: Any) -> list[table.Activity]:
    return worklog.derive(events, worklog.Known(**known), gap)


def test_time_before_a_decision_is_put_down_to_its_task_and_a_long_gap_to_nothing() -> None:
    found = rows(
        event(1, 0, "patient_viewed", case="A"),
        event(2, 3, "decided", case="A", finding="f", outcome="waiting", **{"class": "monitoring"}),
        event(3, 4, "patient_viewed", case="B"),
        event(4, 40, "decided", case="B", finding="g", outcome="done", **{"class": "coding"}),
        event(5, 41, "signed_out"),
    )
    assert [(r.what, r.kind, r.minutes) for r in found] == [
        ("opened", "monitoring", 3.0),
        ("acted", "monitoring", 1.0),
        ("opened", "coding", 0.0),
        ("done", "coding", 1.0),
    ]
    assert found[0].task_id == found[1].task_id != found[2].task_id == found[3].task_id


def test_a_letters_lines_are_one_task_that_is_done_when_the_letter_is() -> None:
    received = NINE - timedelta(days=3)
    found = rows(
        event(1, 0, "letter_received", "system", letter="L"),
        event(2, 0, "finding_arrived", "system", finding="l1", **{"class": "letter.same"}),
        event(3, 5, "decided", finding="l1", case="A", outcome="done", **{"class": "letter.same"}),
        event(4, 6, "letter_finished", letter="L", case="A"),
        letter_of={"l1": "L"},
        received={"L": received},
    )
    assert [(r.what, r.kind) for r in found] == [
        ("arrived", "letter"),
        ("acted", "letter"),
        ("done", "letter"),
    ]
    assert len({r.task_id for r in found}) == 1
    assert found[0].at == received
    assert found[0].minutes is None


@given(
    st.lists(
        st.tuples(
            st.integers(0, 30),
            st.sampled_from(KINDS),
            st.sampled_from(["1", "2", "system"]),
            st.sampled_from("AB"),
        ),
        max_size=40,
    ),
    st.integers(0, 20),
)
@settings(max_examples=150, deadline=None)
def test_minutes_are_never_negative_and_a_gap_over_the_cut_off_is_nothing(
    steps: list[tuple[int, str, str, str]], gap: int
) -> None:
    minute, log = 0, []
    for seq, (passed, kind, actor, case) in enumerate(steps, 1):
        minute += passed
        refs = {"case": case, "finding": f"f{case}", "class": "monitoring", "letter": "L"}
        if kind not in ("letter_received", "letter_finished"):
            del refs["letter"]
        log.append(event(seq, minute, kind, actor, **refs))
    found = rows(*log, gap=gap)
    assert all(row.minutes is None or row.minutes >= 0 for row in found)
    counted = 0.0
    for actor in ("1", "2"):
        mine = [one for one in log if one.actor == actor]
        for before, after in pairwise(mine):
            long = (after.at - before.at).total_seconds() / 60
            counted += long if long <= gap else 0
    assert sum(row.minutes or 0 for row in found) <= counted + 1e-6


def test_a_log_of_real_actions_is_written_and_read_back(world: Any, tmp_path: Path) -> None:
    sw.publish("X1", [sw.patient("X1", "p1", "A", "9990000018")], [sw.overdue("A", "p1")])
    finding = Finding.objects.get()
    actions.view_patient(world.tess, str(finding.case_id))
    actions.decide(world.tess, finding.pk, "book_test", until=date(2026, 11, 27))
    sent = actions.hand_over(world.tess, [finding.pk], "pharmacist", "?")
    actions.reply(world.phil, str(sent.pk), "Yes.", decision="record_reviewed")
    actions.acknowledge_reply(world.tess, str(sent.pk))
    found = worklog.activity(["X1", "X2"])
    said = [(r.what, r.role) for r in found]
    assert said[:4] == [
        ("arrived", None),
        ("opened", "technician"),
        ("acted", "technician"),
        ("handed_over", "technician"),
    ]
    assert ("replied", "pharmacist") in said
    assert ("done", "pharmacist") in said
    assert len({r.task_id for r in found}) == 1
    for name in ("log.csv", "log.parquet"):
        table.write(found, tmp_path / name)
        assert table.read(tmp_path / name) == found
    text = (tmp_path / "log.csv").read_text()
    for secret in ("9990000018", "Mary", "Test", "tess", str(finding.case_id), finding.pk, "p1"):
        assert secret not in [cell for row in csv.reader(text.splitlines()) for cell in row]
        assert secret not in text or secret == "p1"
