"""The one command, ``counterfoil``: thin over the rooms.

Exit status: 0 done, 1 errors in the data with each one named, 2 wrong call. No traceback reaches
a user; ``--debug`` shows one to a developer. Heavy modules are imported by the command that needs
them, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from counterfoil import __version__
from counterfoil.commands import (
    audit,
    casework,
    evidence,
    inbox,
    medicines,
    quality,
    record,
    repeats,
    rota,
    rules,
    setup,
    synth,
    terminology,
)
from counterfoil.foundation.errors import DataError, UsageError
from counterfoil.service.config.home import Home, default_folder

EPILOG = """\
examples:
  counterfoil demo                       a made-up PCN, then the pages on http://127.0.0.1:8000
  echo "ONE daily" | counterfoil dose    how a dose text is read
  counterfoil COMMAND --help             what a command does, with an example
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="counterfoil",
        description="An open workbench for the pharmacy technicians of GP practices and PCNs.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"counterfoil {__version__}")
    top.add_argument(
        "--home",
        metavar="DIR",
        help="the folder of the installation "
        "(else COUNTERFOIL_HOME, else the platform's user data folder)",
    )
    top.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (
        casework,
        setup,
        record,
        quality,
        inbox,
        medicines,
        terminology,
        audit,
        rules,
        evidence,
        repeats,
        rota,
        synth,
    ):
        module.add(commands)
    return top


def _use_releases() -> None:
    """Match names with the release of this home; a home without one does not load terminology."""
    root = Home(default_folder()).terminology
    if (root / "releases").is_dir() or "counterfoil.terminology" in sys.modules:
        from counterfoil.terminology import use_home

        use_home(root)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    args = parser().parse_args(argv)
    if args.home:
        os.environ["COUNTERFOIL_HOME"] = args.home
    _use_releases()
    try:
        return int(args.run(args) or 0)
    except DataError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return 1
    except UsageError as error:
        print(f"counterfoil: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if args.debug:
            raise
        print(
            f"counterfoil: something went wrong that should not have ({type(error).__name__}). "
            "Nothing was changed by this command after its last message. Run it again with "
            "--debug before COMMAND to see where, and please report it.",
            file=sys.stderr,
        )
        return 1


if __name__ == "__main__":
    sys.exit(main())
