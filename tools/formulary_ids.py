"""Fill the id columns of the formulary's CSV files, and check that every id follows from its name.

Usage: python tools/formulary_ids.py [--check]

A row written by hand leaves ``id`` empty (and, for a brand, ``vmp_id``: ``vmp_name`` is enough).
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from counterfoil.terminology.ids import own_id  # noqa: E402

KNOWLEDGE = ROOT / "src" / "counterfoil" / "knowledge"


def filled(path: Path, level: str) -> tuple[str, list[str]]:
    """The file's text with its ids filled in, and what is wrong in it."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        columns = list(reader.fieldnames or [])
        rows = list(reader)
    problems = []
    seen: dict[str, str] = {}
    names: set[str] = set()
    for row in rows:
        row["id"] = own_id(level, row["name"])
        if "vmp_name" in row:
            row["vmp_id"] = own_id("VMP", row["vmp_name"])
        other = seen.setdefault(row["id"], row["name"])
        if other != row["name"]:
            problems.append(f"{path.name}: {row['name']} and {other} have the same id")
        if row["name"] in names:
            problems.append(f"{path.name}: {row['name']} stands twice")
        names.add(row["name"])
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue(), problems


def main(arguments: list[str]) -> int:
    status = 0
    for name, level in (("formulary.csv", "VMP"), ("formulary_brands.csv", "AMP")):
        path = KNOWLEDGE / name
        text, problems = filled(path, level)
        for problem in problems:
            print(problem, file=sys.stderr)
            status = 1
        if text == path.read_text(encoding="utf-8"):
            continue
        if "--check" in arguments:
            print(f"{name}: ids are not those of the names; run tools/formulary_ids.py")
            status = 1
        else:
            path.write_text(text, encoding="utf-8")
            print(f"{name}: ids written")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
