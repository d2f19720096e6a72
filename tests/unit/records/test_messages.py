"""Prescription messages as they are sent: what says no day, what names its patient in two ways."""

from __future__ import annotations

import json
from datetime import date

import pytest

from counterfoil.foundation.errors import DataError
from counterfoil.records.importers import detect, fhir
from unit.records import made

PRACTICE = made.PRACTICE
NUMBER = {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": made.number(1)}
WHO = "urn:uuid:78d3c2eb-009e-4ec8-a358-b042954aa9b2"
ITEM = "a54219b8-f741-4c47-b662-e4f8dfa49ab6"


def header(event):
    return {"resourceType": "MessageHeader", "eventCoding": {"code": event}}


def order(**more):
    return {
        "resourceType": "MedicationRequest",
        "id": ITEM,
        "identifier": [
            {"system": "https://fhir.nhs.uk/Id/prescription-order-item-number", "value": ITEM}
        ],
        "status": "active",
        "intent": "order",
        "subject": {"reference": WHO},
        "medicationCodeableConcept": {"text": "Aspirin 75mg tablets"},
        "groupIdentifier": {"value": "269CA9-A99968-4577BP"},
        "courseOfTherapyType": {"coding": [{"code": "acute"}]},
        "dispenseRequest": {"quantity": {"value": 28, "unit": "tablet"}},
        **more,
    }


def patient(number=NUMBER):
    return {"resourceType": "Patient", "id": WHO.rsplit(":", 1)[1], "identifier": [number]}


def message(*resources, **more):
    entries = [{"resource": each} for each in resources]
    for entry in entries:
        if entry["resource"]["resourceType"] == "Patient":
            entry["fullUrl"] = WHO
    return {"resourceType": "Bundle", "type": "message", "entry": entries, **more}


@pytest.fixture
def read(tmp_path):
    def load(document, **known):
        path = tmp_path / "message.json"
        path.write_text(json.dumps(document), "utf-8")
        return fhir.read(path, PRACTICE, **known)

    return load


def provenance(when):
    return {
        "resourceType": "Provenance",
        "recorded": "2008-02-27T11:38:00+00:00",
        "signature": [{"when": when}],
    }


def test_an_order_without_a_day_is_of_the_day_it_was_signed(read):
    signed = provenance("2026-03-16T12:34:33+00:00")
    load = read(message(header("prescription-order"), order(), patient(), signed))
    (issue,) = load.tables["issue"].to_pylist()
    assert issue["issued_on"] == date(2026, 3, 16)
    assert issue["prescription_id"] == "269CA9-A99968-4577BP"
    assert any("that of the signature was taken" in note for note in load.notes)


def test_one_that_is_not_signed_is_of_the_day_of_its_message(read):
    sent = {"meta": {"lastUpdated": "2026-03-17T09:00:00+00:00"}}
    load = read(message(header("prescription-order"), order(), patient(), **sent))
    assert load.tables["issue"]["issued_on"][0].as_py() == date(2026, 3, 17)
    assert any("that of the message was taken" in note for note in load.notes)


def test_its_own_day_goes_before_any_other(read):
    signed = provenance("2026-03-16T12:34:33+00:00")
    own = order(authoredOn="2026-03-10")
    load = read(message(header("prescription-order"), own, patient(), signed))
    assert load.tables["issue"]["issued_on"][0].as_py() == date(2026, 3, 10)
    assert not any("was taken" in note for note in load.notes)


def test_one_of_no_day_at_all_is_rejected_for_it(read):
    load = read(message(header("prescription-order"), order(), patient()))
    assert "a date of issue" in load.rejects[0].reason


def dispensed(**more):
    return {
        "resourceType": "MedicationDispense",
        "id": "d1",
        "contained": [order(id="m1", subject={"reference": WHO})],
        "identifier": [{"value": "4509b70d"}],
        "status": "completed",
        "subject": {"type": "Patient", "identifier": NUMBER},
        "authorizingPrescription": [{"reference": "#m1"}],
        "type": {"coding": [{"code": "0001"}]},
        "whenHandedOver": "2026-03-20T10:00:00+00:00",
        **more,
    }


def test_a_prescription_within_a_dispensing_is_of_the_patient_of_the_dispensing(read):
    """It names the patient by the order's own address, which the notification does not hold."""
    document = message(header("dispense-notification"), dispensed())
    load = read(document, patients={made.number(1): "p1"})
    (row,) = load.tables["dispense"].to_pylist()
    assert (row["patient_id"], row["issue_id"]) == ("p1", ITEM)
    assert not load.rejects


def test_a_message_that_speaks_of_two_patients_is_refused(read):
    document = message(
        header("prescription-order"), order(subject={"reference": "Patient/p9"}), patient()
    )
    with pytest.raises(DataError, match="expected one patient in the message"):
        read(document)


def test_a_message_with_a_wrong_number_is_refused(read):
    wrong = {**NUMBER, "value": "9990000000"}
    document = message(header("prescription-order"), order(), patient(wrong))
    with pytest.raises(DataError, match="right check digit") as error:
        read(document)
    assert "9990000000" not in str(error.value)


@pytest.mark.parametrize("outer", ["Parameters", "Bundle"])
def test_a_message_alone_within_another_is_taken_out(read, tmp_path, outer):
    """Released prescriptions are sent as bundles in a bundle."""
    inner = message(header("prescription-order"), order(authoredOn="2026-03-10"), patient())
    document = (
        {"resourceType": "Parameters", "parameter": [{"name": "x", "resource": inner}]}
        if outer == "Parameters"
        else {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": inner}]}
    )
    assert read(document).rows["issue"] == 1
    assert detect(tmp_path / "message.json").kind == "fhir"
