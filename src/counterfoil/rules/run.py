"""Rules over a population on one day: spans, findings with reasons, trend and forecast."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self

import numpy as np

from counterfoil.foundation.days import FOREVER, minus_months, to_date, to_day
from counterfoil.records.patient import PatientRecord
from counterfoil.rules.engines.duckdb import Engine, Spans, Tables
from counterfoil.rules.engines.prepare import Gates
from counterfoil.rules.explain import Explainer, Reason, causes, iso
from counterfoil.rules.history import history
from counterfoil.rules.model import FALSE, TRUE, Rule
from counterfoil.rules.reference import Reference
from counterfoil.rules.sets import TerminologySets

State = Literal["open", "near", "cannot_tell", "clear"]


class Population(Protocol):
    """An engine opened on a population: the spans of rules, and the records of those they name."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: Any) -> None: ...

    def spans(self, rules: Sequence[Rule], *, continues: bool = False) -> Spans:
        """Every span of every rule; *continues* asks the forecast question."""

    def records(
        self, patients: Set[tuple[str, str]], *, read: bool = False
    ) -> dict[tuple[str, str], PatientRecord]:
        """The records of patients given by practice and patient id."""


Opens = Callable[..., Population]
"""Opens an engine as ``Engine(tables, sets, as_of, known_on=, gates=, patients=)`` does."""


@dataclass(frozen=True)
class Finding:
    """Something about one person that somebody should look at, as the engine sees it on a day.

    What people did about it is kept elsewhere. ``since`` is the first day of the present span,
    ``until`` the first day on which it no longer holds as far as the record shows (None: no end
    in sight), ``due`` the day a monitored test is or was due.
    """

    person_id: str
    patient_id: str
    practice: str
    rule: str
    version: int
    subject: str
    state: State
    since: int | None
    until: int | None
    due: int | None
    owner: str
    cause: str
    reasons: tuple[Reason, ...] = field(hash=False)
    klass: str = ""
    urgency: str = "routine"
    title: str = ""
    purpose: str = "work"

    def to_json(self) -> dict[str, Any]:
        """The row of ``audit run``, but for the identity and the approval that the service adds."""
        return {
            "rule": self.rule,
            "version": self.version,
            "purpose": self.purpose,
            "person_id": self.person_id,
            "patient_id": self.patient_id,
            "practice": self.practice,
            "subject": self.subject,
            "state": self.state,
            "since": iso(self.since),
            "until": iso(self.until),
            "due": iso(self.due),
            "owner": self.owner,
            "cause": self.cause,
            "reasons": [reason.to_json() for reason in self.reasons],
        }


@dataclass(frozen=True)
class Hit:
    """Whom a rule's spans name on a day, before anything is explained."""

    rule: Rule
    practice: str
    patient_id: str
    person_id: str
    state: State
    since: int | None
    until: int | None


def run(
    tables: Tables,
    rules: Sequence[Rule],
    as_of: int,
    sets: TerminologySets | None = None,
    weak: Gates | None = None,
    *,
    known_on: int | None = None,
    patients: Iterable[tuple[str, str]] | None = None,
    opens: Opens = Engine,
) -> list[Finding]:
    """The findings of the rules on *as_of*, ordered by rule, practice and patient.

    *tables* are canonical tables, or the Parquet files of snapshots. States: ``open``,
    ``cannot_tell``, and ``near`` for what opens within the rule's ``near_days`` if treatment goes
    on and no further test is done. *known_on* asks the question with what was on record on that
    day. *weak* names, by practice, sets whose absence shows nothing there (:mod:`.gates`): what would
    be open by such an absence cannot be told, and is not shown as near. *patients* (practice,
    patient id) restricts it to some. *opens* is the engine: the same findings come from each.
    """
    sets = sets or TerminologySets()
    with opens(tables, sets, as_of, known_on=known_on, gates=weak, patients=patients) as engine:
        hits = hits_of(rules, engine.spans(rules), engine.spans(rules, continues=True), as_of)
        records = engine.records({(h.practice, h.patient_id) for h in hits}, read=True)
    return explained(hits, records, sets, as_of, weak, known_on)


def explained(
    hits: Iterable[Hit],
    records: Mapping[tuple[str, str], PatientRecord],
    sets: TerminologySets,
    as_of: int,
    weak: Gates | None,
    known_on: int | None = None,
) -> list[Finding]:
    """The findings of these hits, with their reasons; *records* hold everybody's who is hit."""
    findings = []
    references: dict[tuple[str, str], Reference] = {}
    for hit in hits:
        key = (hit.practice, hit.patient_id)
        if key not in references:
            gated = frozenset((weak or {}).get(hit.practice, ()))
            seen = history(records[key], as_of, known_on)
            references[key] = Reference(seen, sets, gated=gated)
        findings.append(_finding(hit, references[key], sets, as_of))
    return findings


def hits_of(rules: Sequence[Rule], now: Spans, ahead: Spans, as_of: int) -> list[Hit]:
    """Who is open, cannot be told or is near on *as_of*, ordered by rule, practice and patient."""
    by_id = {rule.id: rule for rule in rules}
    found: dict[tuple[str, str, str], Hit] = {}
    for row in when_spans(now):
        rule = by_id[row["rule"]]
        if row["since"] <= as_of < row["until"]:
            state: State = "open" if row["v"] == TRUE else "cannot_tell"
            found[rule.id, row["practice"], row["patient_id"]] = Hit(
                rule,
                row["practice"],
                row["patient_id"],
                row["person_id"],
                state,
                row["since"],
                None if row["until"] == FOREVER else row["until"],
            )
    for row in when_spans(ahead):
        rule = by_id[row["rule"]]
        key = (rule.id, row["practice"], row["patient_id"])
        soon = as_of < row["since"] <= as_of + rule.near_days
        if soon and row["v"] == TRUE and key not in found:
            found[key] = Hit(
                rule,
                row["practice"],
                row["patient_id"],
                row["person_id"],
                "near",
                row["since"],
                None,
            )
    order = {rule.id: i for i, rule in enumerate(rules)}
    return sorted(found.values(), key=lambda h: (order[h.rule.id], h.practice, h.patient_id))


def _finding(hit: Hit, reference: Reference, sets: TerminologySets, as_of: int) -> Finding:
    rule = hit.rule
    explainer = Explainer(reference, sets, as_of)
    reasons = explainer.reasons(rule)
    return Finding(
        person_id=hit.person_id,
        patient_id=hit.patient_id,
        practice=hit.practice,
        rule=rule.id,
        version=rule.version,
        subject=rule.subject,
        state=hit.state,
        since=hit.since,
        until=hit.until,
        due=explainer.due(rule) if hit.state != "cannot_tell" else None,
        owner=rule.owner,
        cause="; ".join(causes(reasons)) if hit.state == "cannot_tell" else "",
        reasons=reasons,
        klass=rule.klass,
        urgency=rule.urgency,
        title=rule.title,
        purpose=rule.purpose,
    )


def explain(
    record: PatientRecord,
    rule: Rule,
    as_of: int,
    sets: TerminologySets | None = None,
    *,
    known_on: int | None = None,
    gated: frozenset[str] = frozenset(),
) -> tuple[int, tuple[Reason, ...]]:
    """The truth of one rule for one patient's record on a day, and the reasons: hit or miss."""
    sets = sets or TerminologySets()
    reference = Reference(history(record, as_of, known_on), sets, gated=gated)
    return reference.rule(rule, as_of), Explainer(reference, sets, as_of).reasons(rule)


def when_spans(spans: Spans) -> Iterator[dict[str, Any]]:
    """The spans on which ``when`` is true or cannot be told, neighbours of equal truth made one."""
    last: dict[str, Any] | None = None
    for row in spans.table.to_pylist():
        same = (
            last is not None
            and all(last[k] == row[k] for k in ("rule", "practice", "patient_id", "v"))
            and last["until"] == row["since"]
        )
        if same and last is not None:
            last["until"] = row["until"]
            continue
        if last is not None and last["v"] != FALSE:
            yield last
        last = row
    if last is not None and last["v"] != FALSE:
        yield last


def month_ends(as_of: int, months: int) -> list[int]:
    """The last days of the *months* whole months before *as_of*'s month, then *as_of* itself."""
    first = to_day(to_date(as_of).replace(day=1))
    return [minus_months(first, n) - 1 for n in range(months - 1, -1, -1)] + [as_of]


def trend(
    tables: Tables,
    rules: Sequence[Rule],
    as_of: int,
    months: int = 24,
    sets: TerminologySets | None = None,
    weak: Gates | None = None,
    *,
    opens: Opens = Engine,
) -> list[dict[str, Any]]:
    """Per rule, practice and month end: patients at risk, open, cannot tell, and days at risk.

    ``days_at_risk`` counts patient-days on which the finding was open since the month end before.
    One set of spans answers every month.
    """
    with opens(tables, sets or TerminologySets(), as_of, gates=weak) as engine:
        spans = engine.spans(rules).table
    groups = _by_practice(spans)
    rows = []
    ends = month_ends(as_of, months)
    for rule in rules:
        for practice in sorted({p for r, p in groups if r == rule.id}):
            since, until, v, r = groups[rule.id, practice]
            for i, end in enumerate(ends):
                start = ends[i - 1] if i else minus_months(end + 1, 1) - 1
                inside = np.minimum(until, end + 1) - np.maximum(since, start + 1)
                there = (since <= end) & (end < until)
                rows.append(
                    {
                        "rule": rule.id,
                        "version": rule.version,
                        "practice": practice,
                        "month_end": iso(end),
                        "at_risk": int((there & (r == TRUE)).sum()),
                        "open": int((there & (v == TRUE)).sum()),
                        "cannot_tell": int((there & (v == 1)).sum()),
                        "days_at_risk": int(np.clip(inside, 0, None)[v == TRUE].sum()),
                    }
                )
    return rows


def forecast(
    tables: Tables,
    rules: Sequence[Rule],
    as_of: int,
    weeks: int = 12,
    sets: TerminologySets | None = None,
    weak: Gates | None = None,
    *,
    opens: Opens = Engine,
) -> list[dict[str, Any]]:
    """Per rule, practice and week from *as_of*: how many are open if treatment that is true today
    goes on and no further test is done, and how many of those are new since the week before."""
    with opens(tables, sets or TerminologySets(), as_of, gates=weak) as engine:
        spans = engine.spans(rules, continues=True).table
    groups = _by_practice(spans)
    rows = []
    for rule in rules:
        for practice in sorted({p for r, p in groups if r == rule.id}):
            since, until, v, _ = groups[rule.id, practice]
            for week in range(weeks + 1):
                day = as_of + 7 * week
                there = (since <= day) & (day < until) & (v == TRUE)
                new = there & (since > day - 7) & (since > as_of)
                rows.append(
                    {
                        "rule": rule.id,
                        "version": rule.version,
                        "practice": practice,
                        "date": iso(day),
                        "open": int(there.sum()),
                        "new": int(new.sum()),
                    }
                )
    return rows


def _by_practice(spans: Any) -> Mapping[tuple[str, str], tuple[Any, Any, Any, Any]]:
    rules_, practices = spans.column("rule").to_pylist(), spans.column("practice").to_pylist()
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, key in enumerate(zip(rules_, practices, strict=True)):
        places[key].append(i)
    columns = [spans.column(c).to_numpy() for c in ("since", "until", "v", "r")]
    since, until, v, r = columns
    return {k: (since[at], until[at], v[at], r[at]) for k, at in places.items()}
