"""``demo``, ``serve``, ``doctor`` and ``verify-log``: the service and its home."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

from counterfoil.commands.common import (
    Subparsers,
    as_of,
    command,
    formats,
    progress,
    show_json,
    table,
    today,
)
from counterfoil.foundation.days import to_date
from counterfoil.foundation.errors import UsageError


def add(to: Subparsers) -> None:
    """The commands of this module."""
    demo = command(
        to,
        "demo",
        _demo,
        "Make a synthetic PCN, run everything on it, and serve it",
        "counterfoil demo --patients 5000 --seed 1",
    )
    demo.add_argument("--patients", type=int, default=5000)
    demo.add_argument("--practices", type=int, default=2)
    demo.add_argument("--seed", type=int, default=1)
    demo.add_argument("--once", action="store_true", help="print the summary and exit")
    as_of(demo)
    _address(demo)
    formats(demo, "table", "json")
    serve = command(to, "serve", _serve, "Serve the pages of a home", "counterfoil serve")
    _address(serve)
    renew = command(
        to,
        "renew",
        _renew,
        "Run the rules in force again on the published records",
        "counterfoil renew --below U12345",
    )
    renew.add_argument("--below", metavar="CODE", help="one practice, or the practices of one PCN")
    formats(renew, "table", "json")
    log = command(
        to,
        "verify-log",
        _verify,
        "Check that the event log is whole and unchanged",
        "counterfoil verify-log",
    )
    formats(log, "table", "json")
    doctor = command(
        to, "doctor", _doctor, "Say what this installation has and lacks", "counterfoil doctor"
    )
    formats(doctor, "table", "json")


def _address(to: argparse.ArgumentParser) -> None:
    to.add_argument("--host", default="127.0.0.1")
    to.add_argument("--port", type=int, default=8000)


def _demo(args: argparse.Namespace) -> int:
    if not 50 <= args.patients <= 200_000 or not 1 <= args.practices <= 12:
        raise UsageError("--patients must be 50 to 200000 and --practices 1 to 12")
    day = today() if args.as_of is None else args.as_of
    if args.once and "COUNTERFOIL_HOME" not in os.environ:
        with tempfile.TemporaryDirectory(prefix="counterfoil-demo-") as made:
            return _demo_in(Path(made), args, day)
    from counterfoil.service.config.home import Home, default_folder

    folder = (
        default_folder()
        if "COUNTERFOIL_HOME" in os.environ
        else default_folder().with_name("counterfoil-demo")
    )
    if Home(folder).exists and not Home(folder).demo:
        raise UsageError(
            f"{folder} is the home of a real installation; a demo needs another "
            "folder, given with --home before demo"
        )
    return _demo_in(folder, args, day)


def _demo_in(folder: Path, args: argparse.Namespace, day: int) -> int:
    os.environ["COUNTERFOIL_HOME"] = str(folder)
    from counterfoil.service import commands

    summary = commands.create_demo(
        folder,
        patients=args.patients,
        practices=args.practices,
        seed=args.seed,
        as_of=to_date(day),
        progress=progress,
    )
    if args.format == "json":
        show_json(summary)
    else:
        _say(summary)
    if args.once:
        return 0
    print(f"\nSign in with one of these; the password of each is {commands.DEMO_PASSWORD}")
    print(table(commands.demo_sign_ins(), ["user", "role", "name"]))
    print(f"Open http://{args.host}:{args.port}/   (stop with Ctrl+C)", flush=True)
    commands.serve(folder, args.host, args.port)
    return 0


def _say(summary: dict[str, Any]) -> None:
    print(
        f"A made-up PCN of {summary['persons']} people in "
        f"{_count(summary['practices'])} practices, as at {summary['as_of']}, "
        f"seed {summary['seed']}; {_count(summary['letters'])} letters, "
        f"{_count(summary['requests'])} requests."
    )
    print(
        table(summary["findings"], ["kind", "rule", "state", "owner", "practice", "count"]), end=""
    )


def _count(value: Any) -> int:
    return len(value) if isinstance(value, list | dict) else int(value)


def _serve(args: argparse.Namespace) -> int:
    from counterfoil.service import commands
    from counterfoil.service.config.home import Home, default_folder

    folder = default_folder()
    if not Home(folder).exists:
        raise UsageError(
            f"there is no home in {folder} yet: run counterfoil setup to make one, "
            "or counterfoil demo for a made-up one"
        )
    commands.serve(folder, args.host, args.port)
    return 0


def _renew(args: argparse.Namespace) -> int:
    from counterfoil.service import commands

    rows = commands.renew(args.below or "")
    if args.format == "json":
        show_json(rows)
    else:
        columns = ["practice", "new", "changed", "unchanged", "cleared", "reopened"]
        print(table(rows, columns), end="")
    return 0


def _verify(args: argparse.Namespace) -> int:
    from counterfoil.service import commands

    result = commands.verify_log(None)
    if args.format == "json":
        show_json(result)
    else:
        for problem in result["problems"]:
            print(problem)
        print(
            f"{result['events']} events in {result['chains']} logs: "
            + ("the log is whole." if result["whole"] else "THE LOG WAS CHANGED.")
        )
    return 0 if result["whole"] else 1


def _doctor(args: argparse.Namespace) -> int:
    import platform
    import shutil
    from importlib import metadata, resources

    from counterfoil.service.config.home import Home, default_folder
    from counterfoil.terminology.releases import Releases

    assets = resources.files("counterfoil.service") / "assets" / "nhsuk"
    home = Home(default_folder())
    terminology = Releases(home.terminology).pinned()
    found = {
        "counterfoil": metadata.version("counterfoil"),
        "python": platform.python_version(),
        "home": str(home.folder) + ("" if home.exists else " (not made yet)"),
        "kind of home": "demo" if home.demo else "real" if home.exists else "none",
        "database": "PostgreSQL" if os.environ.get("COUNTERFOIL_DATABASE_URL") else "SQLite",
        "terminology in use": ", ".join(terminology.values()) or "the project's own formulary",
        "design system files": "there" if assets.is_dir() else "missing: run make setup",
        **{
            name: shutil.which(name) or "not found (needed for the tests only)"
            for name in ("chromium", "psql")
        },
    }
    if args.format == "json":
        show_json(found)
    else:
        print(table([{"what": k, "is": v} for k, v in found.items()], ["what", "is"]), end="")
    return 0
