"""One practice in each of the formats that real records come in."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

from counterfoil.records.exporters.gpconnect import to_text
from counterfoil.records.patient import FIELDS, PatientRecord, typed_rows
from counterfoil.synthetic.population import Part

Writer = Callable[[Part, Path], list[Path]]
AT_A_TIME = 500
"""Patients whose rows are held as objects at one time."""


def _plain(table: pa.Table) -> pa.Table:
    """Times as ISO words in UTC and decimals without idle noughts, as the CSV template has them."""
    out = {}
    for field in table.schema:
        column = table[field.name].combine_chunks()
        if pa.types.is_timestamp(field.type):
            column = pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
        elif pa.types.is_decimal(field.type):
            words = column.cast(pa.string())
            column = pc.utf8_rtrim(pc.utf8_rtrim(words, characters="0"), characters=".")
        elif pa.types.is_list(field.type):
            column = pc.binary_join(column, " ")
        out[field.name] = column
    return pa.table(out)


def write_table(table: pa.Table, path: Path) -> Path:
    """One table as CSV or Parquet, as the file's ending says."""
    if path.suffix == ".csv":
        pc_csv.write_csv(_plain(table), path)
    else:
        pq.write_table(table, path, compression="zstd", compression_level=1)
    return path


def _csv(part: Part, home: Path) -> list[Path]:
    """The CSV template: a file for each table that has rows."""
    return [
        write_table(table, home / f"{name}.csv")
        for name, table in part.tables.items()
        if table.num_rows
    ]


def _parquet(part: Part, home: Path) -> list[Path]:
    """One Parquet file a canonical table."""
    return [write_table(table, home / f"{name}.parquet") for name, table in part.tables.items()]


def _letters(part: Part, home: Path) -> list[Path]:
    """The hospital letters as they came in, under ``letters``."""
    folder = home / "letters"
    folder.mkdir(exist_ok=True)
    out = []
    for letter in part.letters:
        path = folder / letter.name
        path.write_bytes(letter.content)
        out.append(path)
    return out


def _requests(part: Part, home: Path) -> list[Path]:
    """The repeat requests as one flat file, a row an item, by NHS number."""
    folder = home / "requests"
    folder.mkdir(exist_ok=True)
    patients = part.tables["patient"]
    number = dict(
        zip(patients["patient_id"].to_pylist(), patients["nhs_number"].to_pylist(), strict=True)
    )
    items: dict[str, list[dict[str, Any]]] = {}
    for item in part.tables["request_item"].to_pylist():
        items.setdefault(item["request_id"], []).append(item)
    path = folder / "requests.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        write = csv.writer(handle, lineterminator="\n")
        write.writerow(REQUEST_COLUMNS)
        for request in part.tables["request"].to_pylist():
            for item in items.get(request["request_id"], []):
                write.writerow(
                    [
                        request["request_id"],
                        number[request["patient_id"]],
                        request["received_at"].strftime("%Y-%m-%dT%H:%M:%SZ"),
                        request["channel"],
                        request["requester"],
                        request["note"],
                        item["item_text"],
                    ]
                )
    return [path]


REQUEST_COLUMNS = (
    "request_id",
    "nhs_number",
    "received_at",
    "channel",
    "requester",
    "note",
    "item_text",
)


def _gpconnect(part: Part, home: Path) -> list[Path]:
    """A GP Connect structured record for each patient registered here, under ``gpconnect``."""
    folder = home / "gpconnect"
    folder.mkdir(exist_ok=True)
    out = []
    for record in records(part.tables):
        path = folder / f"{record.patient.patient_id}.json"
        path.write_text(to_text(record), "utf-8")
        out.append(path)
    return out


def records(tables: Mapping[str, pa.Table]) -> Iterator[PatientRecord]:
    """Every patient of one practice's tables as a record, in the order of the patients."""
    patients = tables["patient"]
    places = {
        name: _places(tables[table], patients) for name, table in FIELDS.items() if table in tables
    }
    for start in range(0, patients.num_rows, AT_A_TIME):
        stop = min(start + AT_A_TIME, patients.num_rows)
        held: dict[str, dict[str, list[Any]]] = {}
        for name, (order, edges) in places.items():
            mine = tables[FIELDS[name]].take(pa.array(order[edges[start] : edges[stop]]))
            owners = mine["patient_id"].to_pylist()
            for owner, row in zip(owners, typed_rows(FIELDS[name], mine.to_pylist()), strict=True):
                held.setdefault(name, {}).setdefault(owner, []).append(row)
        listed = patients.slice(start, stop - start)
        keys = listed["patient_id"].to_pylist()
        for key, patient in zip(keys, typed_rows("patient", listed.to_pylist()), strict=True):
            fields: dict[str, Any] = {n: tuple(rows.get(key, ())) for n, rows in held.items()}
            yield PatientRecord(patient=patient, **fields)  # type: ignore[arg-type]


def _places(table: pa.Table, patients: pa.Table) -> tuple[Any, Any]:
    """The rows of a table in the order of the patients, and where each patient's begin."""
    ids = patients["patient_id"].combine_chunks()
    at = pc.index_in(table["patient_id"].combine_chunks(), value_set=ids)
    number = np.asarray(pc.fill_null(at, -1), dtype=np.int64)
    order = np.argsort(number, kind="stable")
    edges = np.searchsorted(number[order], np.arange(len(ids) + 1))
    return order, edges


def _emis(part: Part, home: Path) -> list[Path]:
    """The practice as an EMIS bulk extract, under ``emis``."""
    from counterfoil.records.exporters import emis

    emis.write(part.tables, home / "emis", practice=part.place.code)
    return sorted(path for path in (home / "emis").rglob("*") if path.is_file())


def _systmone(part: Part, home: Path) -> list[Path]:
    """The practice as a SystmOne extract, under ``systmone``."""
    from counterfoil.records.exporters import systmone

    systmone.write(part.tables, home / "systmone", practice=part.place.code)
    return sorted(path for path in (home / "systmone").rglob("*") if path.is_file())


FORMATS: dict[str, Writer] = {
    "csv": _csv,
    "parquet": _parquet,
    "letters": _letters,
    "requests": _requests,
    "gpconnect": _gpconnect,
    "emis": _emis,
    "systmone": _systmone,
}
"""Every format by its name on the command line."""
