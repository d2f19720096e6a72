"""The traps of real records that concern importing, one test each, numbered as the notes do."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from counterfoil.foundation.errors import DataError
from counterfoil.records.exporters.csv_template import write_csv
from counterfoil.records.importers import csv_template, emis, fhir, systmone
from counterfoil.records.schema import from_rows
from unit.records import extracts, made
from unit.records.extracts import PRACTICE, WHO


@pytest.fixture
def load(tmp_path):
    def read(**tables):
        return emis.read(extracts.write(tmp_path / "extract", **tables), PRACTICE)

    return read


def only(load, table):
    (row,) = load.tables[table].to_pylist()
    return row


def bundle(*resources, kind="collection"):
    who = {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": made.number(1)}],
    }
    entries = [{"resource": each} for each in (who, *resources)]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def request(**more):
    return {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "status": "active",
        "intent": "plan",
        "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": {"text": "Methotrexate 2.5mg tablets"},
        "courseOfTherapyType": {"coding": [{"code": "continuous"}]},
        "dispenseRequest": {"validityPeriod": {"start": "2026-01-05"}},
        **more,
    }


def read_fhir(tmp_path: Path, document):
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(document), "utf-8")
    return fhir.read(path, PRACTICE)


def test_01_weekly_text_with_daily_timing_is_kept_as_a_conflict(tmp_path):
    dosage = {
        "text": "Take 6 tablets once a week",
        "timing": {"repeat": {"frequency": 5, "period": 1, "periodUnit": "d"}},
    }
    load = read_fhir(tmp_path, bundle(request(dosageInstruction=[dosage])))
    row = only(load, "plan")
    assert row["dose_text"] == "Take 6 tablets once a week"
    assert json.loads(row["dose_coded"])[0]["timing"]["repeat"]["frequency"] == 5
    assert any("conflict" in note for note in load.notes)
    from counterfoil import dosage as doses

    read = doses.read(row["dose_text"], row["product_text"], json.loads(row["dose_coded"]))
    assert read.status == "conflict"


@pytest.mark.slow
def test_02_a_capsule_with_the_unit_tablet_is_kept_and_said(load):
    found = load(
        Coding_DrugCode=[{"Term": "Amoxicillin 500mg capsules"}],
        Prescribing_DrugRecord=[{"QuantityUnit": "tablet"}],
    )
    assert only(found, "plan")["quantity_unit"] == "tablet"
    assert any("another form than the product" in note for note in found.notes)
    assert not any("another form" in note for note in load().notes)


def test_03_a_number_alone_as_dose_is_kept_as_it_is(load):
    assert only(load(Prescribing_DrugRecord=[{"Dosage": "28"}]), "plan")["dose_text"] == "28"


def test_04_thirty_issued_and_twenty_eight_stated_are_both_kept(load):
    found = only(load(Prescribing_IssueRecord=[{"Quantity": "30"}]), "issue")
    assert (found["quantity"], found["supply_days"]) == (Decimal(30), 28)


@pytest.mark.parametrize(
    ("amount", "unit", "quantity"),
    [("7.5", "ml", "7.5"), ("28.000", "tablet(s)", "28"), ("", "mls", None)],
)
def test_05_a_quantity_and_its_unit_are_kept_as_sent(load, amount, unit, quantity):
    found = only(
        load(Prescribing_IssueRecord=[{"Quantity": amount, "QuantityUnit": unit}]), "issue"
    )
    assert found["quantity"] == (None if quantity is None else Decimal(quantity))
    assert found["quantity_unit"] == unit


@pytest.mark.parametrize(
    ("amount", "unit", "quantity", "kept"),
    [
        ("2 x 28", "tablet", 56, "tablet"),
        ("2x28 tablets", "tablet", 56, "tablet"),
        ("28 tablets", "", 28, "tablets"),
        ("28 tablet(s)", "tablet", 28, "tablet"),
        ("7.5 mls", "ml", "7.5", "ml"),
        ("1,000", "ml", 1000, "ml"),
        ("1,000 ml", "", 1000, "ml"),
        ("56 Caps.", "capsule", 56, "capsule"),
    ],
)
def test_05_a_quantity_written_out_is_read_where_it_is_certain(load, amount, unit, quantity, kept):
    found = load(Prescribing_IssueRecord=[{"Quantity": amount, "QuantityUnit": unit}])
    row = only(found, "issue")
    assert (row["quantity"], row["quantity_unit"]) == (Decimal(quantity), kept)
    assert any("written out" in note for note in found.notes)


@pytest.mark.parametrize(
    ("amount", "unit"),
    [
        ("28 tablets", "ml"),
        ("2 x 200 dose", "inhaler"),
        ("28 tablets daily", ""),
        ("1 pack of 28", ""),
        ("28 + 2", "tablet"),
        ("28 x", ""),
        ("1,00", "ml"),
        ("half", "tablet"),
        ("-28 tablets", ""),
        ("999999 x 999999999999999999", ""),
    ],
)
def test_05_a_quantity_that_may_mean_two_things_rejects_its_row(load, amount, unit):
    """The issue is not lost unseen: the row is named with what stood there."""
    found = load(Prescribing_IssueRecord=[{"Quantity": amount, "QuantityUnit": unit}])
    assert found.rows["issue"] == 0
    assert "column Quantity: expected a number" in found.rejects[0].reason
    assert len(amount) > 24 or repr(amount) in found.rejects[0].reason


def test_06_an_issue_of_repeat_dispensing_lies_ahead_of_its_entry(load):
    found = load(
        Prescribing_DrugRecord=[{"PrescriptionType": "Repeat Dispensing"}],
        Prescribing_IssueRecord=[
            {"IssueRecordGuid": "{I1}", "EffectiveDate": "2026-05-04"},
            {"IssueRecordGuid": "{I2}", "EffectiveDate": "2026-07-27"},
        ],
    )
    issues = found.tables["issue"].to_pylist()
    assert {i["issue_type"] for i in issues} == {"erd"}
    assert [i["issued_on"] for i in issues] == [date(2026, 5, 4), date(2026, 7, 27)]
    assert {i["recorded_on"] for i in issues} == {date(2026, 5, 4)}


def test_07_two_issues_of_one_day_are_two(load):
    found = load(Prescribing_IssueRecord=[{"IssueRecordGuid": "{I1}"}, {"IssueRecordGuid": "{I2}"}])
    assert found.rows["issue"] == 2


def test_08_an_issue_after_the_cancellation_of_an_active_item(load):
    found = load(Prescribing_DrugRecord=[{"CancellationDate": "2026-02-01"}])
    row = only(found, "plan")
    assert (row["status"], row["status_inferred"], row["end_date"]) == ("active", True, None)
    assert any("active and cancelled at once" in note for note in found.notes)


def test_08_an_inactive_item_without_a_day_ends_with_its_last_supply(load):
    found = load(
        Prescribing_DrugRecord=[{"IsActive": "false"}],
        Prescribing_IssueRecord=[
            {"IssueRecordGuid": "{I1}", "EffectiveDate": "2026-01-05"},
            {"IssueRecordGuid": "{I2}", "EffectiveDate": "2026-03-02", "EnteredDate": "2026-05-04"},
        ],
    )
    row = only(found, "plan")
    assert (row["status"], row["status_inferred"]) == ("ended", True)
    assert row["end_date"] == date(2026, 3, 30)


@pytest.mark.parametrize("sent", ["", "0"])
def test_09_no_most_issues_is_not_known(load, sent):
    found = load(Prescribing_DrugRecord=[{"NumberOfIssuesAuthorised": sent}])
    assert only(found, "plan")["issues_authorised"] is None


def test_10_a_review_long_past_is_kept(load):
    row = only(load(Prescribing_DrugRecord=[{"ReviewDate": "2024-05-05"}]), "plan")
    assert (row["review_date"], row["status"]) == (date(2024, 5, 5), "active")


def test_11_a_range_as_required_is_kept_word_for_word(load):
    dose = "One or two four times a day when required"
    found = load(Prescribing_DrugRecord=[{"Dosage": dose}])
    assert only(found, "plan")["dose_text"] == dose
    assert only(found, "plan")["supply_days"] is None


def test_12_a_schedule_3_drug_on_repeat_dispensing_stays_what_it_is(load):
    """It must not be, and is in the record: whoever checks must see it."""
    found = load(
        Coding_DrugCode=[{"Term": "Temazepam 10mg tablets"}],
        Prescribing_DrugRecord=[{"PrescriptionType": "Repeat Dispensing"}],
    )
    assert (only(found, "plan")["plan_type"], only(found, "plan")["status"]) == ("erd", "active")


def test_13_a_batch_of_more_than_a_year_is_kept_as_sent(load):
    found = load(
        Prescribing_DrugRecord=[
            {"PrescriptionType": "Repeat dispensing", "NumberOfIssuesAuthorised": "14"}
        ]
    )
    assert (only(found, "plan")["plan_type"], only(found, "plan")["issues_authorised"]) == (
        "erd",
        14,
    )


def test_14_who_left_keeps_an_open_batch_in_sight(load):
    found = load(
        Admin_Patient=[{"DateOfDeactivation": "2026-04-30"}],
        Prescribing_DrugRecord=[{"PrescriptionType": "Repeat Dispensing"}],
    )
    assert only(found, "patient")["registered_to"] == date(2026, 4, 30)
    assert only(found, "plan")["status"] == "active"


@pytest.mark.parametrize(("reply", "status"), [("R-0001", "ended"), ("R-0003", "active")])
def test_15_a_cancellation_is_one_only_once_it_was_carried_out(tmp_path, reply, status):
    history = {
        "url": "https://fhir.nhs.uk/StructureDefinition/Extension-DM-PrescriptionStatusHistory",
        "extension": [
            {"url": "status", "valueCoding": {"code": reply}},
            {"url": "statusDate", "valueDateTime": "2026-05-05T10:00:00+00:00"},
        ],
    }
    erd = {"coding": [{"code": "continuous-repeat-dispensing"}]}
    order = request(
        extension=[history], status="cancelled", intent="original-order", courseOfTherapyType=erd
    )
    header = {
        "resourceType": "MessageHeader",
        "eventCoding": {"code": "prescription-order-response"},
    }
    load = read_fhir(tmp_path, bundle(header, order, kind="message"))
    row = only(load, "plan")
    assert row["status"] == status
    assert row["end_date"] == (date(2026, 5, 5) if status == "ended" else None)
    assert any("must follow it up" in note for note in load.notes) == (status == "active")


def test_16_an_allergy_that_lost_its_code_cannot_be_checked(load):
    found = load(
        Coding_ClinicalCode=[
            {
                "Term": "Transfer-degraded drug allergy",
                "SnomedCTConceptId": "196461000000101",
                "EmisCodeCategoryDescription": "Allergy and adverse drug reactions",
            }
        ],
        CareRecord_Observation=[{"AssociatedText": "Trimethoprim", "Value": ""}],
        CareRecord_Problem=None,
    )
    row = only(found, "allergy")
    assert (row["substance_code"], row["substance_text"], row["is_degraded"]) == (
        None,
        "Trimethoprim",
        True,
    )
    assert found.rows["coded_entry"] == 0


def test_17_two_strengths_of_one_drug_are_two_items(load):
    found = load(
        Coding_DrugCode=[
            {"CodeId": "1", "Term": "Warfarin 1mg tablets"},
            {"CodeId": "2", "Term": "Warfarin 3mg tablets"},
        ],
        Prescribing_DrugRecord=[
            {"DrugRecordGuid": "{A}", "CodeId": "1", "Dosage": "As directed"},
            {"DrugRecordGuid": "{B}", "CodeId": "2", "Dosage": "As directed"},
        ],
        Prescribing_IssueRecord=[{"DrugRecordGuid": "{B}", "CodeId": "2"}],
    )
    assert {p["product_text"] for p in found.tables["plan"].to_pylist()} == {
        "Warfarin 1mg tablets",
        "Warfarin 3mg tablets",
    }
    assert only(found, "issue")["plan_id"] == "B"


@pytest.mark.parametrize(
    ("unit", "ucum"), [("", None), ("Banana", None), ("umol/l", "umol/L"), ("µmol/L", "umol/L")]
)
def test_18_units_missing_mixed_or_nonsense(load, unit, ucum):
    row = only(load(CareRecord_Observation=[{"NumericUnit": unit}]), "coded_entry")
    assert (row["value"], row["unit_text"], row["unit_ucum"]) == (Decimal(83), unit or None, ucum)


@pytest.mark.parametrize(
    ("grain", "precision"), [("YM", "month"), ("Y", "year"), ("YMD", "day"), ("YMDT", "day")]
)
def test_19_a_day_keeps_how_exact_it_is(load, grain, precision):
    row = only(
        load(
            CareRecord_Observation=[
                {"EffectiveDate": "2020-01-01", "EffectiveDatePrecision": grain}
            ]
        ),
        "coded_entry",
    )
    assert (row["happened_on"], row["precision"]) == (date(2020, 1, 1), precision)


def test_19_a_day_that_is_not_known_is_none(load):
    row = only(load(CareRecord_Observation=[{"EffectiveDatePrecision": "U"}]), "coded_entry")
    assert (row["happened_on"], row["precision"]) == (None, "unknown")


def test_20_a_code_that_went_through_a_spreadsheet_is_not_taken(load):
    found = load(Coding_ClinicalCode=[{"SnomedCTConceptId": "1E+15"}])
    reasons = [r.reason for r in found.rejects]
    assert (
        "column SnomedCTConceptId: expected a code, not a spreadsheet's rounding, found '1E+15'"
        in (reasons)
    )
    assert found.rows["coded_entry"] == 0


def test_20_long_codes_stay_whole(load):
    code = "999000011000001104"
    row = only(load(Coding_DrugCode=[{"DmdProductCodeId": code}]), "plan")
    assert row["product_code"] == code


def test_21_a_file_twice_is_taken_once(tmp_path):
    folder = extracts.write(tmp_path / "extract")
    copy = folder / "copy"
    copy.mkdir()
    for file in folder.glob("Prescribing_*.csv"):
        (copy / file.name).write_bytes(file.read_bytes())
    found = emis.read(folder, PRACTICE)
    assert (found.rows["plan"], found.rows["issue"]) == (1, 1)
    assert found.resources["Prescribing_IssueRecord"].merged == 1
    assert not found.rejects


def test_21_two_rows_of_one_id_that_differ_are_not_both_taken(load):
    found = load(Prescribing_IssueRecord=[{}, {"Quantity": "48"}])
    assert [r.reason for r in found.rejects] == ["column IssueRecordGuid: the id of row 2 again"]
    assert only(found, "issue")["quantity"] == 24


def test_21_a_newer_file_replaces_and_withdraws(tmp_path):
    folder = extracts.write(tmp_path / "extract", stamp="20260601000000")
    extracts.write(
        folder,
        stamp="20260602000000",
        Admin_Organisation=None,
        Admin_Patient=None,
        Coding_DrugCode=None,
        Coding_ClinicalCode=None,
        CareRecord_Problem=None,
        CareRecord_Diary=None,
        Prescribing_DrugRecord=[{"Dosage": "Eight once a week"}],
        Prescribing_IssueRecord=[{"CodeId": "", "Deleted": "true"}],
        CareRecord_Observation=None,
    )
    found = emis.read(folder, PRACTICE)
    assert only(found, "plan")["dose_text"] == "Eight once a week"
    assert only(found, "issue")["deleted_on"] == date(2026, 6, 2)
    assert found.data_as_at == date(2026, 6, 2)
    counts = found.resources["Prescribing_DrugRecord"]
    assert (counts.read, counts.loaded, counts.merged) == (2, 1, 1)


def test_21_missing_tables_are_no_tables_and_renamed_headers_are_said(load):
    found = load(CareRecord_Diary=None, Prescribing_IssueRecord=None)
    assert (found.rows["recall"], found.rows["issue"]) == (0, 0)
    renamed = extracts.text("Prescribing_DrugRecord", {}).replace("CodeId", "Kode")
    with pytest.raises(
        DataError, match=r"Prescribing_DrugRecord\.csv row 1: expected a column CodeId"
    ):
        load(Prescribing_DrugRecord=renamed)


def test_21_a_header_nearly_right_is_taken_and_a_new_one_is_said(load):
    text = extracts.text("Prescribing_DrugRecord", {"Colour": "blue"})
    found = load(Prescribing_DrugRecord=text.replace("CancellationDate", "CancelationDate"))
    assert any("CancelationDate" in note and "taken for" in note for note in found.notes)
    assert any("'Colour' is not known" in note for note in found.notes)


@pytest.mark.parametrize(
    ("sent", "day"),
    [
        ("2024-02-29", date(2024, 2, 29)),
        ("2026-06-14 23:00:00+00", date(2026, 6, 15)),
        ("2026-01-14 23:00:00 UTC", date(2026, 1, 14)),
        ("2026-06-15 00:00:00", date(2026, 6, 15)),
        ("2026-03-29T01:30:00", date(2026, 3, 29)),
    ],
)
def test_22_leap_days_and_the_clock_change(load, sent, day):
    row = only(load(CareRecord_Observation=[{"EffectiveDate": sent}]), "coded_entry")
    assert row["happened_on"] == day


@pytest.mark.parametrize(
    "sent", ["2026-05-03T23:00:00Z", "2026-05-03 23:00:00 UTC", "2026-05-03T23:30:00+00:00"]
)
def test_22_an_hour_before_midnight_in_utc_is_the_next_day_in_summer(load, sent):
    found = load(Prescribing_IssueRecord=[{"EffectiveDate": sent}])
    assert only(found, "issue")["issued_on"] == date(2026, 5, 4)


def test_22_a_day_that_is_none_rejects_its_row(load):
    found = load(CareRecord_Observation=[{"EffectiveDate": "2025-02-29"}], CareRecord_Problem=None)
    assert [r.reason for r in found.rejects] == [
        "column EffectiveDate: expected a date written 2026-06-14, found 10 characters"
    ]


def test_23_a_wrong_number_leaves_a_patient_without_one(load):
    found = load(Admin_Patient=[{"NhsNumber": "999 000 0001"}])
    row = only(found, "patient")
    assert (row["nhs_number"], row["nhs_status"]) == (None, "invalid")
    assert any("Admin_Patient.csv row 2" in note for note in found.notes)
    assert "9990000001" not in repr((found.notes, found.rejects)).replace(" ", "")


def test_24_a_note_in_a_request_is_kept_whole(tmp_path):
    note = 'I feel dizzy since the new tablets, and am "8 weeks pregnant"\nplease ring'
    request = {
        **made.common("r1"),
        "request_id": "r1",
        "patient_id": "p1",
        "channel": "app",
        "received_at": datetime(2026, 6, 14, 9, 30, tzinfo=made.UTC),
        "requester": "patient",
        "note": note,
    }
    tables = {"patient": [made.patient()], "request": [request]}
    write_csv({name: from_rows(name, rows) for name, rows in tables.items()}, tmp_path)
    assert only(csv_template.read(tmp_path, PRACTICE), "request")["note"] == note


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_an_extract_may_be_parted_by_another_sign(tmp_path, delimiter):
    folder = extracts.write(tmp_path)
    for file in folder.glob("*.csv"):
        file.write_text(file.read_text("utf-8").replace(",", delimiter), "utf-8")
    found = emis.read(folder, PRACTICE)
    assert (found.rows["plan"], found.rows["issue"], found.rejects) == (1, 1, [])


def test_columns_without_a_name_are_said_and_do_no_harm(tmp_path):
    folder = extracts.write(tmp_path)
    for file in folder.glob("*.csv"):
        file.write_text(file.read_text("utf-8").replace("\n", ",,\n"), "utf-8")
    found = emis.read(folder, PRACTICE)
    assert (found.rows["plan"], found.rows["issue"], found.rejects) == (1, 1, [])
    assert any("without a name" in note for note in found.notes)


@pytest.mark.parametrize("column", ["IsActive", "Deleted"])
def test_a_word_that_is_no_flag_rejects_its_row(load, column):
    """Taken for false, an active medicine would be read as ended, a deleted one as there."""
    found = load(Prescribing_DrugRecord=[{column: "Active"}])
    assert found.rows["plan"] == 0
    assert f"column {column}: expected true or false" in found.rejects[0].reason


def test_a_code_that_was_a_number_for_a_while_is_whole_or_refused(load):
    whole = load(Coding_DrugCode=[{"DmdProductCodeId": "319784008.0"}])
    assert only(whole, "plan")["product_code"] == "319784008"
    cut = load(Coding_DrugCode=[{"DmdProductCodeId": "39113611000001102.0"}])
    assert "a spreadsheet's rounding" in cut.rejects[0].reason


def test_rows_of_another_organisation_are_left(load):
    found = load(
        Prescribing_IssueRecord=[
            {},
            {
                "IssueRecordGuid": "{I2}",
                "OrganisationGuid": "{0A5F8F0E-0000-4000-8000-0000000000FF}",
            },
        ]
    )
    assert found.rows["issue"] == 1
    assert found.resources["Prescribing_IssueRecord"].not_carried == 1


def test_the_wrong_practice_is_refused(tmp_path):
    with pytest.raises(DataError, match="those of X00001"):
        emis.read(extracts.write(tmp_path / "extract"), "X00099")


def test_a_patient_who_was_withdrawn_takes_all_rows_along(load):
    found = load(Admin_Patient=[{"Deleted": "true"}])
    for table in ("patient", "plan", "issue", "coded_entry", "problem", "recall"):
        assert only(found, table)["deleted_on"] == found.data_as_at == date(2026, 5, 4), table


def test_ids_with_and_without_braces_are_one(load):
    bare = WHO.strip("{}").lower()
    found = load(Prescribing_IssueRecord=[{"PatientGuid": bare}])
    assert only(found, "issue")["patient_id"] == only(found, "patient")["patient_id"]


def test_a_delta_withdraws_what_it_only_names(tmp_path):
    folder = extracts.write(
        tmp_path / "extract",
        stamp="20260603",
        Admin_Patient=None,
        Prescribing_DrugRecord=[{"DrugRecordGuid": "{OLD}", "CodeId": "", "Deleted": "true"}, {}],
        CareRecord_Problem=None,
    )
    found = emis.read(folder, PRACTICE, delta=True)
    assert found.scope == "delta"
    assert found.withdrawn == {"plan": {"OLD": date(2026, 6, 3)}}
    assert found.rows["plan"] == 1
    with pytest.raises(DataError, match="of changes only may lack it: is it one"):
        emis.read(folder, PRACTICE)
    extracts.write(folder, Admin_Patient=[{"PatientGuid": "{SOMEBODY-ELSE}"}])
    whole = emis.read(folder, PRACTICE)
    assert all("is it a delta" in r.reason for r in whole.rejects)
    assert whole.rows["plan"] == 0


def test_codes_may_come_from_an_earlier_extract(tmp_path):
    earlier = extracts.write(tmp_path / "earlier")
    folder = extracts.write(
        tmp_path / "delta", Coding_DrugCode=None, Coding_ClinicalCode=None, CareRecord_Problem=None
    )
    assert emis.read(folder, PRACTICE).rows["plan"] == 0
    assert emis.read(folder, PRACTICE, codes=earlier).rows["plan"] == 1


def test_text_beyond_ascii_survives(load):
    row = only(
        load(Prescribing_DrugRecord=[{"Dosage": 'Take ½, "not" more\nthan 2 µg — é'}]), "plan"
    )
    assert row["dose_text"] == 'Take ½, "not" more\nthan 2 µg — é'


def test_systmone_and_emis_say_the_same_of_a_day_of_none(tmp_path):
    (tmp_path / "SRPatient.csv").write_text(
        "RowIdentifier,FirstName,Surname,DateBirth,DateDeath\n1,Ada,Example,28 Feb 1950,31 Dec 9999\n"
    )
    found = systmone.read(tmp_path, PRACTICE)
    assert only(found, "patient")["death_date"] is None
    assert any("read as missing" in note for note in found.notes)
