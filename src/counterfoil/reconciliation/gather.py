"""From lines and plans to clusters: letter lines merged, split strengths summed, parts joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from counterfoil.documents import MedicineLine
from counterfoil.reconciliation.assign import equal_totals, groups, kin, pair
from counterfoil.reconciliation.differences import (
    amounts,
    direction,
    product_difference,
    strength_differs,
)
from counterfoil.reconciliation.sides import Cluster, Entry, Unit

S = TypeVar("S", Unit, Entry)


def gather(units: Sequence[Unit], entries: Sequence[Entry]) -> list[Cluster]:
    """Every unit and every current entry in exactly one cluster; context entries only where used."""
    clusters: list[Cluster] = []
    lone_units: list[Unit] = []
    lone_entries: list[Entry] = []
    for _, ours, theirs in groups(units, entries):
        made, left_units, left_entries = _group(ours, theirs)
        clusters += made
        lone_units += left_units
        lone_entries += left_entries
    clusters += _compounds(lone_units, lone_entries)
    clusters += [Cluster([u], []) for u in lone_units]
    clusters += [Cluster([], [e]) for e in lone_entries if e.current]
    return clusters


# -- within one moiety ------------------------------------------------------------


def _group(
    units: list[Unit], entries: list[Entry]
) -> tuple[list[Cluster], list[Unit], list[Entry]]:
    units = _merge_statements(units)
    current = [e for e in entries if e.current]
    clusters, left_units, left_entries = pair(units, entries)
    clusters = _absorb_units(clusters, left_units)
    clusters = _absorb_entries(clusters, left_entries)
    clusters = _sum(clusters, current)
    return clusters, left_units, left_entries


def _merge_statements(units: list[Unit]) -> list[Unit]:
    """Joins lines that say the same about one medicine: the list, and a sentence about the change.

    Two full lines stay two units. A stop of one strength beside another strength that goes on is a
    switch and stays two units too, to be laid against the plans.
    """
    full = [u for u in units if not _statement(u)]
    for said in (u for u in units if _statement(u)):
        target = _target(said, full)
        if target is None:
            full.append(said)
            continue
        full[full.index(target)] = _joined(target, said)
    return full


def _statement(unit: Unit) -> bool:
    """Whether a unit only speaks about a medicine and is no full instruction itself."""
    line = unit.main
    return not line.dose_text or line.section == "changes" or line.statement


def _target(said: Unit, full: Sequence[Unit]) -> Unit | None:
    """The full line a statement is about: one of the same product if it names one."""
    near = [u for u in full if product_difference(u, said) is None]
    same = [u for u in near if not strength_differs(u, said)]
    if not said.active and not same and near:
        return None
    return next(iter([*same, *near]), None)


def _joined(main: Unit, said: Unit) -> Unit:
    against = list(main.conflicts) + [c for c in said.conflicts if c not in main.conflicts]
    stated = main.stated
    if said.stated is not None and said.stated != main.stated:
        if main.stated is None or {main.stated, said.stated} == {"changed", "continued"}:
            stated = said.stated if said.stated != "continued" else main.stated
        elif {main.stated, said.stated} == {"new", "changed"} and main.active:
            stated = main.stated
        else:
            against.append(f"One place says “{_words(main.main)}”, another “{_words(said.main)}”.")
        if main.active != said.active and not any("One place" in a for a in against):
            against.append(f"One place lists it to be taken, another says “{_words(said.main)}”.")
    if said.dose.status == "read" and main.dose.status == "read" and said.active:
        one, other = amounts(main), amounts(said)
        if one and other and direction(one, other) != "equal":
            against.append(f"One place gives “{main.dose_text}”, another “{said.dose_text}”.")
    return replace(main, lines=(*main.lines, *said.lines), stated=stated, conflicts=tuple(against))


def _words(line: MedicineLine) -> str:
    return line.stated_words or line.stated or line.dose_text or "nothing"


def _absorb_units(clusters: list[Cluster], left: list[Unit]) -> list[Cluster]:
    """Units that found no entry of their own go with a unit of their kind that did."""
    for unit in list(left):
        host = next((c for c in clusters if any(kin(unit, u) for u in c.units)), None)
        if host is None and not unit.active:
            host = next(iter(clusters), None)
        if host is None:
            continue
        if host.units[0].active != unit.active:
            _switch(host, unit)
        else:
            host.units.append(unit)
        left.remove(unit)
    return clusters


def _switch(host: Cluster, unit: Unit) -> None:
    """One line stops a medicine and another goes on with it: another strength, or a contradiction."""
    active, stopped = (host.units[0], unit) if host.units[0].active else (unit, host.units[0])
    others = [u for u in host.units if u not in (active, stopped)]
    clear = strength_differs(active, stopped) or product_difference(active, stopped) is not None
    if not clear:
        host.against.append(
            f"One place lists it to be taken, another says “{_words(stopped.main)}”."
        )
    host.units = [active, stopped, *others]


def _absorb_entries(clusters: list[Cluster], left: list[Entry]) -> list[Cluster]:
    """Current entries that found no line of their own go with an entry of their kind that did."""
    for entry in list(left):
        if not entry.current:
            continue
        host = next(
            (
                c
                for c in clusters
                if any(kin(entry, e) for e in c.entries if e.current)
                and (any(u.active for u in c.units) or not strength_differs(entry, c.units[0]))
            ),
            None,
        )
        if host is None:
            continue
        host.entries.append(entry)
        left.remove(entry)
    return clusters


def _sum(clusters: list[Cluster], current: Sequence[Entry]) -> list[Cluster]:
    """Joins clusters of one kind whose amounts agree only in sum (100 + 25 against 75 + 50)."""
    if len(clusters) < 2:
        return clusters
    open_ = [
        c
        for c in clusters
        if all(u.active for u in c.units) and all(e in current for e in c.entries)
    ]
    apart = [c for c in open_ if not equal_totals(c.units, c.entries)]
    if len(apart) < 2:
        return clusters
    first = apart[0]
    alike = [
        c for c in apart if kin(first.entries[0], c.entries[0]) and kin(first.units[0], c.units[0])
    ]
    units = [u for c in alike for u in c.units]
    entries = [e for c in alike for e in c.entries]
    if len(alike) < 2 or not equal_totals(units, entries):
        return clusters
    joined = Cluster(units, entries, note="sum")
    return [c for c in clusters if c not in alike] + [joined]


# -- compounds and their parts ----------------------------------------------------


def _compounds(units: list[Unit], entries: list[Entry]) -> list[Cluster]:
    """A combined product on one side and all its parts, unpartnered, on the other."""
    made: list[Cluster] = []
    for unit in list(units):
        parts = _parts(unit.moiety, [e for e in entries if e.current]) if unit.active else None
        if parts:
            made.append(Cluster([unit], parts, note="compound"))
            units.remove(unit)
            for part in parts:
                entries.remove(part)
    for entry in [e for e in entries if e.current]:
        lines = _parts(entry.moiety, [u for u in units if u.active])
        if lines:
            made.append(Cluster(lines, [entry], note="compound"))
            entries.remove(entry)
            for line in lines:
                units.remove(line)
    return made


def _parts(whole: frozenset[str], sides: Sequence[S]) -> list[S] | None:
    """The sides whose ingredients together are exactly *whole*, each a true part of it."""
    if len(whole) < 2:
        return None
    found: list[S] = []
    covered: set[str] = set()
    for side in sides:
        if side.moiety < whole and not side.moiety & covered:
            found.append(side)
            covered |= side.moiety
    return found if covered == set(whole) else None
