"""Whose letters there are and what each says about every medicine: the truth before the words."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from counterfoil.synthetic.columns import NO_DAY
from counterfoil.synthetic.draws import Bools, Ints, stream
from counterfoil.synthetic.letters.draft import Draft, Story
from counterfoil.synthetic.letters.model import Item, Stay
from counterfoil.synthetic.letters.stories import (
    STORIES,
    already_done,
    brand_named,
    left_out,
    looked_alike,
    new_course,
    smudged,
    split_strength,
)
from counterfoil.synthetic.lists import dose_texts, options, rows
from counterfoil.synthetic.numbers import nhs_numbers
from counterfoil.synthetic.people import People
from counterfoil.synthetic.plans import ERD, JUST_NOW, REPEAT, Plans
from counterfoil.synthetic.script import Script

VAGUE = ("directed", "requirements", "as per", "yellow book", "affected eye", "or two")
"""Words of a GP dose text that state no fixed dose: nobody can say that the dose is the same."""

LOOSE = ("prn_", "apply_", "eye_", "inj_", "inr", "test", "pill", "doxy", "pump", "q12w", "nostril")
"""Schedules that people put in words of different exactness."""

LETTERS_A_PATIENT = 0.00763
LEAST, MOST = 3, 9


def _kept(item: Item, said: bool) -> Item:
    return replace(item, stated="continued" if said else None)


def items_of(made: Plans, index: Ints, number: int, as_of: int) -> tuple[list[Item], list[str]]:
    """The items of somebody's plans as they would stand in a faultless letter."""
    out, found = [], []
    for plan in index.tolist():
        option = options()[int(made.option[plan])]
        words = dose_texts().words[int(made.text[plan])].lower()
        fixed = option.daily is not None and not any(vague in words for vague in VAGUE)
        fixed &= not option.freq.startswith(LOOSE) and "-" not in option.amount
        out.append(
            Item(
                option.product,
                option.amount,
                option.unit,
                option.freq,
                "continued",
                "",
                "",
                "same",
                "identical" if fixed else "the words leave room",
                (f"M{number}{plan + 1:08d}",),
                option.product,
                option.daily,
                option.daily,
                also=() if fixed else ("conflict", "unreadable", "changed"),
            )
        )
        found.append(option.group)
        if as_of - JUST_NOW < int(made.changed[plan]):
            out[-1] = already_done(out[-1])
    return out, found


def recent_changes(made: Plans, as_of: int) -> Bools:
    """Plans that took the place of another dose in the last few days."""
    return np.asarray((made.changed != NO_DAY) & (made.changed > as_of - JUST_NOW))


@dataclass(slots=True)
class Chosen:
    """Who gets a letter and when the stay was."""

    patient: int
    admitted: int
    discharged: int
    received: int
    trust: int


def choose(
    script: Script, made: Plans, seed: int, wanted: int
) -> tuple[list[Chosen], dict[int, Ints]]:
    """``wanted`` adults with 3 to 9 plans, just home; and for each their plans at discharge."""
    who = script.who
    rng = stream(seed, "letters", who.place.code)
    live = (made.end == NO_DAY) & ((made.kind == REPEAT) | (made.kind == ERD))
    fresh = recent_changes(made, who.as_of)
    live &= (made.start < who.as_of - 40) | fresh
    index = np.flatnonzero(live)
    count = np.bincount(made.patient[index], minlength=who.size)
    fits: Bools = (count >= LEAST) & (count <= MOST) & who.current & (who.age >= 18)
    fits &= who.registered_from < who.as_of - 60
    young = (made.end == NO_DAY) & ((made.kind == REPEAT) | (made.kind == ERD)) & ~live
    fits[made.patient[young]] = False
    pool = rng.permutation(np.flatnonzero(fits))
    trusts = len(rows("letter_trusts"))
    chosen, plans = [], {}
    changed = np.unique(made.patient[fresh & live])
    first = [p for p in pool.tolist() if p in set(changed.tolist())][: max(1, wanted // 14)]
    rest = [p for p in pool.tolist() if p not in set(changed.tolist())]
    called = (rest[: wanted - len(first)] + first)[:wanted]
    for patient in rng.permutation(np.array(called, dtype=np.int64)).tolist():
        received = int(who.as_of - rng.integers(0, 8))
        if patient in first:
            received = int(who.as_of - rng.integers(4, 8))
        discharged = max(received - int(rng.integers(0, 4)), who.as_of - 10)
        admitted = discharged - 1 - int(rng.integers(0, 9))
        trust = int(rng.integers(0, trusts))
        chosen.append(Chosen(patient, admitted, discharged, received, trust))
        plans[patient] = index[made.patient[index] == patient]
    return chosen, plans


def stay(
    rng: np.random.Generator,
    who: People,
    case: Chosen,
    items: list[Item],
    kinds: list[str],
    turn: int,
    story: tuple[Story, ...],
    partial: bool,
    allergies: tuple[str, ...],
    nhs_number: str,
) -> Stay:
    """One stay: a story told about this person's medicines.

    ``partial`` letters say only what changed: what they do not name is the same.
    """
    draft = Draft(rng, items, kinds, [], [], set(), allergies)
    odd = (left_out, smudged, split_strength, brand_named, looked_alike)
    for scene in story:
        if not (partial and scene in odd):
            scene(draft)
    if partial and not draft.touched and not draft.extra:
        new_course(draft)
    said = turn % 3 != 2
    hidden = {item.plan_ids for item in draft.unnamed}
    named, unnamed = [], draft.unnamed + draft.hidden
    for item in draft.items:
        if item.plan_ids in hidden:
            continue
        plain = item.stated == "continued" and item.expected == "same"
        if partial and item.stated == "continued":
            unnamed.append(
                replace(
                    item,
                    product="",
                    stated=None,
                    expected="missing",
                    subclass="letter lists changes only",
                    also=("same",),
                )
            )
        else:
            named.append(_kept(item, said) if plain else item)
    named += draft.extra
    listed = [named[i] for i in rng.permutation(len(named))]
    row = rows("letter_trusts")[case.trust]
    tale = rows("letter_stories")[int(rng.integers(len(rows("letter_stories"))))]
    return Stay(
        f"{who.place.code}-{turn}",
        row["name"],
        row["org_code"],
        row["ward"],
        row["sign"],
        who.place.name,
        rows("given_names")[int(who.given[case.patient])]["name"],
        rows("family_names")[int(who.family[case.patient])]["name"],
        bool(who.sex[case.patient]),
        int(who.birth[case.patient]),
        nhs_number,
        case.admitted,
        case.discharged,
        tale["admission"],
        tale["diagnosis"],
        tale["story"].replace("her neighbour", "a neighbour"),
        allergies,
        tuple(listed),
        tuple(unnamed),
    )


def stories(seed: int, practice: str, wanted: int) -> list[tuple[Story, ...]]:
    """The stories of a practice's letters: all of them in turn, each round in an order of its own."""
    rng = stream(seed, "stories", practice)
    rounds = -(-wanted // len(STORIES))
    return [STORIES[i] for _ in range(rounds) for i in rng.permutation(len(STORIES))][:wanted]


def number_of(seed: int, serial: int) -> str:
    """One person's NHS number as ten figures."""
    return f"{int(nhs_numbers(seed, np.array([serial]))[0]):010d}"
