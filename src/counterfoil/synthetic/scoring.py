"""How well somebody's findings and letter classes meet the truth. The judge, not the judged.

Results on our own data are just that, and whatever prints them should say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from counterfoil.synthetic.lists import dose_texts, options, schedules
from counterfoil.synthetic.population import Population

MET = {
    "open": {"open"},
    "near": {"open", "near"},
    "clear": {"clear", "near"},
    "cannot_tell": {"cannot_tell"},
    "not_open": {"clear", "near", "cannot_tell"},
}
"""Which states of a finding meet what a scene expects."""


@dataclass(frozen=True, slots=True)
class Score:
    """One subject: of ``planted`` faults ``seen`` were open; ``extra`` open ones were not planted.

    ``silent`` scenes were to stay silent and ``kept`` did. ``sensitivity`` and ``predictive`` are
    ``None`` where there is nothing to divide by.
    """

    subject: str
    planted: int
    seen: int
    extra: int
    silent: int
    kept: int

    @property
    def sensitivity(self) -> float | None:
        """The share of planted faults that were found."""
        return self.seen / self.planted if self.planted else None

    @property
    def predictive(self) -> float | None:
        """The share of what was found that had been planted."""
        found = self.seen + self.extra
        return self.seen / found if found else None


def score_findings(
    population: Population, found: Mapping[str, Mapping[str, str]]
) -> tuple[Score, ...]:
    """Score findings against the scenes.

    ``found`` gives for each subject of the truth (``methotrexate``, ``nsaid``, ...) the state by
    patient id; who is absent is clear. Scenes that expect ``any`` count for nothing.
    """
    scenes: dict[str, list[tuple[str, str]]] = {}
    for kind, patient, expected in zip(
        population.truth["kind"].to_pylist(),
        population.truth["patient_id"].to_pylist(),
        population.truth["expected"].to_pylist(),
        strict=True,
    ):
        scenes.setdefault(kind.partition(".")[0], []).append((patient, expected))
    out = []
    for subject, played in sorted(scenes.items()):
        states = found.get(subject, {})
        faults = {p for p, expected in played if expected in ("open", "near")}
        spared = {p for p, expected in played if expected == "any"} - faults
        seen = {p for p in faults if states.get(p, "clear") in MET["near"]}
        extra = {p for p, s in states.items() if s == "open"} - faults - spared
        silent = [(p, e) for p, e in played if e not in ("open", "near", "any") and p not in faults]
        kept = sum(states.get(p, "clear") in MET[e] for p, e in silent)
        out.append(Score(subject, len(faults), len(seen), len(extra), len(silent), kept))
    return tuple(out)


@dataclass(frozen=True, slots=True)
class DoseTruth:
    """One dose text as generated, with what it was written from.

    ``low`` and ``high`` are the amount at one time in ``unit``; ``times`` in ``per_days`` days;
    ``exact`` says that the words state all of it, so that a reader may be held to it.
    """

    product: str
    text: str
    low: float | None
    high: float | None
    unit: str
    times: int | None
    per_days: int | None
    as_needed: bool
    exact: bool


def dose_truths(
    vague: Iterable[str] = ("directed", "requirements", "as per", "yellow book"),
) -> list[DoseTruth]:
    """Every dose text the generator can write with its structure, each pair of product and text once."""
    texts = dose_texts()
    found: dict[tuple[str, str], DoseTruth] = {}
    loose = tuple(vague)
    for index, option in enumerate(options()):
        plan = schedules()[option.freq]
        start, count = int(texts.start[index]), int(texts.count[index])
        for text in texts.words[start : start + count]:
            amount = option.range
            says = plan.times is not None and amount is not None and not plan.as_needed
            says = says and not any(word in text.lower() for word in loose)
            key = (option.product, text)
            found.setdefault(
                key,
                DoseTruth(
                    *key,
                    amount[0] if amount else None,
                    amount[1] if amount else None,
                    option.unit,
                    plan.times,
                    plan.per_days,
                    plan.as_needed,
                    says and option.freq not in INEXACT,
                ),
            )
    return list(found.values())


INEXACT = frozenset(["inj_meals", "eye_2h", "apply_bd", "apply_tds", "doxy", "eye_qds", "wkinj"])
"""Schedules whose texts say more or less than their structure."""
