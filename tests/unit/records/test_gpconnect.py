"""GP Connect bundles: round trip, what is refused, and every resource accounted for."""

from __future__ import annotations

import copy
import json
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.foundation.errors import DataError
from counterfoil.records.exporters.gpconnect import NOT_CARRIED, plain, to_text, write_gpconnect
from counterfoil.records.importers.gpconnect import read
from counterfoil.records.load import Load
from counterfoil.records.patient import PatientRecord
from counterfoil.records.schema import COMMON, TABLES
from unit.records import made
from unit.records.made import SLOW

PRACTICE = made.PRACTICE
GPC = "https://fhir.nhs.uk/STU3/StructureDefinition/Extension-CareConnect-GPC-"


def read_text(text: str | bytes, practice: str = PRACTICE) -> Load:
    data = text if isinstance(text, bytes) else text.encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "record.json")
        path.write_bytes(data)
        return read(path, practice)


def read_bundle(bundle: dict[str, Any]) -> Load:
    return read_text(json.dumps(bundle, default=plain))


def refused(text: str | bytes) -> str:
    with pytest.raises(DataError) as error:
        read_text(text)
    return str(error.value)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(made.gp_records())
def test_what_was_written_is_read_again(record):
    load = read_text(to_text(record))
    assert not load.rejects
    back = PatientRecord.from_tables(load.tables, record.patient.patient_id).rows()
    ours = {column.name for column in COMMON} - {"recorded_on"}
    for table, rows in record.rows().items():
        names = [
            c.name
            for c in TABLES[table].columns
            if c.name not in ours | NOT_CARRIED.get(table, frozenset())
        ]
        want = [{n: getattr(row, n) for n in names} for row in rows]
        assert [{n: getattr(row, n) for n in names} for row in back[table]] == want


# --- by hand --------------------------------------------------------------------------------------


def bundle(*resources: dict[str, Any], **patient: Any) -> dict[str, Any]:
    who = {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": made.number(1)}],
        "birthDate": "1950-02",
        "gender": "female",
        **patient,
    }
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": each} for each in (who, *resources)],
    }


def medicine_request(request_id: str, intent: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": request_id,
        "intent": intent,
        "status": "active",
        "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": {"text": "Methotrexate 2.5mg tablets"},
        "dispenseRequest": {"validityPeriod": {"start": "2026-01-05"}},
        **more,
    }


def observation(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "123", "display": "X"}]},
        **more,
    }


def rows(load: Load, table: str) -> list[dict[str, Any]]:
    assert not load.rejects
    found: list[dict[str, Any]] = load.tables[table].to_pylist()
    return found


def test_a_birth_month_is_kept_as_a_month():
    (row,) = rows(read_bundle(bundle()), "patient")
    assert (row["birth_date"].isoformat(), row["birth_precision"]) == ("1950-02-01", "month")


def test_an_issue_stays_without_its_plan_and_the_report_says_so():
    load = read_bundle(
        bundle(medicine_request("i1", "order", basedOn=[{"reference": "MedicationRequest/gone"}]))
    )
    (row,) = rows(load, "issue")
    assert row["plan_id"] == "gone"
    assert "1 × issue: its plan is not in the file" in load.notes


def test_a_statement_without_its_plan_stands_as_a_plan():
    statement = {
        "resourceType": "MedicationStatement",
        "id": "s1",
        "status": "active",
        "basedOn": [{"reference": "MedicationRequest/gone"}],
        "medicationCodeableConcept": {"text": "Lithium"},
        "effectivePeriod": {"start": "2020-01-01"},
        "dosage": [{"text": "One at night"}],
    }
    load = read_bundle(bundle(statement))
    (row,) = rows(load, "plan")
    assert (row["plan_id"], row["dose_text"], row["plan_type"]) == ("s1", "One at night", "other")
    assert load.counts["plan"].read == 1


def test_what_repeats_an_id_is_rejected_with_its_place():
    load = read_bundle(bundle(observation(), observation()))
    (reject,) = load.rejects
    assert reject.place == "record.json entry[2].resource"
    assert load.counts["coded_entry"].loaded == load.counts["coded_entry"].rejected == 1


def test_a_blood_pressure_is_an_entry_with_two_under_it():
    parts = [
        {"code": {"text": t}, "valueQuantity": {"value": v, "unit": "mmHg"}}
        for t, v in (("Systolic", 134), ("Diastolic", 90))
    ]
    load = read_bundle(bundle(observation(component=parts, effectiveDateTime="2026")))
    header, *values = rows(load, "coded_entry")
    assert [row["parent_id"] for row in (header, *values)] == [None, "o1", "o1"]
    assert [row["value"] for row in values] == [134, 90]
    assert {row["precision"] for row in values} == {"year"}
    assert load.counts["coded_entry"].read == 1


def test_a_result_keeps_comparator_range_and_unit_as_sent():
    quantity = {"value": 45.50, "comparator": "<", "unit": "Banana"}
    ranges = [{"text": "low"}, {"low": {"value": 60}, "high": {"value": 90.5}}]
    load = read_bundle(bundle(observation(valueQuantity=quantity, referenceRange=ranges)))
    (row,) = rows(load, "coded_entry")
    assert (row["value"], row["comparator"]) == (Decimal("45.5"), "<")
    assert (row["unit_text"], row["unit_ucum"]) == ("Banana", None)
    assert (row["range_low"], row["range_high"]) == (60, Decimal("90.5"))


@pytest.mark.parametrize(
    ("quantity", "ucum"),
    [
        ({"unit": "mmHg"}, "mm[Hg]"),
        ({"unit": "whatever", "system": "http://unitsofmeasure.org", "code": "mmol/L"}, "mmol/L"),
        ({"unit": "whatever", "code": "mmol/L"}, None),
        ({}, None),
    ],
)
def test_a_unit_is_known_by_its_ucum_code_or_its_text(quantity, ucum):
    load = read_bundle(bundle(observation(valueQuantity={"value": 5, **quantity})))
    (row,) = rows(load, "coded_entry")
    assert row["unit_ucum"] == ucum


def test_a_vaccine_that_was_not_given_has_no_code_that_says_it_was():
    given_not = {
        "resourceType": "Immunization",
        "id": "v1",
        "status": "completed",
        "notGiven": True,
        "vaccineCode": {
            "coding": [{"system": "http://snomed.info/sct", "code": "871", "display": "Flu"}]
        },
    }
    (row,) = rows(read_bundle(bundle(given_not)), "coded_entry")
    assert (row["code"], row["local_code"], row["value_text"]) == (None, "871", "not given")


def test_a_code_lost_in_a_transfer_is_not_taken_for_a_product():
    lost = {
        "coding": [
            {
                "system": "http://snomed.info/sct",
                "code": "196421000000109",
                "display": "Transfer-degraded medication entry",
            }
        ],
        "text": "Some old mixture",
    }
    load = read_bundle(bundle(medicine_request("m1", "plan", medicationCodeableConcept=lost)))
    (row,) = rows(load, "plan")
    assert (row["product_code"], row["product_text"]) == (None, "Some old mixture")
    assert "lost in a transfer" in row["note"]


@pytest.mark.parametrize(
    ("text", "quantity", "unit"),
    [
        ("28 tablets", 28, "tablets"),
        ("7.5 ml", Decimal("7.5"), "ml"),
        ("56", 56, None),
        ("2 x 28", None, "2 x 28"),
        ("one bottle", None, "one bottle"),
        ("28 tablet(s)", 28, "tablet(s)"),
    ],
)
def test_a_quantity_in_words_is_split_only_where_nothing_is_lost(text, quantity, unit):
    dispense = {"extension": [{"url": f"{GPC}QuantityText-1", "valueString": text}]}
    load = read_bundle(
        bundle(medicine_request("m1", "plan", dispenseRequest=dispense, authoredOn="2026-01-01"))
    )
    (row,) = rows(load, "plan")
    assert (row["quantity"], row["quantity_unit"]) == (quantity, unit)


def test_a_diagnosis_that_only_a_problem_states_is_an_entry_too():
    problem = {
        "resourceType": "Condition",
        "id": "c1",
        "clinicalStatus": "active",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "44054006"}]},
        "onsetDateTime": "2019-03",
    }
    load = read_bundle(bundle(problem))
    (entry,), (row,) = rows(load, "coded_entry"), rows(load, "problem")
    assert (entry["code"], entry["kind"], entry["precision"]) == ("44054006", "diagnosis", "month")
    assert row["entry_id"] == entry["entry_id"]
    assert load.counts["problem"].read == 1


def test_a_problem_that_is_an_allergy_is_no_entry():
    allergy = {"resourceType": "AllergyIntolerance", "id": "a1", "code": {"text": "Penicillin"}}
    actual = {"reference": "AllergyIntolerance/a1"}
    problem = {
        "resourceType": "Condition",
        "id": "c1",
        "extension": [{"url": f"{GPC}ActualProblem-1", "valueReference": actual}],
        "code": {"text": "Penicillin allergy"},
    }
    load = read_bundle(bundle(allergy, problem))
    assert rows(load, "problem")[0]["entry_id"] is None
    assert rows(load, "coded_entry") == []


def test_days_that_stand_for_none_are_missing_and_counted_once():
    dispense = {"validityPeriod": {"start": "2026-01-05", "end": "9999-12-31"}}
    load = read_bundle(bundle(medicine_request("m1", "plan", dispenseRequest=dispense)))
    (row,) = rows(load, "plan")
    assert row["end_date"] is None
    assert "1 × a day before 1850 or after 2199: read as missing" in load.notes


def test_contained_resources_and_urn_references_are_followed():
    request = medicine_request("m1", "plan", medicationReference={"reference": "#drug"})
    del request["medicationCodeableConcept"]
    request["contained"] = [
        {"resourceType": "Medication", "id": "drug", "code": {"text": "Warfarin 1mg tablets"}}
    ]
    order = medicine_request("i1", "order", basedOn={"reference": "urn:uuid:abc"})
    whole = bundle(request, order)
    whole["entry"][1]["fullUrl"] = "urn:uuid:abc"
    load = read_bundle(whole)
    assert rows(load, "plan")[0]["product_text"] == "Warfarin 1mg tablets"
    assert rows(load, "issue")[0]["plan_id"] == "m1"
    assert load.resources["Medication"].merged == 1


def test_what_was_entered_in_error_is_rejected_and_an_allergy_keeps_it_as_a_status():
    allergy = {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "clinicalStatus": "active",
        "verificationStatus": "entered-in-error",
        "code": {"text": "Penicillin"},
    }
    load = read_bundle(bundle(observation(status="entered-in-error"), allergy))
    assert load.counts["coded_entry"].rejected == 1
    assert load.tables["allergy"]["status"].to_pylist() == ["entered in error"]


def test_an_identifier_without_a_digit_is_no_nhs_number_and_is_left_out():
    identifier = [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "Test Harness"}]
    (row,) = rows(read_bundle(bundle(identifier=identifier)), "patient")
    assert (row["nhs_number"], row["nhs_status"]) == (None, "invalid")


def test_a_wrong_nhs_number_is_left_out_and_said_without_being_printed():
    wrong = made.number(1)[:9] + str((int(made.number(1)[9]) + 1) % 10)
    identifier = [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": wrong}]
    load = read_bundle(bundle(identifier=identifier))
    (patient,) = load.tables["patient"].to_pylist()
    assert (patient["nhs_number"], patient["nhs_status"]) == (None, "invalid")
    assert load.notes == ["1 × Patient: an NHS number that fails its check, loaded without it"]
    assert wrong not in json.dumps(load.to_json())


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/p2"},
        {"identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": made.number(2)}},
    ],
)
def test_what_names_another_patient_is_rejected_and_the_rest_is_read(subject):
    strange = observation(id="o2", subject=subject)
    load = read_bundle(bundle(observation(), strange))
    assert load.rows["coded_entry"] == 1
    (reject,) = load.rejects
    assert reject.place == "record.json entry[2].resource"
    assert "another patient" in reject.reason
    assert (load.resources["Observation"].read, load.resources["Observation"].rejected) == (2, 1)


def test_the_number_may_name_the_patient_of_a_resource():
    number = {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": made.number(1)}
    load = read_bundle(bundle(observation(subject={"identifier": number})))
    assert not load.rejects


@pytest.mark.parametrize(
    ("sent", "day"),
    [
        ("2026-06-14T23:00:00Z", "2026-06-15"),
        ("2026-06-14T23:00:00.000+00:00", "2026-06-15"),
        ("2026-06-14T22:59:59Z", "2026-06-14"),
        ("2026-06-15T00:00:00+01:00", "2026-06-15"),
        ("2026-12-14T23:30:00Z", "2026-12-14"),
        ("2026-06-14T23:00:00", "2026-06-14"),
    ],
)
def test_the_day_of_a_time_in_utc_is_that_in_england(sent, day):
    load = read_bundle(bundle(observation(effectiveDateTime=sent)))
    assert str(load.tables["coded_entry"]["happened_on"][0]) == day


def test_an_issue_may_be_an_instance_order():
    """Other systems than EMIS send issues so, and send no lists and no statements."""
    request = {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "status": "active",
        "intent": "instance-order",
        "medicationCodeableConcept": {"text": "Aspirin 75mg tablets"},
        "authoredOn": "2026-05-04",
    }
    load = read_bundle(bundle(request))
    assert (load.rows["issue"], load.rejects) == (1, [])


def test_an_organisation_that_stands_twice_is_one():
    place = {
        "resourceType": "Organization",
        "identifier": [
            {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": PRACTICE}
        ],
    }
    load = read_bundle(bundle({**place, "id": "a"}, {**place, "id": "b"}))
    assert (load.rows["organisation"], load.rejects) == (1, [])
    assert load.resources["Organization"].merged == 1


def test_a_list_of_words_is_not_said_to_group_what_is_loaded():
    listed = {"resourceType": "List", "id": "l", "entry": [{"item": {"display": "Aspirin 75mg"}}]}
    (note,) = read_bundle(bundle(listed)).notes
    assert "names its items in words only" in note


GOOD = json.dumps(bundle(observation()))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD[:-20], "line 1 column"),
        (GOOD[:-23], "the file ends before its end"),
        (GOOD[: GOOD.index("female") + 3], "the file ends before its end"),
        ("", "the file ends before its end"),
        ("<Bundle/>", "expected JSON"),
        ("[]", "JSON without a resourceType"),
        ('{"hello": 1}', "JSON without a resourceType"),
        ('{"resourceType": "Patient"}', "a single Patient"),
        ('{"resourceType": "Bundle", "type": "message", "entry": []}', "type collection"),
        ('{"resourceType": "Bundle", "type": "collection"}', "expected a Patient"),
        ("[" * 100_000, "depth"),
        ('{"resourceType": NaN}', "ordinary numbers"),
        (GOOD.encode("utf-16"), "UTF-8"),
        (json.dumps(bundle({"resourceType": "Patient", "id": "p2"})), "a second one"),
        (
            json.dumps(
                {
                    "resourceType": "Bundle",
                    "type": "collection",
                    "entry": [{"resource": bundle()}, {"resource": bundle()}],
                }
            ),
            "2 bundles in one: import them one by one",
        ),
        (
            json.dumps(bundle({"resourceType": "ServiceRequest", "id": "s"})),
            "FHIR R4",
        ),
        (
            json.dumps(
                bundle(
                    {
                        "resourceType": "Condition",
                        "id": "c",
                        "clinicalStatus": {"coding": [{"code": "active"}]},
                    }
                )
            ),
            "expected a GP Connect record in FHIR STU3. Found: FHIR R4",
        ),
        (
            json.dumps(
                {
                    "resourceType": "OperationOutcome",
                    "issue": [{"diagnostics": "No patient 999 000 0018 at this practice"}],
                }
            ),
            "the sender answered with an error. Found: No patient (a number) at this practice",
        ),
    ],
)
def test_what_is_not_one_patients_record_is_refused(text, says):
    assert says in refused(text)


# --- whatever is done to a bundle -----------------------------------------------------------------

ODD: list[Any] = [
    *(None, "", " ", 0, -1, True, [], {}, [[]], [None], {"a": 1}, "x", "1900-01-01", "9999-12-31"),
    *("2026-02-30", "20260101", 1e400, 10**30, 0.1234567891, "\ud800", "\0", "Patient/p2", "#x"),
    *("urn:uuid:", "entered-in-error", "plan", made.number(2), "9990000001", [1, 2], "2026"),
]


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, each in inner:
        found.append((*path, key))
        if isinstance(each, dict | list):
            found += _places(each, (*path, key))
    return found


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A bundle with one to three things done to it."""
    whole = copy.deepcopy(draw(st.sampled_from(WHOLE)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(_places(whole)))
        holder = _at(whole, path[:-1])
        deed = draw(st.sampled_from(["drop", "odd", "odd", "double", "swap", "bury"]))
        if deed == "drop":
            del holder[path[-1]]
        elif deed == "odd":
            holder[path[-1]] = copy.deepcopy(draw(st.sampled_from(ODD)))
        elif deed == "double" and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[path[-1]]))
        elif deed == "bury":
            holder[path[-1]] = [holder[path[-1]]]
        elif whole.get("entry"):
            other = draw(st.sampled_from(_places(whole)))
            holder[path[-1]] = copy.deepcopy(_at(whole, other))
        if not whole:
            break
    text = json.dumps(whole, ensure_ascii=True, default=plain).encode()
    if draw(st.integers(0, 9)) == 0:
        text = text[: draw(st.integers(0, len(text)))]
    return text


def _whole() -> list[dict[str, Any]]:
    problem = {
        "resourceType": "Condition",
        "id": "c1",
        "extension": [
            {"url": f"{GPC}ActualProblem-1", "valueReference": {"reference": "Observation/o1"}}
        ],
        "clinicalStatus": "active",
        "code": {"text": "Gout"},
        "onsetDateTime": "2019",
    }
    report = {
        "resourceType": "DiagnosticReport",
        "id": "d1",
        "status": "final",
        "code": {"text": "Full blood count"},
        "result": [{"reference": "Observation/o1"}],
        "issued": "2026-05-01",
    }
    held = {
        "resourceType": "List",
        "status": "current",
        "date": "2026-05-01T10:00:00+01:00",
        "contained": [
            {"resourceType": "AllergyIntolerance", "id": "r1", "code": {"text": "Aspirin"}}
        ],
    }
    by_hand = bundle(
        observation(
            component=[{"code": {"text": "Systolic"}, "valueQuantity": {"value": 120}}],
            related=[{"type": "derived-from", "target": {"reference": "Observation/o2"}}],
            referenceRange=[{"low": {"value": 1}}],
        ),
        medicine_request("m1", "plan"),
        medicine_request("i1", "order", basedOn=[{"reference": "MedicationRequest/m1"}]),
        {
            "resourceType": "MedicationStatement",
            "id": "s1",
            "status": "active",
            "basedOn": [{"reference": "MedicationRequest/m1"}],
        },
        {"resourceType": "Practitioner", "id": "who"},
        problem,
        report,
        held,
    )
    written = write_gpconnect(PatientRecord.from_tables(made.whole(), "p1"))
    return [by_hand, json.loads(json.dumps(written, default=plain))]


WHOLE = _whole()


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=SLOW)
@given(spoilt())
def test_a_spoilt_bundle_is_refused_or_every_resource_accounted_for(data):
    try:
        load = read_text(data)
    except DataError as refusal:
        problems = refusal.problems
    else:
        problems = ()
        balanced(load, data)
    assert all(problem.place and problem.expected for problem in problems)


def test_an_intent_that_is_no_word_rejects_its_request():
    request = {"resourceType": "MedicationRequest", "id": "m1", "intent": {"a": "b"}}
    patient = WHOLE[0]["entry"][0]
    bundle = {**WHOLE[0], "entry": [patient, {"resource": request}]}
    load = read_text(json.dumps(bundle).encode())
    assert [reject.reason for reject in load.rejects if "plan or order" in reject.reason]


def balanced(load: Load, data: bytes) -> None:
    found: dict[str, int] = {}
    entries = json.loads(data)["entry"]
    for entry in entries if isinstance(entries, list) else [entries]:
        outer = entry["resource"]
        inside = outer.get("contained") or []
        for each in [outer, *([inside] if isinstance(inside, dict) else inside)]:
            kind = each["resourceType"]
            kind = kind[0] if isinstance(kind, list) else kind
            found[kind] = found.get(kind, 0) + 1
    assert {kind: count.read for kind, count in load.resources.items()} == found
    for count in load.resources.values():
        assert count.read == count.loaded + count.merged + count.not_carried + count.rejected
    for name, table_count in load.counts.items():
        assert table_count.read == table_count.loaded + table_count.rejected
        assert table_count.rejected == sum(r.table == name for r in load.rejects)
        load.tables[name].validate(full=True)
