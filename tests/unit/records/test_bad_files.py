"""Whatever is done to a file: it is refused with its reason, or every row of it is accounted for."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.foundation.errors import DataError
from counterfoil.records.importers import emis, fhir, mapped, systmone
from counterfoil.records.load import Load
from counterfoil.records.schema import TABLES
from unit.records import extracts, made

PRACTICE = made.PRACTICE
NUMBERS = [made.number(1), made.number(2), "9990000001"]
FULL = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

Files = dict[str, bytes]


def emis_files() -> Files:
    names = ("Admin_Patient", "Coding_DrugCode", "Coding_ClinicalCode")
    rows: dict[str, list[dict[str, Any]]] = {
        "Prescribing_DrugRecord": [{}, {"DrugRecordGuid": "{P2}", "IsActive": "false"}],
        "Prescribing_IssueRecord": [{}, {"IssueRecordGuid": "{I2}", "Dosage": 'a "b", é'}],
        "CareRecord_Observation": [
            {},
            {"ObservationGuid": "{E2}", "ParentObservationGuid": "{ENTRY}"},
        ],
        "CareRecord_Problem": [{}],
    }
    rows |= {name: [{}] for name in names}
    return {f"{name}.csv": extracts.text(name, *given).encode() for name, given in rows.items()}


SYSTMONE: Files = {
    "SRPatient.csv": (
        "RowIdentifier,FirstName,Surname,NHSNumber,DateBirth,DateDeath,Gender\n"
        f"1,Ada,Example,{made.number(1)},28 Feb 1950,,F\n2,Bo,Sample,{made.number(2)},01 Jan 1961,,M\n"
    ).encode(),
    "SRRepeatTemplate.csv": (
        b"RowIdentifier,DateEventRecorded,NameOfMedication,DateMedicationTemplateStart,"
        b"DateMedicationTemplateEnd,DateMedicationTemplateReview,MedicationDosage,"
        b"MedicationQuantity,MaxIssues,CourseLengthPerIssue,IDPatient,RemovedData\n"
        b"5,05 May 2026,Aspirin 75mg tablets,05 May 2026,,05 May 2027,One daily,28 tablets,6,28,1,0\n"
    ),
    "SRPrimaryCareMedication.csv": (
        "RowIdentifier,DateEventRecorded,DateEvent,NameOfMedication,DateMedicationStart,"
        "DateMedicationEnd,MedicationDosage,MedicationQuantity,IsRepeatMedication,"
        "IsHospitalMedication,IDRepeatTemplate,IDPatient,RemovedData\n"
        '7,05 May 2026,05 May 2026,Aspirin 75mg tablets,05 May 2026,02 Jun 2026,"One, é",28 tablets,1,0,5,1,0\n'
        "8,05 May 2026,05 May 2026,Ibuprofen 400mg tablets,05 May 2026,12 May 2026,1 tds,2 x 12,0,0,-1,2,0\n"
    ).encode(),
    "SRCode.csv": (
        b"RowIdentifier,DateEventRecorded,DateEvent,CTV3Code,CTV3Text,NumericComparator,"
        b"NumericValue,NumericUnit,IDPatient\n"
        b"1,05 May 2026,05 May 2026,XE2q5,Serum creatinine,<,83,umol/L,1\n"
        b"2,05 May 2026,05 May 2026,SN5..,Allergy to peanuts,,,,2\n"
    ),
    "SRProblem.csv": (
        b"RowIdentifier,DateEventRecorded,DateEnd,Severity,IDCode,IDPatient\n4,05 May 2026,,Minor,1,1\n"
    ),
}

ISSUES = (
    "NHS Number,Medication,Issue date,Quantity\n"
    f"{made.number(1)},Aspirin 75mg tablets,04/05/2026,28 tablets\n"
    f"{made.number(2)},Ibuprofen 400mg tablets é,05/05/2026,2 x 12\n"
)
MAP = mapped.ColumnMap(
    "issue",
    {
        "NHS Number": "nhs_number",
        "Medication": "product_text",
        "Issue date": "issued_on",
        "Quantity": mapped.QUANTITY,
    },
    "dd/mm/yyyy",
    {"issue_type": "repeat"},
)
PATIENTS = {made.number(1): "p1", made.number(2): "p2"}


def cut(draw: Any, data: bytes) -> bytes:
    return data[: draw(st.integers(0, len(data)))]


def insert(draw: Any, data: bytes) -> bytes:
    at = draw(st.integers(0, len(data)))
    odd = draw(
        st.sampled_from([b'"', b"\0", b"\xff", b"\n", b",", b"\r", b"\n\n", "é".encode(), b"{"])
    )
    return data[:at] + odd + data[at:]


def encode(draw: Any, data: bytes) -> bytes:
    text = data.decode("utf-8", "replace")
    return text.encode(
        draw(st.sampled_from(["cp1252", "utf-16", "utf-8-sig", "utf-16-le"])), "replace"
    )


def swap(draw: Any, data: bytes) -> bytes:
    lines = data.split(b"\n")
    cells = lines[0].split(b",")
    one, other = (draw(st.integers(0, len(cells) - 1)) for _ in range(2))
    cells[one], cells[other] = cells[other], cells[one]
    return b"\n".join([b",".join(cells), *lines[1:]])


def again(draw: Any, data: bytes) -> bytes:
    lines = data.split(b"\n")
    return b"\n".join([*lines[:-1], draw(st.sampled_from(lines)), lines[-1]])


def cell(draw: Any, data: bytes) -> bytes:
    lines = data.split(b"\n")
    if len(lines) < 2:
        return data
    at = draw(st.integers(1, len(lines) - 1))
    cells = lines[at].split(b",")
    odd = [
        b"1900-01-01",
        b"9999-12-31",
        b"01 Jan 1900",
        b"31 Dec 9999",
        b"",
        b"1.96E+14",
        b"x" * 90,
    ]
    odd += [n.encode() for n in NUMBERS] + [
        b"-1",
        b"0",
        b"NaN",
        b"1e400",
        b"31/02/2026",
        b"\xc2\xbd",
    ]
    cells[draw(st.integers(0, len(cells) - 1))] = draw(st.sampled_from(odd))
    lines[at] = b",".join(cells)
    return b"\n".join(lines)


CHANGES: list[Callable[[Any, bytes], bytes]] = [cut, insert, encode, swap, again, cell, cell, cell]


@st.composite
def spoilt(draw: st.DrawFn, files: Files) -> Files:
    """The files with up to three things done to them."""
    made_bad = dict(files)
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(sorted(made_bad)))
        if len(made_bad) > 2 and draw(st.integers(0, 19)) == 0:
            del made_bad[name]
        else:
            made_bad[name] = draw(st.sampled_from(CHANGES))(draw, made_bad[name])
    return made_bad


def outcome(read: Callable[[Path], Load], files: Files) -> None:
    """Read the files; check that they are refused in words, or balance."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            (Path(folder) / name).write_bytes(data)
        try:
            load = read(Path(folder))
        except DataError as error:
            said = str(error)
            named = [bool(problem.place and problem.expected) for problem in error.problems]
            if not (named and all(named)):
                pytest.fail("it was refused without a place and a reason")
        else:
            check_balance(load)
            said = repr((load.rejects, load.notes))
    assert not any(number in said for number in NUMBERS)
    assert "Traceback" not in said


def check_balance(load: Load) -> None:
    """Every count adds up, every reject has a place and a reason, tables are those of the schema."""
    for name, count in load.counts.items():
        assert count.read == count.loaded + count.rejected, name
        assert load.tables[name].schema.equals(TABLES[name].arrow), name
        keys = load.tables[name][TABLES[name].key].to_pylist()
        assert len(set(keys)) == len(keys), name
        assert None not in keys, name
    for kind, held in load.resources.items():
        whole = held.loaded + held.merged + held.not_carried + held.rejected
        assert held.read == whole, kind
    assert sum(c.rejected for c in load.counts.values()) == len(load.rejects)
    for reject in load.rejects:
        assert reject.place
        assert "expected" in reject.reason or "again" in reject.reason or "id" in reject.reason
    people = set(load.tables["patient"]["patient_id"].to_pylist())
    if load.scope == "practice":
        for name in ("plan", "issue", "coded_entry", "problem"):
            assert set(load.tables[name]["patient_id"].to_pylist()) <= people, name


@pytest.mark.slow
@FULL
@given(st.data())
def test_an_emis_extract(data):
    outcome(lambda folder: emis.read(folder, PRACTICE), data.draw(spoilt(emis_files())))


@pytest.mark.slow
@FULL
@given(st.data())
def test_a_systmone_extract(data):
    outcome(lambda folder: systmone.read(folder, PRACTICE), data.draw(spoilt(SYSTMONE)))


@pytest.mark.slow
@FULL
@given(st.data())
def test_a_mapped_file(data):
    def read(folder: Path) -> Load:
        (path,) = folder.iterdir()
        return mapped.read(path, PRACTICE, MAP, patients=PATIENTS)

    outcome(read, data.draw(spoilt({"search.csv": ISSUES.encode()})))


def message() -> Any:
    """A record in R4 and a dispensing, in one bundle."""
    request = {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": {"text": "Aspirin 75mg tablets"},
        "courseOfTherapyType": {"coding": [{"code": "acute"}]},
        "statusReason": {"text": "x"},
        "dosageInstruction": [{"text": "One daily", "timing": {"repeat": {"frequency": 2}}}],
        "dispenseRequest": {"validityPeriod": {"start": "2026-01-05"}, "quantity": {"value": 28}},
    }
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": "2026-05-05T10:00:00Z",
        "entry": [
            {
                "fullUrl": "urn:uuid:p1",
                "resource": {
                    "resourceType": "Patient",
                    "id": "p1",
                    "identifier": [
                        {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": made.number(1)}
                    ],
                    "birthDate": "1950-02-28",
                },
            },
            {"resource": request},
            {
                "resource": {
                    "resourceType": "Observation",
                    "id": "o1",
                    "status": "final",
                    "code": {"text": "Weight"},
                    "subject": {"reference": "Patient/p1"},
                    "valueQuantity": {"value": 70.5, "unit": "kg"},
                    "note": [{"text": "n"}],
                    "hasMember": [{"reference": "Observation/o2"}],
                }
            },
            {
                "resource": {
                    "resourceType": "Condition",
                    "id": "c1",
                    "clinicalStatus": {"coding": [{"code": "active"}]},
                    "code": {"text": "Asthma"},
                    "subject": {"reference": "Patient/p1"},
                }
            },
            {
                "resource": {
                    "resourceType": "AllergyIntolerance",
                    "id": "a1",
                    "clinicalStatus": {"coding": [{"code": "active"}]},
                    "code": {"text": "Penicillin"},
                    "patient": {"reference": "Patient/p1"},
                }
            },
            {
                "resource": {
                    "resourceType": "MedicationDispense",
                    "id": "d1",
                    "contained": [{**request, "id": "m2"}],
                    "type": {"coding": [{"code": "0001"}]},
                    "authorizingPrescription": [{"reference": "#m2"}],
                    "whenHandedOver": "2026-05-05T10:00:00+00:00",
                    "quantity": {"value": 28},
                }
            },
        ],
    }


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in a JSON value."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += places(inner, (*path, index))
    return found


ODD: list[Any] = [None, "", "x", 3, -1, True, [], {}, [[]], ["a", "b"], {"a": 1}, "9999-12-31"]
ODD += ["1900-01-01", "2026-02-30", 1e300, "9990000001", "Patient/p2", "\ud800", "a\0b", [{}], [3]]


@pytest.mark.slow
@FULL
@given(st.data())
def test_a_fhir_bundle(data):
    document = message()
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(document)))
        holder = document
        for step in path[:-1]:
            holder = holder[step]
        if data.draw(st.booleans()) and isinstance(holder, dict):
            del holder[path[-1]]
        else:
            holder[path[-1]] = data.draw(st.sampled_from(ODD))
    text = json.dumps(document).encode()
    if data.draw(st.integers(0, 9)) == 0:
        text = cut(data.draw, text)
    outcome(lambda folder: fhir.read(folder / "b.json", PRACTICE), {"b.json": text})


def test_the_whole_bundle_is_read():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "b.json"
        path.write_text(json.dumps(message()))
        load = fhir.read(path, PRACTICE)
    check_balance(load)
    held = {name: rows for name, rows in load.rows.items() if rows}
    assert held == {
        "patient": 1,
        "issue": 1,
        "coded_entry": 2,
        "problem": 1,
        "allergy": 1,
        "dispense": 1,
    }
    (entry,) = (e for e in load.tables["coded_entry"].to_pylist() if e["entry_id"] == "o1")
    assert (entry["value_text"], entry["unit_ucum"]) == ("n", "kg")
