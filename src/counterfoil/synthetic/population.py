"""A made-up network of practices whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from counterfoil.foundation.errors import UsageError
from counterfoil.records import schema
from counterfoil.synthetic import (
    archive,
    scenes_monitoring,
    scenes_pincer,
    scenes_records,
    scenes_safety,
)
from counterfoil.synthetic.conditions import carry, conditions, onsets, residents
from counterfoil.synthetic.draws import Bools, Ints
from counterfoil.synthetic.entries import diagnoses, results
from counterfoil.synthetic.entry_tables import entry_tables
from counterfoil.synthetic.issues import issue_table, issues, made_counts, next_due
from counterfoil.synthetic.letters.cases import LETTERS_A_PATIENT
from counterfoil.synthetic.letters.model import SyntheticLetter
from counterfoil.synthetic.letters.write import document_table
from counterfoil.synthetic.letters.write import letters as write_letters
from counterfoil.synthetic.other_tables import (
    admission_table,
    allergies,
    allergy_table,
    organisation_table,
    recall_table,
)
from counterfoil.synthetic.people import People, Place, patient_table, people, places
from counterfoil.synthetic.plans import AUTHORISED, plan_table, plans, review_days
from counterfoil.synthetic.regimens import start_script
from counterfoil.synthetic.requests import request_tables
from counterfoil.synthetic.truth import TRUTH, truth_table

DENSITIES = ("audit", "emis")
"""How much of a clinical system's contents: what audits read, or everything an extract holds."""


@dataclass(frozen=True, slots=True)
class Part:
    """One practice: its canonical tables by name, the scenes planted in it and its letters."""

    place: Place
    tables: dict[str, pa.Table]
    truth: pa.Table
    letters: tuple[SyntheticLetter, ...]


@dataclass(frozen=True, slots=True)
class Population:
    """Everything one run made.

    ``tables`` holds the canonical tables over all practices (column ``practice``); ``truth`` the
    scenes that were planted (:data:`counterfoil.synthetic.truth.TRUTH`); ``letters`` the hospital
    letters with their own truth.
    """

    seed: int
    as_of: int
    practices: tuple[Place, ...]
    tables: dict[str, pa.Table]
    truth: pa.Table
    letters: tuple[SyntheticLetter, ...] = field(default=())

    def for_practice(self, code: str) -> dict[str, pa.Table]:
        """The canonical tables of one practice."""
        return {
            name: table.filter(pc.equal(table["practice"], code)).combine_chunks()
            for name, table in self.tables.items()
        }


def _with_conditions(
    listed: Sequence[Place], index: int, seed: int, as_of: int
) -> tuple[People, dict[str, Bools], dict[str, Ints]]:
    before = listed[index - 1] if len(listed) > 1 else None
    who = people(listed[index], before, seed, as_of)
    has = conditions(who, seed)
    return who, has, onsets(who, has, seed)


def make_practice(
    listed: Sequence[Place],
    index: int,
    seed: int,
    as_of: int,
    *,
    density: str = "audit",
    letters: int | None = None,
) -> Part:
    """The practice at ``index`` of the network ``listed``, alone: the same as in the whole.

    ``density`` is one of :data:`DENSITIES`; ``letters`` how many hospital letters the whole
    network receives (else eight for every thousand patients).
    """
    place, practices = listed[index], len(listed)
    who, has, onset = _with_conditions(listed, index, seed, as_of)
    if place.arrivals:
        carry(who, has, onset, *_with_conditions(listed, index - 1, seed, as_of))
    script = start_script(who, has, onset, seed)
    script.everything = density == "emis"
    script.resident = residents(who, has, seed)
    scenes_monitoring.play(script, seed)
    scenes_safety.play(script, seed)
    scenes_pincer.play(script, seed)
    scenes_records.play(script, seed)
    allergic = allergies(script, seed)
    made = plans(script, allergic, seed)
    issued = issues(script, made, seed)
    tests = results(script, seed)
    coded = diagnoses(script, seed)
    rest = archive.archive(script, seed) if script.everything else archive.nothing()
    entry, problem = entry_tables(script, tests, coded, rest, seed)
    allergy = allergy_table(who, allergic, seed)
    received, stays = write_letters(
        script, made, allergy, seed, practices, _letters_here(listed, index, who.size, letters)
    )
    asked, items = request_tables(script, made, next_due(made, issued), seed)
    authorised = review_days(script, made, seed) - AUTHORISED
    tables = {
        "organisation": organisation_table(place),
        "patient": patient_table(who, seed),
        "plan": plan_table(script, made, made_counts(made, issued, authorised), seed),
        "issue": issue_table(script, made, issued),
        "coded_entry": entry,
        "problem": problem,
        "allergy": allergy,
        "recall": recall_table(script, seed),
        "admission": admission_table(who, seed, stays),
        "document": document_table(script, received),
        "request": asked,
        "request_item": items,
    }
    return Part(place, tables, truth_table(script, made), tuple(received))


def _letters_here(listed: Sequence[Place], index: int, size: int, letters: int | None) -> int:
    """How many letters this practice receives: its share of the whole network's."""
    if letters is None:
        return max(2, round(size * LETTERS_A_PATIENT))
    whole = sum(place.size for place in listed)
    before = sum(place.size for place in listed[:index])
    return letters * (before + listed[index].size) // whole - letters * before // whole


def network(patients: int, practices: int, seed: int) -> list[Place]:
    """The practices of a network; ``UsageError`` where there are none or one would be too small."""
    if practices < 1 or patients < practices * 50:
        raise UsageError("A synthetic network needs a practice and 50 patients in each.")
    return places(patients, practices, seed)


def generate(
    patients: int,
    practices: int,
    seed: int,
    as_of: int,
    only: Sequence[str] | None = None,
    *,
    density: str = "audit",
    letters: int | None = None,
) -> Population:
    """Make a network of ``practices`` with ``patients`` patients in all, as recorded on ``as_of``.

    ``as_of`` is a day number. The same arguments give the same bytes on any machine; each practice
    depends on its own streams, so ``only`` (practice codes) gives exactly that part of the whole.
    ``density`` is one of :data:`DENSITIES`; ``letters`` how many hospital letters there are in all
    (else eight for every thousand patients). ``UsageError`` where there are no practices or fewer than 50 patients in each.
    """
    listed = network(patients, practices, seed)
    parts = [
        make_practice(listed, index, seed, as_of, density=density, letters=letters)
        for index, place in enumerate(listed)
        if only is None or place.code in only
    ]
    tables = {
        name: pa.concat_tables([part.tables.get(name, schema.empty(name)) for part in parts])
        if parts
        else schema.empty(name)
        for name in schema.TABLES
    }
    truth = pa.concat_tables([part.truth for part in parts]) if parts else TRUTH.empty_table()
    received = tuple(letter for part in parts for letter in part.letters)
    return Population(seed, as_of, tuple(part.place for part in parts), tables, truth, received)
