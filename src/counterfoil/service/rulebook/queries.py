"""What the pages read of an organisation's own rules; only within the user's reach."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from counterfoil import rules
from counterfoil.foundation.errors import DataError
from counterfoil.rules.examples import run_example
from counterfoil.rules.language import read_rule
from counterfoil.rules.model import FALSE, TRUE, UNKNOWN
from counterfoil.rules.sets import TerminologySets
from counterfoil.service.accounts.models import Role, User
from counterfoil.service.casework import clock, scope
from counterfoil.service.rulebook import actions, force
from counterfoil.service.rulebook.models import LocalRule
from counterfoil.terminology.codesets import set_names

_SETTING = re.compile(r"(?m)^(\w+)\s*=")
TRUTHS = {FALSE: "no", UNKNOWN: "not known", TRUE: "yes"}


@dataclass(frozen=True)
class VersionLine:
    """One version of a rule in an organisation. ``in_force``: it is what runs there today."""

    ref: str
    rule: str
    version: int
    organisation: str
    organisation_name: str
    status: str
    status_words: str
    reason: str
    expires_on: date | None
    author: str
    saved_at: datetime
    submitted_at: datetime | None
    decided_by: str
    decided_at: datetime | None
    note: str
    in_force: bool
    may_decide: bool
    may_edit: bool


@dataclass(frozen=True)
class ExampleResult:
    """An example of a rule text: what it should say, what it says, and each clause's truth."""

    name: str
    expected: str
    found: str
    clauses: tuple[tuple[str, str], ...]

    @property
    def passes(self) -> bool:
        """Whether the rule says what the example expects."""
        return self.expected == self.found


def in_force(user: User) -> dict[str, rules.Rule]:
    """The rules in force in the user's practices, by id."""
    codes = scope.practices(user, tuple(Role.values)).values_list("pk", flat=True)
    return force.everywhere(codes, clock.today())


def not_readable(user: User) -> dict[str, str]:
    """Rule id to why this release cannot read the own version that is in force at a practice."""
    codes = scope.practices(user, tuple(Role.values)).values_list("pk", flat=True)
    found: dict[str, str] = {}
    for code in codes:
        found |= force.at(code, clock.today()).broken
    return found


def versions(user: User, rule: str = "") -> tuple[VersionLine, ...]:
    """Versions that organisations in the user's reach wrote, of one rule or of all; newest first."""
    reach = actions.reach(user)
    rows = LocalRule.objects.filter(organisation__in=reach)
    if rule:
        rows = rows.filter(rule=rule)
    found = rows.select_related("organisation", "author", "decided_by").order_by(
        "rule", "-version", "organisation"
    )
    return tuple(_line(user, row) for row in found)


def waiting(user: User) -> tuple[VersionLine, ...]:
    """Versions that this user, as a pharmacist, may approve."""
    return tuple(v for v in versions(user) if v.status == "submitted" and v.may_decide)


def version(user: User, ref: str) -> tuple[VersionLine, str]:
    """One version and its text."""
    row = actions.find(user, ref)
    return _line(user, row), row.text


def text_to_start_from(user: User, organisation: str, rule: str) -> str:
    """The text of the rule in force in an organisation, else of the shipped rule; ``""`` for none."""
    for place in actions.organisations(user):
        if place.pk == organisation:
            row = force.of_organisation(place, clock.today()).get(rule)
            if row is not None:
                return row.text
    return force.shipped_texts().get(rule, "")


def examples(text: str) -> tuple[ExampleResult, ...]:
    """Each example of a rule text as the rule answers it; empty where the text cannot be read."""
    try:
        rule = read_rule(text, "rule")
    except DataError:
        return ()
    sets = TerminologySets()
    found = []
    for example in rule.examples:
        try:
            outcome, values = run_example(rule, example, sets)
        except (DataError, KeyError, ValueError) as error:
            found.append(ExampleResult(example.name, example.expect, f"cannot run: {error}", ()))
            continue
        says = tuple((c.says, TRUTHS[values[c.name]]) for c in rule.clauses)
        found.append(ExampleResult(example.name, example.expect, outcome, says))
    return tuple(found)


def completions() -> dict[str, list[str]]:
    """What the editor offers: settings, sets of codes and of drugs, and the rest of the words."""
    settings = {key for text in force.shipped_texts().values() for key in _SETTING.findall(text)}
    return {
        "settings": sorted(settings),
        "code sets": set_names("codesets"),
        "drug sets": set_names("drugsets"),
        "values": [
            "technician",
            "pharmacist",
            "prescriber",
            "same_day",
            "week",
            "month",
            "routine",
        ],
    }


def _line(user: User, row: LocalRule) -> VersionLine:
    may = user.memberships.filter(role=Role.PHARMACIST).values_list("organisation_id", flat=True)
    above = {row.organisation_id, row.organisation.parent_id}
    active = force.of_organisation(row.organisation, clock.today()).get(row.rule)
    return VersionLine(
        ref=str(row.pk),
        rule=row.rule,
        version=row.version,
        organisation=row.organisation_id,
        organisation_name=row.organisation.name,
        status=row.status,
        status_words=row.get_status_display(),
        reason=row.reason,
        expires_on=row.expires_on,
        author=row.author.display_name,
        saved_at=row.saved_at,
        submitted_at=row.submitted_at,
        decided_by=row.decided_by.display_name if row.decided_by else "",
        decided_at=row.decided_at,
        note=row.note,
        in_force=active is not None and active.pk == row.pk,
        may_decide=bool(above & set(may)),
        may_edit=row.status == LocalRule.Status.DRAFT
        and row.organisation in actions.organisations(user),
    )
