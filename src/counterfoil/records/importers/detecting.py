"""Which format a file or folder is of, by what is in it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from counterfoil.foundation.errors import DataError
from counterfoil.records.importers import bundle, emis, emis_layout, systmone_layout
from counterfoil.records.importers.csv_file import read_header
from counterfoil.records.schema import TABLES

SHOWN_OTHERS = 5
_R4_MARKS = ("ServiceRequest", "MedicationKnowledge", "MessageHeader", "Composition")


@dataclass(frozen=True)
class Found:
    """A format by its name, and a sentence that says what was found."""

    kind: str
    words: str


def detect(path: Path) -> Found:
    """The format of *path*. Raises :class:`DataError` where it is none that is known."""
    if path.is_dir():
        return _folder(path)
    if not path.is_file():
        raise DataError.at(path.name, "expected a file or folder", "nothing there")
    with path.open("rb") as file:
        start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] in (b"{", b"["):
        return _bundle(path)
    if start.startswith(b"PK"):
        raise DataError.at(path.name, "expected a folder: unpack the archive first", "a zip file")
    if path.suffix.lower() in (".csv", ".tsv", ".txt"):
        raise DataError.at(
            path.name,
            "expected a map of its columns beside it (--map MAP.toml), as for every single CSV file",
        )
    raise DataError.at(
        path.name,
        "expected a FHIR or GP Connect bundle (JSON), or the folder of an EMIS, SystmOne or CSV "
        "template extract",
    )


def _folder(path: Path) -> Found:
    files = [f for depth in ("", "*/", "*/*/") for f in sorted(path.glob(depth + "*.[cC][sS][vV]"))]
    tables = [name for file in files if (name := emis.table_of(file.stem)) is not None]
    bulk = [name for name in tables if name[0].isupper()]
    plain = [file for file in files if file.stem.lower() in TABLES]
    reports = {s.name.lower(): s.name for s in systmone_layout.SOURCES}
    systmone = [reports[n] for f in files if (n := f.stem.split("_")[0].lower()) in reports]
    if systmone and bulk:
        raise DataError.at(
            path.name,
            "expected the extract of one system: import them one by one, from folders of their own",
            f"files of EMIS ({_listed(bulk)}) and of SystmOne ({_listed(systmone)})",
        )
    if systmone:
        return Found("systmone", f"found a SystmOne extract: {_listed(systmone)}")
    newer = {source.newer for source in emis_layout.SOURCES}
    named_newer = [f for f in files if f.stem.rstrip("0123456789_-").lower() in newer]
    if bulk and len(bulk) > len(named_newer):
        return Found("emis", f"found an EMIS bulk extract: {_listed(bulk)}")
    if named_newer and not all(file in plain for file in named_newer):
        return Found("emis", f"found an EMIS extract of the newer layout: {_listed(tables)}")
    if named_newer and any("is_deleted" in read_header(file) for file in named_newer):
        return Found("emis", f"found an EMIS extract of the newer layout: {_listed(tables)}")
    if plain:
        return Found("csv", f"found the CSV template: {_listed(f.stem for f in plain)}")
    bundles = sorted(path.glob("*.json"))
    if len(bundles) == 1:
        return _bundle(bundles[0])
    raise DataError.at(
        path.name,
        "expected the files of an EMIS extract (Admin_Patient ...), a SystmOne extract "
        "(SRPatient ...) or the CSV template (patient.csv ...)",
        f"{len(bundles)} JSON files: import them one by one" if bundles else _instead(path),
    )


def _instead(path: Path) -> str:
    """What a folder holds that is none of what was looked for."""
    kinds = Counter(
        file.suffix.lower() or "no ending" for file in path.rglob("*") if file.is_file()
    )
    if not kinds:
        return "an empty folder"
    listed = ", ".join(f"{n} with {kind[:10]}" for kind, n in sorted(kinds.items())[:5])
    return f"none of these, but {sum(kinds.values())} files: {listed}"


def others(path: Path) -> list[str]:
    """A note on the files of an extract's folder that are no CSV, and so are not read."""
    found = sorted(
        file.name
        for depth in ("", "*/", "*/*/")
        for file in path.glob(depth + "*")
        if file.is_file() and file.suffix.lower() != ".csv" and not file.name.startswith(".")
    )
    shown = [f"{name[:60]} is no CSV file: not read" for name in found[:SHOWN_OTHERS]]
    if len(found) > SHOWN_OTHERS:
        shown.append(f"{len(found) - SHOWN_OTHERS} more files are no CSV: not read")
    return shown


def _listed(names: Iterable[str]) -> str:
    every = sorted(set(names))
    shown = ", ".join(every[:4]) + (" ..." if len(every) > 4 else "")
    return f"{len(every)} tables ({shown})"


def _bundle(path: Path) -> Found:
    """FHIR R4 or GP Connect's STU3, by what only one of them has."""
    try:
        document = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError):
        # Whoever reads it says what is wrong, and where.
        return Found("gpconnect", "")
    document = bundle.unwrapped(document)
    resources = [e.get("resource") for e in _list(document, "entry") if isinstance(e, dict)]
    held = [r for r in resources if isinstance(r, dict)]
    event = isinstance(document, dict) and document.get("type") in ("message", "document")
    if event or any(_is_r4(resource) for resource in held):
        words = "an EPS message" if event else "a bundle"
        return Found("fhir", f"found {words} in FHIR R4 of {len(held)} resources")
    return Found("gpconnect", f"found a GP Connect record of {len(held)} resources")


def _list(document: object, name: str) -> list[Any]:
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, list) else []


def _is_r4(resource: dict[str, Any]) -> bool:
    kind = resource.get("resourceType")
    requester = resource.get("requester")
    return (
        kind in _R4_MARKS
        or (
            kind in ("AllergyIntolerance", "Condition")
            and isinstance(resource.get("clinicalStatus"), dict)
        )
        or (
            kind == "MedicationRequest" and isinstance(requester, dict) and "reference" in requester
        )
        or (kind == "MedicationRequest" and "courseOfTherapyType" in resource)
        or (
            kind in ("Observation", "Immunization")
            and bool({"hasMember", "occurrenceDateTime"} & set(resource))
        )
        or any("fhir.hl7.org.uk/StructureDefinition/UKCore" in str(p) for p in _profiles(resource))
    )


def _profiles(resource: dict[str, Any]) -> list[Any]:
    meta = resource.get("meta")
    return _list(meta, "profile") if isinstance(meta, dict) else []
