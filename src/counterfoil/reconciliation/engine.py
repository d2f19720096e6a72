"""A hospital letter laid beside the GP list, line by line, nothing lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from counterfoil.documents import Letter, Setting, read
from counterfoil.foundation.errors import DataError
from counterfoil.reconciliation import knowledge
from counterfoil.reconciliation.classify import Case, classify
from counterfoil.reconciliation.gather import gather
from counterfoil.reconciliation.identity import identify
from counterfoil.reconciliation.model import LEFT_ALONE, Outcome, OutcomeLine, Why
from counterfoil.reconciliation.sides import adopt, entries_of, units_of
from counterfoil.records.patient import PatientRecord


def reconcile(
    letter: Letter, record: PatientRecord, as_of: int, setting: Setting | None = None
) -> Outcome:
    """Every line of the letter and every current plan, each exactly once, in a class with reasons.

    *as_of* is the day the comparison speaks for, usually the discharge date (a day number). The GP
    side is what was current on that day or is now, plus items ended and acute issues of the 90 days
    before. A letter that is not certainly this patient's is refused and nothing is compared. Lines
    that are missing from the letter are never read as stopped.

    *setting* is the change of setting it is about, by default the one the letter names: it says what
    an item means that only one of the lists holds. A clinic's letter lists changes, so that an item it
    does not mention is left as it is, and is not missing.
    """
    setting = setting or letter.setting
    known = identify(letter, record.patient)
    head = (letter.id, record.patient.practice, record.patient.patient_id, as_of)
    if not known.agrees:
        return Outcome(*head, "refused", known.reason, setting=setting)
    case = Case(letter, record, as_of, setting)
    entries = entries_of(record, as_of)
    clusters = gather(adopt(units_of(letter), entries), entries)
    lines = [classify(c, case) for c in clusters]
    lines = _beside(lines)
    order = knowledge.data()["order"]
    lines.sort(key=lambda line: (order.index(line.cls), _first_text(line).lower(), line.id))
    return Outcome(*head, "done", known.reason, tuple(lines), letter.unread, setting)


def reconcile_file(
    letter_path: Path,
    record: PatientRecord,
    as_of: int | None = None,
    setting: Setting | None = None,
) -> Outcome:
    """Reads a letter file and reconciles it; *as_of* ``None`` takes the letter's discharge date.

    ``DataError`` where the file is not a letter, or has no date and none was given.
    """
    letter = read(letter_path)
    day = letter.as_of if as_of is None else as_of
    if day is None:
        raise DataError.at(
            Path(letter_path).name, "expected a discharge date in the letter, or --as-of", "neither"
        )
    return reconcile(letter, record, day, setting)


def _first_text(line: OutcomeLine) -> str:
    return (line.letter_lines or line.plans)[0].text


def _beside(lines: list[OutcomeLine]) -> list[OutcomeLine]:
    """Looks across lines: parts of compounds that would stand twice, likely substitutions."""
    out = []
    for line in lines:
        if line.cls == "new":
            line = _of_one_class(_doubled(line, lines), lines)
        if line.cls in ("new", "missing"):
            line = _substitution(line, lines)
        out.append(line)
    return out


def _doubled(line: OutcomeLine, lines: list[OutcomeLine]) -> OutcomeLine:
    """A new medicine that shares an ingredient with another that goes on."""
    for other in lines:
        if other is line or other.cls in ("stopped", "done", "unreadable"):
            continue
        shared = set(line.ingredients) & set(other.ingredients)
        if shared and set(line.ingredients) != set(other.ingredients):
            text = f"{' and '.join(sorted(shared))} is also in “{_first_text(other)}”."
            return _duplicate(line, other, "compound and component", text)
    return line


def _of_one_class(line: OutcomeLine, lines: list[OutcomeLine]) -> OutcomeLine:
    """A new medicine beside another of its class on the GP list that goes on: suspected, never paired."""
    if (
        line.cls != "new"
        or line.drug_class not in knowledge.data()["suspected_duplicates"]["classes"]
    ):
        return line
    for other in lines:
        goes_on = other.cls in ("same", "changed") or other.subclass == LEFT_ALONE
        apart = not set(line.ingredients) & set(other.ingredients)
        if goes_on and apart and other.plans and other.drug_class == line.drug_class:
            text = f"“{_first_text(other)}” goes on and is of the same class ({line.drug_class})."
            return _duplicate(line, other, "same class suspected", text)
    return line


def _duplicate(line: OutcomeLine, other: OutcomeLine, subclass: str, text: str) -> OutcomeLine:
    """The line as one that would stand beside *other*."""
    return replace(
        line,
        cls="duplicate",
        subclass=subclass,
        owner=knowledge.owner("duplicate"),
        why=(
            *line.why,
            Why(text, f"plan {other.plans[0].id}" if other.plans else f"line {other.id}"),
        ),
        proposal=knowledge.wording("proposal", "duplicate").format(
            letter=f"“{_first_text(line)}”", gp=f"“{_first_text(other)}”"
        ),
    )


def _substitution(line: OutcomeLine, lines: list[OutcomeLine]) -> OutcomeLine:
    """Suggests, and only suggests, that a new medicine stands for a missing one of its class."""
    wanted = "missing" if line.cls == "new" else "new"
    for other in lines:
        if other.cls == wanted and line.drug_class and other.drug_class == line.drug_class:
            text = f"Possible substitution, to be confirmed: “{_first_text(other)}” is of the same class ({line.drug_class})."
            return replace(line, why=(*line.why, Why(text, "rule substitution is only suggested")))
    return line
