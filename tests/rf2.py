"""A small SNOMED CT release of our own in RF2: ids in the namespace 9999999, which is in no release."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from counterfoil.terminology.ids import check_digit

IS_A = "116680003"
_HEADERS = {
    "Concept": "id effectiveTime active moduleId definitionStatusId",
    "Description": "id effectiveTime active moduleId conceptId languageCode typeId term "
    "caseSignificanceId",
    "Relationship": "id effectiveTime active moduleId sourceId destinationId relationshipGroup "
    "typeId characteristicTypeId modifierId",
    "SimpleRefset": "id effectiveTime active moduleId refsetId referencedComponentId",
    "AssociationRefset": "id effectiveTime active moduleId refsetId referencedComponentId "
    "targetComponentId",
}
INFERRED, STATED = "900000000000011006", "900000000000010007"
SAME_AS, REPLACED_BY = "900000000000527005", "900000000000526001"
POSSIBLY = "900000000000523009"


def own(number: int, partition: str = "10") -> str:
    """The id of our concept *number*."""
    digits = f"{number}9999999{partition}"
    return digits + check_digit(digits)


def write_rf2(
    folder: Path,
    is_a: Iterable[tuple[int, int]],
    *,
    inactive: Sequence[int] = (),
    members: Iterable[tuple[int, int]] = (),
    history: Iterable[tuple[int, str, int]] = (),
    names: dict[int, str] | None = None,
) -> Path:
    """The files of a snapshot: child and parent pairs; refset and concept; old, kind and new."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = list(is_a)
    every = {n for pair in pairs for n in pair} | set(inactive)
    every |= {n for row in history for n in (row[0], row[2])} | {r for r, _ in members}
    rows: dict[str, list[list[str]]] = {name: [] for name in _HEADERS}
    for n in sorted(every):
        rows["Concept"].append([own(n), "20260101", str(int(n not in inactive)), own(1), "x"])
        term = (names or {}).get(n, f'Thing {n} "quoted" (finding)')
        rows["Description"].append(
            [own(n, "11"), "20260101", "1", own(1), own(n), "en", "900000000000003001", term, "x"]
        )
    for i, (child, parent) in enumerate(pairs):
        cells = [own(i + 1, "12"), "20260101", "1", own(1), own(child), own(parent), "0", IS_A]
        rows["Relationship"].append([*cells, INFERRED, "x"])
    for i, (refset, concept) in enumerate(members):
        rows["SimpleRefset"].append([f"m{i}", "20260101", "1", own(1), own(refset), own(concept)])
    for i, (old, kind, new) in enumerate(history):
        rows["AssociationRefset"].append(
            [f"a{i}", "20260101", "1", own(1), kind, own(old), own(new)]
        )
    for name, found in rows.items():
        write_file(folder / f"{name}_Snapshot_XX9999999_20260101.txt", name, found)
    return folder


def write_file(path: Path, name: str, rows: list[list[str]]) -> None:
    """One RF2 file: the header of its kind, then the rows."""
    lines = [_HEADERS[name].split(), *rows]
    path.write_text("".join("\t".join(cells) + "\r\n" for cells in lines), "utf-8")


def write_large(folder: Path, concepts: int) -> Path:
    """A release of many concepts: a tree with about three parents for two concepts, for speed."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = [own(n) for n in range(1, concepts + 1)]
    module = own(1)
    with _opened(folder, "Concept") as file:
        file.writelines(f"{i}\t20260101\t1\t{module}\tx\n" for i in ids)
    with _opened(folder, "Description") as file:
        kind = "900000000000003001"
        file.writelines(
            f"{own(n, '11')}\t20260101\t1\t{module}\t{i}\ten\t{kind}\tThing {n} (finding)\tx\n"
            for n, i in enumerate(ids, start=1)
        )
    with _opened(folder, "Relationship") as file:
        number = 0
        for n in range(2, concepts + 1):
            for parent in {n // 3 or 1, (n * 7 // 20) or 1} if n % 2 else {n // 3 or 1}:
                number += 1
                file.write(
                    f"{own(number, '12')}\t20260101\t1\t{module}\t{ids[n - 1]}\t{ids[parent - 1]}"
                    f"\t0\t{IS_A}\t{INFERRED}\tx\n"
                )
    with _opened(folder, "SimpleRefset") as file:
        file.writelines(
            f"m{n}\t20260101\t1\t{module}\t{module}\t{i}\n" for n, i in enumerate(ids[::10])
        )
    return folder


def _opened(folder: Path, name: str) -> TextIO:
    file = (folder / f"{name}_Snapshot_XX9999999_20260101.txt").open("w", encoding="utf-8")
    file.write("\t".join(_HEADERS[name].split()) + "\n")
    return file
