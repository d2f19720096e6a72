"""The role policy: role x class of finding x action, read from ``knowledge/roles.toml``.

Pure: nothing here touches the database. :func:`check` is what ``actions`` asks before every
decision; the pages show what :func:`allowed` gives, so page and crafted request obey one table.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from counterfoil.foundation.days import words
from counterfoil.reconciliation import EXPECTED, Expected
from counterfoil.service.casework.errors import PolicyError

CLINICAL_ROLES = ("technician", "pharmacist", "prescriber")
"""Roles that see patients; a lead and an administrator see counts."""

EFFECTS = ("done", "waiting", "none", "todo")
TECHNICIANS_REQUESTS = ("ok", "technician", "contact")
"""Outcomes of a request item that a technician may finish by protocol."""
NEEDS = ("note", "until", "found_on", "place", "reason")


@dataclass(frozen=True)
class Action:
    """One thing that can be done to a finding."""

    name: str
    label: str
    effect: str
    needs: tuple[str, ...]
    changes_treatment: bool = False
    high_risk_roles: tuple[str, ...] = ()
    """The only roles that may do it where the drug is high-risk, or may be; empty: no limit."""
    second_person_after: str = ""
    """The action that somebody else must have taken first."""
    after: tuple[str, ...] = ()
    """Actions that had finished the finding, and that this one may follow all the same."""
    max_days: int | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""
    record_shows: Expected | None = None
    """What the next imported record is to show of a letter line that this was done to."""


@dataclass(frozen=True)
class FindingClass:
    """One class of finding and what each role may do to it."""

    name: str
    title: str
    actions: Mapping[str, tuple[str, ...]]
    hand_over: Mapping[str, tuple[str, ...]]
    protocol: Mapping[str, tuple[str, ...]]
    rules: tuple[str, ...] = ()
    blocks: bool = False
    fresh_issue_needs_handover: bool = False

    @property
    def is_request(self) -> bool:
        """Whether it is a class of repeat request items."""
        return self.name.startswith("request.")


@dataclass(frozen=True)
class Policy:
    """The whole table."""

    version: str
    actions: Mapping[str, Action]
    classes: Mapping[str, FindingClass]
    fresh_issue_days: int
    urgency: Mapping[str, int]
    """Days within which a finding without a due date is to be looked at, by its urgency."""

    def class_of(self, name: str) -> FindingClass:
        """The class of this name; what nobody named is ``other``, where little is allowed."""
        return self.classes.get(name, self.classes["other"])

    def class_for_rule(self, rule: str) -> str:
        """The class of a rule by the first word of its name, else ``other``."""
        first = rule.split(".", 1)[0]
        for known in self.classes.values():
            if first in known.rules:
                return known.name
        return "other"

    def names(self, role: str, klass: str, protocol: Collection[str] = ()) -> tuple[str, ...]:
        """Actions that one role has on a class; *protocol* holds ``"class:action"`` names."""
        known = self.class_of(klass)
        named = tuple(
            a for a in known.protocol.get(role, ()) if f"{known.name}:{a}" in set(protocol)
        )
        return known.actions.get(role, ()) + named


@dataclass(frozen=True)
class Subject:
    """What the policy must know of a finding."""

    klass: str
    high_risk: bool | None = None
    issued_on: date | None = None
    urgency: str = "routine"


def _action(name: str, row: Mapping[str, Any], limits: Mapping[str, int]) -> Action:
    limit = row.get("limit")
    return Action(
        name=name,
        label=row["label"],
        effect=row["effect"],
        needs=tuple(row["needs"]),
        changes_treatment=row.get("changes_treatment", False),
        high_risk_roles=tuple(row.get("high_risk_roles", ())),
        second_person_after=row.get("second_person_after", ""),
        after=tuple(row.get("after", ())),
        max_days=limits[limit] if limit else None,
        reasons=dict(row.get("reasons", {})),
        hint=row.get("hint", ""),
        record_shows=row.get("record_shows"),
    )


def _class(name: str, row: Mapping[str, Any]) -> FindingClass:
    return FindingClass(
        name=name,
        title=row["title"],
        actions={role: tuple(row.get(role, ())) for role in CLINICAL_ROLES},
        hand_over={role: tuple(to) for role, to in row["hand_over"].items()},
        protocol={role: tuple(a) for role, a in row.get("protocol", {}).items()},
        rules=tuple(row.get("rules", ())),
        blocks=row.get("blocks", False),
        fresh_issue_needs_handover=row.get("fresh_issue_needs_handover", False),
    )


def parse(text: str) -> Policy:
    """A policy from TOML; ``ValueError`` where it is malformed or breaks a law of the house."""
    data = tomllib.loads(text)
    limits = data["limits"]
    policy = Policy(
        version=data["version"],
        actions={n: _action(n, row, limits) for n, row in data["actions"].items()},
        classes={n: _class(n, row) for n, row in data["classes"].items()},
        fresh_issue_days=limits["fresh_issue_days"],
        urgency=dict(data["urgency"]),
    )
    faults = breaches(policy)
    if faults:
        raise ValueError("roles.toml: " + "; ".join(faults))
    return policy


def breaches(policy: Policy) -> list[str]:
    """Where a policy contradicts itself or a law of the house; empty when it is sound."""
    found = []
    for action in policy.actions.values():
        if action.effect not in EFFECTS or not set(action.needs) <= set(NEEDS):
            found.append(f"action {action.name}: unknown effect or need")
        if "reason" in action.needs and not action.reasons:
            found.append(f"action {action.name}: asks for a reason and lists none")
        if action.record_shows not in (None, *EXPECTED):
            found.append(f"action {action.name}: record_shows is none of {', '.join(EXPECTED)}")
    for known in policy.classes.values():
        for role, names in [*known.actions.items(), *known.protocol.items()]:
            for name in names:
                if name not in policy.actions:
                    found.append(f"class {known.name}: no action {name}")
                elif role == "technician" and policy.actions[name].changes_treatment:
                    found.append(f"class {known.name}: {name} changes a treatment")
        same = known.name == "letter.same" or not known.name.startswith("letter.")
        for name in () if same else known.actions.get("technician", ()):
            if name in policy.actions and policy.actions[name].effect == "done":
                found.append(f"class {known.name}: a technician's {name} finishes the line")
        open_request = known.name.removeprefix("request.") not in TECHNICIANS_REQUESTS
        for name in (
            known.actions.get("technician", ()) if known.is_request and open_request else ()
        ):
            if name in policy.actions and policy.actions[name].effect == "done":
                found.append(f"class {known.name}: a technician's {name} finishes the item")
        for role, targets in known.hand_over.items():
            if role in targets or not set(targets) <= set(CLINICAL_ROLES):
                found.append(f"class {known.name}: {role} cannot hand over to {targets}")
    return found


@cache
def load() -> Policy:
    """The policy that comes with the package."""
    return parse(files("counterfoil.knowledge").joinpath("roles.toml").read_text("utf-8"))


def allowed(
    policy: Policy, roles: Collection[str], subject: Subject, protocol: Collection[str] = ()
) -> dict[str, str]:
    """Action name -> the role that allows it, in the table's order, for somebody with *roles*."""
    found: dict[str, str] = {}
    for role in CLINICAL_ROLES[::-1]:  # the widest scope first: its actions lead on the page
        if role not in roles:
            continue
        for name in policy.names(role, subject.klass, protocol):
            limited = policy.actions[name].high_risk_roles
            if limited and subject.high_risk is not False and role not in limited:
                continue
            found.setdefault(name, role)
    return found


def hand_over_targets(policy: Policy, roles: Collection[str], klass: str) -> dict[str, str]:
    """Role to hand to -> the role that hands over."""
    known = policy.class_of(klass)
    found: dict[str, str] = {}
    for role in CLINICAL_ROLES:
        for target in known.hand_over.get(role, ()) if role in roles else ():
            found.setdefault(target, role)
    return found


def must_hand_over(policy: Policy, action: Action, role: str, subject: Subject, today: date) -> str:
    """Why a technician's action leaves something to hand over as well; ``""`` where it does not.

    An issue whose date is not known counts as fresh, a drug not known as high-risk counts as one.
    """
    if role != "technician" or action.effect != "waiting":
        return ""
    if subject.urgency == "same_day":
        return "this is for a clinician on the same day"
    if action.name == "declined" and subject.high_risk is not False:
        return "the patient declined, and a high-risk drug is still being issued"
    if policy.class_of(subject.klass).fresh_issue_needs_handover:
        if subject.issued_on is None:
            return "the test is overdue, and when the drug was last issued is not known"
        if (today - subject.issued_on).days < policy.fresh_issue_days:
            return f"the test is overdue, and the drug was issued on {words(subject.issued_on)}"
    return ""


def check(
    policy: Policy,
    roles: Collection[str],
    subject: Subject,
    action: str,
    *,
    note: str,
    until: date | None,
    evidence: Mapping[str, Any],
    today: date,
    protocol: Collection[str] = (),
) -> tuple[Action, str]:
    """The action and the role that allows it; ``PolicyError`` in plain words where it may not be."""
    known = policy.actions.get(action)
    if known is None:
        raise PolicyError("There is no such action.")
    role = allowed(policy, roles, subject, protocol).get(action)
    title = policy.class_of(subject.klass).title.lower()
    if role is None:
        who = " or ".join(sorted(roles)) or "somebody without a clinical role"
        raise PolicyError(f"“{known.label}” is not open to a {who} for this ({title}).")
    _check_needs(known, note, until, evidence, today)
    return known, role


def _check_needs(
    action: Action, note: str, until: date | None, evidence: Mapping[str, Any], today: date
) -> None:
    if "note" in action.needs and not note.strip():
        raise PolicyError(f"“{action.label}” needs a note.")
    if "until" in action.needs:
        if until is None:
            raise PolicyError(f"“{action.label}” needs a date.")
        if until <= today:
            raise PolicyError("The date must lie ahead.")
        if action.max_days is not None and until > today + timedelta(days=action.max_days):
            last = today + timedelta(days=action.max_days)
            raise PolicyError(f"The date must be no later than {words(last)}.")
    if "found_on" in action.needs:
        found_on = evidence.get("found_on")
        if not found_on:
            raise PolicyError(f"“{action.label}” needs the date of the test.")
        try:
            when = date.fromisoformat(str(found_on))
        except ValueError:
            raise PolicyError("The date of the test is not a date.") from None
        if when > today:
            raise PolicyError("The date of the test lies ahead.")
    if "place" in action.needs and not str(evidence.get("place", "")).strip():
        raise PolicyError(f"“{action.label}” needs the place where you found it.")
    if "reason" in action.needs and evidence.get("reason") not in action.reasons:
        raise PolicyError(f"“{action.label}” needs one of the listed reasons.")
