"""The truth table: every scene with the rows it concerns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from counterfoil.synthetic.columns import NO_DAY
from counterfoil.synthetic.lists import options
from counterfoil.synthetic.plans import ACUTE, ERD, REPEAT, Plans
from counterfoil.synthetic.script import Plant, Script

TRUTH = pa.schema(
    [
        pa.field("plant_id", pa.string(), nullable=False),
        pa.field("practice", pa.string(), nullable=False),
        pa.field("patient_id", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("object_ids", pa.list_(pa.string()), nullable=False),
        pa.field("true_value", pa.string(), nullable=False),
        pa.field("seen_value", pa.string(), nullable=False),
        pa.field("planted_on", pa.date32()),
        pa.field("expected", pa.string(), nullable=False),
        pa.field("difficulty", pa.int64(), nullable=False),
        pa.field("intentional", pa.bool_(), nullable=False),
        pa.field("note", pa.string(), nullable=False),
    ]
)
"""``kind`` is ``subject.scene``; ``object_ids`` are plan ids; ``planted_on`` is the day from which
the fault holds (null where there is none); ``expected`` is ``open``, ``near``, ``clear``,
``cannot_tell``, ``not_open`` (clear or cannot tell) or ``any`` (no claim)."""


def _common(script: Script, made: Plans) -> list[Plant]:
    """What befell people of any scene and of none: reviews overdue, and items no longer ordered."""
    live = (made.end == NO_DAY) & ((made.kind == REPEAT) | (made.kind == ERD))
    due = np.unique(made.patient[live & script.review_late[made.patient]])
    out = [
        Plant(patient, "repeat.review_overdue", "open", 1, (), "review in time", "review overdue")
        for patient in due.tolist()
    ]
    named = {(p.patient, group) for p in script.plants for group in p.groups}
    for index in script.lapsed.tolist():
        patient = int(made.patient[index])
        group = options()[int(made.option[index])].group
        if (patient, group) not in named:
            seen = "not ordered for over a year"
            out.append(Plant(patient, "repeat.unused", "open", 1, (group,), "every 28 days", seen))
    return out


def truth_table(script: Script, made: Plans) -> pa.Table:
    """The scenes of one practice, in the order of their patients."""
    who = script.who
    script.plants += _common(script, made)
    group_of = [option.group for option in options()]
    wanted = {plant.patient for plant in script.plants}
    held: dict[int, list[tuple[str, int]]] = {}
    for index, (patient, option, kind) in enumerate(
        zip(made.patient.tolist(), made.option.tolist(), made.kind.tolist(), strict=True)
    ):
        if patient in wanted and kind != ACUTE:
            held.setdefault(patient, []).append((group_of[option], index))
    rows = []
    ordered = sorted(script.plants, key=lambda plant: (plant.patient, plant.kind))
    for number, plant in enumerate(ordered, start=1):
        plans = [i for group, i in held.get(plant.patient, []) if group in plant.groups]
        rows.append(
            {
                "plant_id": f"T{who.place.number}{number:06d}",
                "practice": who.place.code,
                "patient_id": who.patient_id(plant.patient),
                "kind": plant.kind,
                "object_ids": [f"M{who.place.number}{i + 1:08d}" for i in plans],
                "true_value": plant.true_value,
                "seen_value": plant.seen_value,
                "planted_on": plant.day,
                "expected": plant.expected,
                "difficulty": plant.difficulty,
                "intentional": plant.intentional,
                "note": plant.note,
            }
        )
    columns = {
        f.name: pa.array(
            [row[f.name] for row in rows], pa.int32() if f.type == pa.date32() else f.type
        ).cast(f.type)
        for f in TRUTH
    }
    return pa.table(columns, schema=TRUTH)
