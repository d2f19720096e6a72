"""The demo's pilot: a protocol over its practices, and a made-up work log from before today.

The work log is planted: letters within 7 days are about 62 in 100 before the service and about 80
after it began. It shows what the page looks like; it is no result of anything.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from counterfoil.evidence import activity
from counterfoil.evidence.activity import Activity
from counterfoil.service.pilot import kept

BASELINE_WEEKS = 52
DELIVERED = 16
"""Weeks of delivery that lie behind us."""
LETTERS = 14
"""Letters a practice and week."""
IN_TIME = (0.62, 0.80)


def make(organisation: str, practices: Sequence[tuple[str, str]], today: date, seed: int) -> None:
    """Register the demo's protocol and keep its made-up work log."""
    monday = today - timedelta(days=today.weekday())
    start = monday - timedelta(weeks=DELIVERED)
    kept.register(organisation, protocol_text(practices, start))
    rows = work(practices, start, monday, today, seed)
    activity.write(rows, kept.folder() / f"{organisation}-before.parquet")


def protocol_text(practices: Sequence[tuple[str, str]], start: date) -> str:
    """The protocol: five weeks of baseline, 26 of delivery, nine of analysis."""
    phases = (
        ("baseline", start - timedelta(weeks=5), start - timedelta(days=1)),
        ("delivery", start, start + timedelta(weeks=26, days=-1)),
        ("analysis", start + timedelta(weeks=26), start + timedelta(weeks=35, days=-1)),
    )
    parts = [
        "# The protocol of a made-up pilot. A real one is written, agreed and registered by people.",
        "[protocol]",
        'id = "demo-pilot"',
        'title = "A rotational pharmacy technician (made up)"',
        f"registered_on = {start - timedelta(weeks=5)}",
        f"baseline_weeks = {BASELINE_WEEKS}",
        "seed = 2026" if len(practices) > 1 else "",
    ]
    for name, first, last in phases:
        parts += ["[[phase]]", f'name = "{name}"', f"from = {first}", f"to = {last}"]
    for number, (code, name) in enumerate(practices):
        starts = start + timedelta(weeks=4 * number)
        if starts > phases[1][2]:
            break
        parts += ["[[site]]", f'id = "{code}"', f'name = "{name}"', f"starts = {starts}"]
    parts += [
        "[primary]",
        'measure = "letters_within_7_days"',
        "smallest_change = 10",
        'why = "Made up for the demonstration; a real protocol says who chose it and why."',
        "[[secondary]]",
        'measure = "monitoring_overdue_rate"',
        "[[secondary]]",
        'measure = "monitoring_days_at_risk"',
        "[[secondary]]",
        'measure = "active_minutes_per_task"',
    ]
    return "\n".join(part for part in parts if part) + "\n"


def work(
    practices: Sequence[tuple[str, str]], start: date, end: date, today: date, seed: int
) -> list[Activity]:
    """Letters received week by week before *end*, and finished by *today*."""
    draw = random.Random(f"pilot {seed}")
    rows: list[Activity] = []
    first = start - timedelta(weeks=BASELINE_WEEKS)
    for week in range((end - first).days // 7):
        monday = first + timedelta(weeks=week)
        for number, (code, _) in enumerate(practices):
            began = monday >= start + timedelta(weeks=4 * number)
            for letter in range(max(4, round(draw.gauss(LETTERS, 2.5)))):
                task = f"made-up-{code}-{week}-{letter}"
                rows += _letter(draw, task, code, monday, began, today)
    return rows


def _letter(
    draw: random.Random, task: str, practice: str, monday: date, began: bool, today: date
) -> list[Activity]:
    came = monday + timedelta(days=draw.randrange(5))
    kept_in_time = draw.random() < IN_TIME[began]
    done = came + timedelta(days=draw.randrange(1, 7) if kept_in_time else draw.randrange(8, 20))
    minutes = round(max(2.0, draw.gauss(11, 3)), 1)
    found = [Activity(f"{task}-1", _at(came, 9), "arrived", "letter", practice, task)]
    if done <= today:
        role = "technician" if began else "pharmacist"
        found.append(
            Activity(
                f"{task}-2",
                _at(done, 14),
                "done",
                "letter",
                practice,
                task,
                practice,
                role,
                minutes,
            )
        )
    return found


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), UTC)
