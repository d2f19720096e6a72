"""What the templates of these pages may call besides the NHS components."""

from __future__ import annotations

from django.conf import settings
from jinja2 import Environment

from counterfoil.service import commands
from counterfoil.service.pages import words


def extend(env: Environment) -> None:
    """Add filters and globals to *env*; called by ``config.jinja``."""
    env.filters.update(
        nhs_number=words.nhs_number,
        day=words.day_words,
        short_day=words.short_day,
        moment=words.moment,
        short_moment=words.short_moment,
        due=words.due_words,
        ago=words.ago,
        capital=words.initial_capital,
        ward=words.ward_words,
        tidy=words.tidy_name,
        past_words=lambda decision: words.past(decision.action, decision.label),
        class_words=words.class_words,
        class_colour=lambda klass: words.CLASS_COLOURS.get(klass, "grey"),
    )
    env.filters["role_pair"] = lambda target: (target.role, words.initial_capital(target.role))
    env.filters["action_pair"] = lambda action: (action.name, action.label)
    env.globals.update(
        count=words.count, demo_accounts=demo_accounts, demo=lambda: bool(settings.COUNTERFOIL_DEMO)
    )


ABOUT = {
    "technician": "sees and works the list",
    "pharmacist": "answers questions, approves rules",
    "prescriber": "answers questions, authorises",
    "lead": "sees counts, no patients",
}


def demo_accounts() -> list[dict[str, str]]:
    """The sign-ins of a demo home, for its sign-in page; none anywhere else."""
    if not settings.COUNTERFOIL_DEMO:
        return []
    return [{**one, "about": ABOUT.get(one["role"], "")} for one in commands.demo_sign_ins()]
