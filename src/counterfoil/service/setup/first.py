"""A home of one's own: the first organisation, its practices and the first account.

All of it or nothing: everything is checked before the home is made, and written in one transaction.
There is no default password and no account but the one asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from counterfoil.foundation.errors import DataError, Problem, UsageError
from counterfoil.service.config.home import Home

CODE = re.compile(r"[A-Z0-9]{3,12}")
"""An ODS code: of a practice six characters (A81001), of a PCN six (U12345)."""
USER_NAME = re.compile(r"[A-Za-z0-9@.+_-]{1,150}")
ROLES = ("lead", "admin", "technician", "pharmacist", "prescriber")


@dataclass(frozen=True)
class Place:
    """An organisation by its ODS code."""

    code: str
    name: str


@dataclass(frozen=True)
class Account:
    """The first account. The password is kept apart, so that nothing ever prints it."""

    username: str
    given: str
    family: str
    role: str


def refuse_if_taken(folder: Path) -> None:
    """``UsageError`` where *folder* is a demo home or holds an installation with accounts."""
    home = Home(folder)
    if home.demo:
        raise UsageError(
            f"{folder} is a demo home, and a demo stays a demo for ever: "
            "name another folder with --home before setup"
        )
    if not home.exists:
        return
    from counterfoil.service import commands

    commands.init_home(folder)
    from counterfoil.service.accounts.models import User

    if User.objects.exists():
        raise UsageError(
            f"{folder} is set up already; add people with counterfoil add-user, "
            "or name another folder with --home before setup"
        )


def check(organisation: Place, practices: Sequence[Place], account: Account) -> None:
    """``DataError`` names everything that is wrong with what was given."""
    problems = [
        Problem(where, "an ODS code of 3 to 12 capital letters and digits is needed", one.code[:20])
        for where, one in [
            ("--organisation", organisation),
            *(("--practice", p) for p in practices),
        ]
        if not CODE.fullmatch(one.code)
    ]
    problems += [
        Problem(f"{where} {one.code[:12]}", "a name of 1 to 120 characters is needed")
        for where, one in [("--name", organisation), *(("--practice", p) for p in practices)]
        if not 1 <= len(one.name.strip()) <= 120
    ]
    codes = [organisation.code, *(one.code for one in practices)]
    for code in sorted({code for code in codes if codes.count(code) > 1}):
        problems.append(Problem("--practice", "each organisation has a code of its own", code[:12]))
    if not USER_NAME.fullmatch(account.username):
        expected = "a user name of letters, digits and @ . + - _ is needed"
        problems.append(Problem("--user", expected, account.username[:20]))
    if not account.given.strip() or not account.family.strip():
        problems.append(Problem("--given and --family", "the name colleagues will read is needed"))
    if account.role not in ROLES:
        problems.append(Problem("--role", f"one of {', '.join(ROLES)}", account.role[:20]))
    if problems:
        raise DataError(*problems)


def set_up(
    folder: Path,
    organisation: Place,
    practices: Sequence[Place],
    account: Account,
    password: str,
) -> dict[str, Any]:
    """Make the home with its organisation, practices and first account; what was made.

    Without *practices* the organisation is itself a practice. ``UsageError`` or ``DataError``
    leaves no home behind that was not there before.
    """
    refuse_if_taken(folder)
    check(organisation, practices, account)
    from counterfoil.service import commands

    commands.ready(folder)
    user = _user(account, password)
    commands.init_home(folder)
    from django.db import transaction

    from counterfoil.service.accounts.models import Membership
    from counterfoil.service.casework import events
    from counterfoil.service.organisations.actions import organisation_named

    with transaction.atomic():
        kind = "pcn" if practices else "practice"
        organisation_named(organisation.code, organisation.name.strip(), kind)
        for one in practices:
            organisation_named(one.code, one.name.strip(), "practice", organisation.code)
        user.save()
        Membership.objects.create(user=user, organisation_id=organisation.code, role=account.role)
        events.append(organisation.code, [events.Entry("set_up", {"role": account.role})], user)
    return {
        "home": str(folder),
        "organisation": organisation.code,
        "practices": [one.code for one in practices] or [organisation.code],
        "user": account.username,
        "role": account.role,
    }


def _user(account: Account, password: str) -> Any:
    """The account with its password checked and hashed, not saved yet."""
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    from counterfoil.service.accounts.models import User

    user = User(
        username=account.username,
        first_name=account.given.strip(),
        last_name=account.family.strip(),
    )
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise UsageError(" ".join(error.messages)) from None
    user.set_password(password)
    return user
