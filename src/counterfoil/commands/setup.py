"""``setup`` and ``add-user``: an installation of one's own, and the people in it."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any

from counterfoil.commands.common import Subparsers, command, formats, show_json
from counterfoil.foundation.errors import UsageError

ROLES = ("technician", "pharmacist", "prescriber", "lead", "admin")
TRIES = 3


def add(to: Subparsers) -> None:
    """The commands of this module."""
    setup = command(
        to,
        "setup",
        _setup,
        "Make an installation of your own: its organisation, practices and first account",
        "counterfoil --home /srv/counterfoil setup --organisation U12345 --name 'Our PCN' "
        "--practice A81001='First Surgery' --user jsmith --given Jo --family Smith --role lead",
    )
    setup.add_argument("--organisation", metavar="CODE", help="ODS code of the PCN or practice")
    setup.add_argument("--name", metavar="NAME", help="its name")
    setup.add_argument(
        "--practice",
        action="append",
        metavar="CODE=NAME",
        help="a practice of the PCN; again for each (none: the organisation is a practice)",
    )
    _person(setup, needed=False)
    formats(setup, "table", "json")
    user = command(
        to,
        "add-user",
        _add_user,
        "Add an account with a role in an organisation",
        "counterfoil add-user --organisation A81001 --user asmith --given Al --family Smith "
        "--role technician",
    )
    user.add_argument("--organisation", metavar="CODE", required=True)
    _person(user, needed=True)


def _person(to: argparse.ArgumentParser, *, needed: bool) -> None:
    to.add_argument("--user", metavar="USERNAME", required=needed, help="to sign in with")
    to.add_argument("--given", metavar="NAME", required=needed, help="given name")
    to.add_argument("--family", metavar="NAME", required=needed, help="family name")
    to.add_argument("--role", choices=ROLES, required=needed)
    to.add_argument(
        "--password-stdin",
        action="store_true",
        help="read the password from the first line of standard input, not typed twice",
    )


def _setup(args: argparse.Namespace) -> int:
    from counterfoil.service.config.home import default_folder
    from counterfoil.service.setup import first

    folder = default_folder()
    first.refuse_if_taken(folder)
    asked = not args.password_stdin and sys.stdin.isatty()
    if asked:
        print(f"This makes an installation for real use in {folder}.\n")
    code = _given(args.organisation, "--organisation", "ODS code of your PCN or practice", asked)
    organisation = first.Place(
        code.upper(), _given(args.name, "--name", "Its name, as colleagues know it", asked)
    )
    practices = tuple(_practice(text) for text in _practices(args.practice, asked))
    account = first.Account(
        _given(args.user, "--user", "User name of the first account", asked),
        _given(args.given, "--given", "Given name", asked),
        _given(args.family, "--family", "Family name", asked),
        _given(args.role, "--role", f"Role ({', '.join(ROLES)})", asked),
    )
    first.check(organisation, practices, account)
    made = first.set_up(folder, organisation, practices, account, password_for(args))
    if args.format == "json":
        show_json(made)
        return 0
    said = " and ".join(made["practices"])
    print(f"{folder} is set up: {made['organisation']}, with the record of {said} to come.")
    print(f"{made['user']} may sign in as {made['role']}. Nobody else has an account yet.")
    print("Next: counterfoil serve, sign in, and try a first import on the page Import.")
    return 0


def _given(value: str | None, option: str, question: str, asked: bool) -> str:
    if value is not None:
        return value.strip()
    if not asked:
        raise UsageError(f"{option} is needed where nobody can be asked")
    for _ in range(TRIES):
        answer = input(f"{question}: ").strip()
        if answer:
            return answer
    raise UsageError(f"{option} was not answered")


def _practices(given: list[str] | None, asked: bool) -> list[str]:
    if given is not None or not asked:
        return given or []
    print("Its practices, one a line as CODE=NAME; an empty line ends the list.")
    print("(None: the organisation is a practice itself.)")
    found = []
    while answer := input("Practice: ").strip():
        found.append(answer)
    return found


def _practice(text: str) -> Any:
    from counterfoil.service.setup.first import Place

    code, equals, name = text.partition("=")
    if not equals:
        raise UsageError(f"--practice is CODE=NAME, such as A81001='First Surgery', not '{text}'")
    return Place(code.strip().upper(), name.strip())


def password_for(args: argparse.Namespace) -> str:
    """The password: the first line of standard input, or typed twice without being shown."""
    if args.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError("give the password with --password-stdin where nobody can type it")
    for _ in range(TRIES):
        typed = getpass.getpass("Password (12 characters or more): ")
        if getpass.getpass("The same again: ") == typed:
            return typed
        print("The two were not the same.", file=sys.stderr)
    raise UsageError("no password was set, so nothing was made")


def _add_user(args: argparse.Namespace) -> int:
    from counterfoil.service import commands
    from counterfoil.service.config.home import Home, default_folder

    if not Home(default_folder()).exists:
        raise UsageError(f"there is no home in {default_folder()} yet: run counterfoil setup")
    name = f"{args.given.strip()} {args.family.strip()}"
    commands.add_user(
        None, args.user, name, args.role, args.organisation.upper(), password_for(args)
    )
    print(f"{args.user} may sign in as {args.role} at {args.organisation.upper()}.")
    return 0
