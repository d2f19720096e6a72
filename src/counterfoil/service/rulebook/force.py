"""Which rules are in force at a practice: the shipped ones, and the organisation's own over them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files

from django.db.models import Q

from counterfoil import rules
from counterfoil.foundation.errors import DataError
from counterfoil.rules.examples import check_rules
from counterfoil.rules.language import read_rule
from counterfoil.service.organisations.models import Organisation
from counterfoil.service.rulebook.models import LocalRule


@cache
def shipped() -> tuple[rules.Rule, ...]:
    """The rules that come with the package and are there to make work, checked once a process.

    Measures are counted on the command line; nobody is asked to act on one.
    """
    return tuple(rule for rule in rules.load() if rule.purpose == "work")


@cache
def measures() -> tuple[rules.Rule, ...]:
    """The shipped measures: counted, and nobody's work."""
    return tuple(rule for rule in rules.load() if rule.purpose == "measure")


@cache
def shipped_texts() -> dict[str, str]:
    """The text of each shipped rule file, by rule id."""
    folder = files("counterfoil.knowledge") / "rules"
    texts = {f.name: f.read_text("utf-8") for f in folder.iterdir() if f.name.endswith(".toml")}
    by_file = {rule.file: rule.id for rule in shipped()}
    return {by_file[name]: text for name, text in texts.items() if name in by_file}


@lru_cache(maxsize=256)
def checked(text: str, name: str) -> rules.Rule:
    """A rule from its text, checked by its own examples; ``DataError`` lists what is wrong."""
    rule = read_rule(text, name)
    check_rules([rule])
    return rule


def of_organisation(place: Organisation, day: date) -> dict[str, LocalRule]:
    """Rule id to the version in force of a practice's (or PCN's) own rules, its PCN's under them."""
    above = [place.pk, *([place.parent_id] if place.parent_id else [])]
    rows = (
        LocalRule.objects.filter(organisation__in=above, status=LocalRule.Status.APPROVED)
        .filter(Q(expires_on=None) | Q(expires_on__gt=day))
        .order_by("version")
    )
    found: dict[str, LocalRule] = {}
    for organisation in reversed(above):
        found |= {row.rule: row for row in rows if row.organisation_id == organisation}
    return found


@dataclass(frozen=True)
class InForce:
    """The rules of a practice on a day. ``broken`` are own rules that this release cannot read any
    more, with the reason: the shipped rule stands in, and makes no work unless it is approved."""

    rules: tuple[rules.Rule, ...]
    broken: dict[str, str]


def at(practice: str, day: date) -> InForce:
    """The rules in force at a practice on a day, by id."""
    place = Organisation.objects.get(pk=practice)
    chosen = {rule.id: rule for rule in shipped()}
    broken = {}
    for rule_id, row in of_organisation(place, day).items():
        try:
            chosen[rule_id] = checked(row.text, f"{rule_id}, version {row.version}")
        except DataError as error:
            broken[rule_id] = str(error)
    return InForce(tuple(chosen[key] for key in sorted(chosen)), broken)


def everywhere(practices: Iterable[str], day: date) -> dict[str, rules.Rule]:
    """Rule id to one rule in force at any of these practices, for pages that name rules."""
    found = {rule.id: rule for rule in shipped()}
    for practice in sorted(practices):
        found |= {rule.id: rule for rule in at(practice, day).rules}
    return found
