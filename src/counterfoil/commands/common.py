"""What commands share: options, output for people and machines, progress when a person watches."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from counterfoil.foundation.days import to_day
from counterfoil.foundation.errors import UsageError

Subparsers = Any
Run = Callable[[argparse.Namespace], int | None]


def command(
    to: Subparsers, name: str, run: Run, about: str, example: str
) -> argparse.ArgumentParser:
    """A command with its description and an example in its help."""
    made: argparse.ArgumentParser = to.add_parser(
        name,
        help=about[0].lower() + about[1:],
        description=about,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.set_defaults(run=run)
    return made


def group(to: Subparsers, name: str, about: str) -> Subparsers:
    """A command that only holds others."""
    made = to.add_parser(name, help=about[0].lower() + about[1:], description=about)
    return made.add_subparsers(dest=f"{name}_command", metavar="WHAT", required=True)


def day(text: str) -> int:
    """An ISO date given on the command line, as a day number."""
    try:
        return to_day(date.fromisoformat(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a date such as 2026-06-14") from None


def today() -> int:
    """Today in the computer's own time zone, as a day number."""
    return to_day(datetime.now(UTC).astimezone().date())


def as_of(to: argparse.ArgumentParser, default: str = "today") -> None:
    """The option that says on which day the question is asked."""
    to.add_argument(
        "--as-of", type=day, metavar="DATE", help=f"the day asked about (else {default})"
    )


def formats(to: argparse.ArgumentParser, *names: str) -> None:
    """The option for the form of the output, the first name being what people get."""
    to.add_argument(
        "--format", choices=names, default=names[0], help=f"form of the output (else {names[0]})"
    )


def show_json(value: Any) -> None:
    """A JSON document on standard output."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def show_rows(
    rows: Sequence[Mapping[str, Any]], form: str, columns: Sequence[str], out: str | None = None
) -> None:
    """Rows as a table for people, or as CSV, JSON or Parquet, on standard output or in a file."""
    if form == "parquet":
        _parquet(rows, columns, out)
        return
    if form == "json":
        text = (
            json.dumps([{c: r.get(c) for c in columns} for r in rows], indent=2, ensure_ascii=False)
            + "\n"
        )
    elif form == "csv":
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([[guard(cell(r.get(c))) for c in columns] for r in rows])
        text = buffer.getvalue()
    else:
        text = table(rows, columns)
    if out:
        Path(out).write_text(text, "utf-8")
    else:
        sys.stdout.write(text)


def _parquet(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], out: str | None) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not out:
        raise UsageError("--format parquet needs --out FILE")
    pq.write_table(pa.table({c: [_flat(r.get(c)) for r in rows] for c in columns}), out)


def _flat(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def cell(value: Any) -> str:
    """A value as a cell of text; what has parts, as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(_flat(value))


def guard(text: str) -> str:
    """A CSV cell that no spreadsheet takes for a formula."""
    return (
        f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not _number(text) else text
    )


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows as aligned columns of text."""
    cells = [[c.replace("_", " ") for c in columns]]
    cells += [[cell(row.get(c)).replace("\n", " ") for c in columns] for row in rows]
    widths = [min(60, max(len(line[i]) for line in cells)) for i in range(len(columns))]
    last = len(columns) - 1
    lines = [
        "  ".join(
            c if i == last else c[:w].ljust(w)
            for i, (c, w) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]
    lines.insert(1, "  ".join("-" * w for w in widths))
    return "\n".join(lines) + "\n"


def progress(what: str, done: float) -> None:
    """A line on the terminal that says how far the work is, when a person watches."""
    if not sys.stderr.isatty():
        return
    filled = round(24 * min(1.0, done))
    bar = "#" * filled + "." * (24 - filled)
    end = "\n" if done >= 1 else ""
    sys.stderr.write(f"\r[{bar}] {round(100 * done):3d}%  {what:<44.44}{end}")
    sys.stderr.flush()


def lines_in() -> Iterable[str]:
    """The lines of standard input without their ends, whatever bytes they hold."""
    stream = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace", newline="")
    for line in stream:
        yield line.rstrip("\r\n")


def json_lines(results: Iterable[Any]) -> int:
    """A JSON object a line on standard output, as they come; the exit status."""
    for result in results:
        sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
    return 0
