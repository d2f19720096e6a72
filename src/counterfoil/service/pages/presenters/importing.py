"""How an import stands, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from counterfoil.service.setup.importing import Job
from counterfoil.service.setup.trying import DryRun

FORMATS = {
    "csv": "CSV",
    "emis": "EMIS",
    "systmone": "SystmOne",
    "gpconnect": "GP Connect",
    "fhir": "FHIR R4",
}
STATES = {
    "columns": ("Columns to be mapped", "yellow"),
    "queued": ("Waiting its turn", "grey"),
    "reading": ("Being read", "blue"),
    "asks": ("Tried: nothing changed yet", "blue"),
    "confirmed": ("Waiting its turn", "grey"),
    "publishing": ("Being imported", "blue"),
    "done": ("Imported", "green"),
    "refused": ("Not imported", "red"),
}
"""What the tag of a state says, and its colour."""
NOW = {
    "queued": "The file is here. It is read in a moment, or when the one before it is done.",
    "reading": "The file is being read and checked. A practice of average size takes a few minutes.",
    "confirmed": "It is imported in a moment, or when the one before it is done.",
}
STEPS = {
    "": "The file is being read once more.",
    "start": "The file was read. Its rows are being laid beside the record.",
    "merged": "The new record is being written.",
    "written": "The rules are looking for findings in the new record.",
    "computed": "The new record and its findings take the place of the old ones now.",
}
"""What is done after each point of the publish protocol."""


@dataclass(frozen=True)
class Card:
    """An import as its own page shows it."""

    ref: str
    practice: str
    title: str
    heading: str
    tag: str
    colour: str
    state: str
    seen: str
    """The moment of what is shown, so that nobody confirms what has changed since."""
    under_way: bool
    now: str
    file: str
    about: str
    since: datetime
    until: datetime
    again: str
    notes: tuple[str, ...]
    run: DryRun
    done: str
    table: bool


@dataclass(frozen=True)
class Line:
    """An import in the list of all."""

    ref: str
    own: bool
    practice: str
    file: str
    who: str
    tag: str
    colour: str
    when: datetime


def card(job: Job) -> Card:
    """One import in words."""
    tag, colour = STATES[job.state]
    kind = FORMATS.get(job.run.format, job.run.format)
    start = {"asks": "Dry run", "done": "Imported", "refused": "Not imported"}
    return Card(
        ref=job.ref,
        practice=job.practice_name,
        title=f"{start.get(job.state, 'Import')} of a record",
        heading=f"{start.get(job.state, 'Import')}: {job.practice_name}",
        tag=tag,
        colour=colour,
        state=job.state,
        seen=job.changed_at.isoformat(),
        under_way=job.under_way,
        now=STEPS[job.step] if job.state == "publishing" else NOW.get(job.state, ""),
        file=job.file,
        about=kind,
        since=job.made_at,
        until=job.until,
        again=_again(job),
        notes=job.reasons,
        run=job.run,
        done=_done(job) if job.state == "done" else "",
        table=job.table,
    )


def listed(job: Job, own: bool) -> Line:
    """One import as a line. What somebody else called a file is theirs."""
    tag, colour = STATES[job.state]
    return Line(
        ref=job.ref,
        own=own,
        practice=job.practice_name,
        file=job.file if own else "",
        who=job.who,
        tag=tag,
        colour=colour,
        when=job.changed_at,
    )


def _again(job: Job) -> str:
    if not job.under_way or job.tries < 2:
        return ""
    return f"The work was cut short and begun again: this is try {job.tries}. Nothing was lost."


def _done(job: Job) -> str:
    patients, new = job.result.get("patients", 0), job.result.get("new", 0)
    found = "1 new finding" if new == 1 else f"{new:,} new findings"
    same = " The record is the one that was there already." if job.result.get("same") else ""
    people = "1 patient" if patients == 1 else f"{patients:,} patients"
    return f"Imported. {job.practice_name} has {people} now; {found}.{same}"
