"""SystmOne extracts: round trip, and each quirk of the real ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from counterfoil.foundation.errors import DataError
from counterfoil.records.exporters import systmone as exporter
from counterfoil.records.importers import systmone
from counterfoil.records.persons import person_id_for
from counterfoil.records.schema import TABLES
from counterfoil.terminology.units import to_ucum
from unit.records import laws, made

PRACTICE = made.PRACTICE
TEMPLATES = ("repeat", "erd", "automatic")


@pytest.mark.slow
@pytest.mark.parametrize("delimiter", [",", "|"])
def test_what_was_written_is_read_again(tmp_path, delimiter):
    round_trip(tmp_path, 400, delimiter)


@pytest.mark.slow
def test_five_thousand_patients_come_back_row_for_row(tmp_path):
    round_trip(tmp_path, 5000, ",")


@pytest.mark.slow
def test_a_large_extract_is_the_same_as_a_small_one(tmp_path, monkeypatch):
    """Plans come from templates and from medication rows: neither may displace the other."""
    code, tables = laws.practice(400)
    exporter.write(tables, tmp_path, practice=code)
    laws.check_large(lambda: systmone.read(tmp_path, code), systmone, monkeypatch)


def round_trip(folder, patients, delimiter):
    code, tables = laws.practice(patients)
    written = exporter.write(tables, folder, practice=code, delimiter=delimiter)
    load = systmone.read(folder, code)
    plans = {p["plan_id"]: p["plan_type"] for p in tables["plan"].to_pylist()}

    def plan(row):
        if row["plan_type"] == "acute":
            return None
        if row["plan_type"] not in TEMPLATES:
            row["plan_id"] = f"medication-{row['plan_id']}"
        row["plan_type"] = {"automatic": "repeat"}.get(row["plan_type"], row["plan_type"])
        return row

    def issue(row):
        kind = plans.get(row["plan_id"])
        if kind not in TEMPLATES:
            row["plan_id"] = f"medication-{row['issue_id']}"
        row["issue_type"] = {"automatic": "repeat"}.get(
            kind, kind if kind in TEMPLATES else "acute"
        )
        return row

    alone = {
        f"medication-{i['issue_id']}"
        for i in tables["issue"].to_pylist()
        if plans.get(i["plan_id"]) not in TEMPLATES
    }
    is_alone = pc.is_in(load.tables["plan"]["plan_id"], value_set=pa.array(sorted(alone)))
    acutes = load.tables["plan"].filter(is_alone)
    assert acutes.num_rows == len(alone)
    assert set(acutes["status_inferred"].to_pylist()) == {True}
    others = {**load.tables, "plan": load.tables["plan"].filter(pc.invert(is_alone))}
    laws.check_round_trip(
        tables,
        replace(load, tables=others),
        exporter.CARRIES,
        {"plan": plan, "issue": issue},
    )
    left = {p for p, kind in plans.items() if kind == "acute"}
    left -= {i["plan_id"] for i in tables["issue"].to_pylist()}
    assert written.left_out == ({"plan": len(left)} if left else {})
    for row in load.tables["patient"].to_pylist():
        assert row["person_id"] == person_id_for(row["nhs_number"], code, row["patient_id"])
    for row in load.tables["coded_entry"].to_pylist():
        assert row["unit_ucum"] == to_ucum(row["unit_text"])
    gone = sum(1 for day in load.tables["issue"]["deleted_on"].to_pylist() if day)
    held = tables["issue"].select(["cancelled_on", "deleted_on"]).to_pylist()
    assert gone == sum(1 for row in held if row["cancelled_on"] or row["deleted_on"]) > 0


# --- by hand --------------------------------------------------------------------------------------

PATIENTS = (
    "RowIdentifier,IDOrganisationVisibleTo,FirstName,Surname,NHSNumber,DateBirth,DateDeath,Gender,"
    "TestPatient\n"
    f"1,X00001,Ada,Example,{made.number(1)},28 Feb 1950,,F,0\n"
)
MEDICINES = (
    "RowIdentifier,IDOrganisationVisibleTo,DateEventRecorded,DateEvent,IDMultiLexDMD,"
    "NameOfMedication,DateMedicationStart,DateMedicationEnd,MedicationDosage,MedicationQuantity,"
    "IsRepeatMedication,IsOtherMedication,IsDentalMedication,IsHospitalMedication,"
    "IDRepeatTemplate,IDPatient,RemovedData\n"
)


@pytest.fixture
def folder(tmp_path):
    def make(**files):
        for name, text in {"SRPatient": PATIENTS, **files}.items():
            (tmp_path / f"{name}.csv").write_text(text, "utf-8")
        return tmp_path

    return make


def medicine(quantity="28 tablets", start="05 May 2026", end="02 Jun 2026", **more):
    row = {
        "id": "7",
        "dosage": "One daily",
        "repeat": "0",
        "other": "0",
        "dental": "0",
        "hospital": "0",
        "template": "-1",
        "removed": "0",
        **more,
    }
    return (
        f"{row['id']},X00001,05 May 2026 09:30:00,05 May 2026,,Aspirin 75mg tablets,{start},{end},"
        f'{row["dosage"]},"{quantity}",{row["repeat"]},{row["other"]},{row["dental"]},'
        f"{row['hospital']},{row['template']},1,{row['removed']}\n"
    )


@pytest.mark.parametrize(
    ("text", "quantity", "unit"),
    [
        ("28 tablets", "28", "tablets"),
        ("7.5 ml", "7.5", "ml"),
        ("7.5ml", "7.5", "ml"),
        ("2 x 28", "56", None),
        ("2 x 28 tablets", "56", "tablets"),
        ("3 × 100 ml", "300", "ml"),
        ("28 tablet(s)", "28", "tablet(s)"),
        ("1 pack of 28 tablets", "1", "pack of 28 tablets"),
        ("28", "28", None),
        ("mls", None, "mls"),
        ("28-56 tablets", None, "28-56 tablets"),
        ("28/56", None, "28/56"),
        ("1,000 ml", None, "1,000 ml"),
    ],
)
def test_a_quantity_is_read_exactly_or_kept_whole(folder, text, quantity, unit):
    load = systmone.read(folder(SRPrimaryCareMedication=MEDICINES + medicine(text)), PRACTICE)
    (row,) = load.tables["issue"].to_pylist()
    assert row["quantity"] == (None if quantity is None else Decimal(quantity))
    assert row["quantity_unit"] == unit
    assert row["supply_days"] == 28


@pytest.mark.parametrize("column", ["repeat", "hospital", "removed"])
def test_a_word_that_is_no_flag_rejects_its_row(folder, column):
    text = MEDICINES + medicine(**{column: "Hospital"})
    load = systmone.read(folder(SRPrimaryCareMedication=text), PRACTICE)
    assert load.rows["issue"] == 0
    assert "expected true or false, found 'Hospital'" in load.rejects[0].reason


def test_what_others_prescribe_is_a_plan_and_no_issue(folder):
    text = MEDICINES + medicine(id="8", hospital="1") + medicine(id="9", dental="1")
    load = systmone.read(folder(SRPrimaryCareMedication=text), PRACTICE)
    assert load.rows["issue"] == 0
    assert [(p["plan_id"], p["plan_type"]) for p in load.tables["plan"].to_pylist()] == [
        ("medication-8", "hospital"),
        ("medication-9", "other"),
    ]
    assert load.counts["plan"].read == 2
    assert load.counts["plan"].loaded == 2


def test_an_acute_is_a_plan_too_and_its_end_is_inferred(folder):
    load = systmone.read(folder(SRPrimaryCareMedication=MEDICINES + medicine()), PRACTICE)
    (plan,) = load.tables["plan"].to_pylist()
    assert (plan["plan_type"], plan["status"], plan["status_inferred"]) == ("acute", "active", True)
    assert plan["end_date"] == date(2026, 6, 2)
    assert load.tables["issue"]["plan_id"].to_pylist() == [plan["plan_id"]]
    assert load.counts["issue"].loaded == 1
    assert load.counts["plan"].loaded == 0


def test_days_of_1900_and_9999_are_none(folder):
    text = MEDICINES + medicine(start="01 Jan 1900", end="31 Dec 9999")
    load = systmone.read(folder(SRPrimaryCareMedication=text), PRACTICE)
    (row,) = load.tables["issue"].to_pylist()
    assert row["issued_on"] == date(2026, 5, 5)
    assert row["supply_days"] is None
    assert (
        "SRPrimaryCareMedication: 1 days before 1850 or after 2199: read as missing" in load.notes
    )


def test_an_issue_may_lie_ahead(folder):
    text = MEDICINES + medicine(start="05 Aug 2026 00:00:00", end="")
    load = systmone.read(folder(SRPrimaryCareMedication=text), PRACTICE)
    (row,) = load.tables["issue"].to_pylist()
    assert row["issued_on"] == date(2026, 8, 5)
    assert row["recorded_on"] == date(2026, 5, 5)


def test_a_date_that_is_none_rejects_its_row_with_its_place(folder):
    text = MEDICINES + medicine() + medicine(id="8", start="31/05/2026") + medicine(id="")
    load = systmone.read(folder(SRPrimaryCareMedication=text), PRACTICE)
    assert [(r.place, r.reason) for r in load.rejects] == [
        (
            "SRPrimaryCareMedication.csv row 3",
            "column DateMedicationStart: expected a date written 14 Jun 2026, found '31/05/2026'",
        ),
        ("SRPrimaryCareMedication.csv row 4", "column RowIdentifier: expected an id, whole"),
    ]
    assert load.counts["issue"] == type(load.counts["issue"])(3, 1, 2)


def test_removed_rows_are_withdrawn_and_a_row_alone_only_says_so(folder):
    bare = "9,X00001,,,,,,,,,,,,,,,1\n"
    text = MEDICINES + medicine(removed="1") + bare
    load = systmone.read(folder(SRPrimaryCareMedication=text), PRACTICE)
    (row,) = load.tables["issue"].to_pylist()
    assert row["deleted_on"] == load.data_as_at == date(2026, 5, 5)
    assert not load.withdrawn
    changes = systmone.read(folder(), PRACTICE, delta=True)
    assert changes.scope == "delta"
    assert changes.withdrawn == {"issue": {"9": date(2026, 5, 5)}}


CODES = "RowIdentifier,DateEventRecorded,DateEvent,CTV3Code,CTV3Text,NumericComparator,NumericValue,NumericUnit,IDPatient\n"


def test_an_older_version_has_ctv3_codes_and_a_map_beside_them(folder):
    text = CODES + (
        "1,05 May 2026,05 May 2026,XE2q5,Serum creatinine,<,83,umol/L,1\n"
        "2,05 May 2026,05 May 2026,XaBCD,Something,,,,1\n"
        "3,05 May 2026,05 May 2026,XaTwo,Of two meanings,,,,1\n"
    )
    to_snomed = (
        "RowIdentifier,Ctv3Code,SnomedCode\n1,XE2q5,1000731000000107\n"
        "2,XaTwo,1000731000000107\n3,XaTwo,1000661000000107\n"
    )
    load = systmone.read(folder(SRCode=text, SRCtv3ToSnomed=to_snomed), PRACTICE)
    found = [
        (r["code"], r["local_code"], r["value"], r["comparator"], r["unit_ucum"])
        for r in load.tables["coded_entry"].to_pylist()
    ]
    assert found == [
        ("1000731000000107", None, Decimal(83), "<", "umol/L"),
        (None, "XaBCD", None, None, None),
        (None, "XaTwo", None, None, None),
    ]


def test_allergies_stand_in_two_places(folder):
    text = CODES + (
        "1,05 May 2026,05 May 2026,SN5..,Allergy to peanuts,,,,1\n"
        "2,05 May 2026,05 May 2026,Xa5..,No known allergy,,,,1\n"
        "3,05 May 2026,05 May 2026,14L..,H/O: penicillin allergy,,,,1\n"
    )
    drugs = (
        "RowIdentifier,DateEventRecorded,DateStarted,DateEnded,IDDrugCode,IDMultiLexAction,IDPatient\n"
        "5,05 May 2026,01 Feb 2020,,77,-1,1\n6,05 May 2026,,03 Mar 2021,78,12,1\n"
    )
    names = "RowIdentifier,IDMultiLexProduct,DrugReadCodeDesc\n1,77,Amoxicillin\n"
    load = systmone.read(
        folder(SRCode=text, SRDrugSensitivity=drugs, SRMedicationReadCodeDetails=names), PRACTICE
    )
    found = {
        (a["allergy_id"], a["substance_text"], a["kind"], a["status"], a["is_degraded"])
        for a in load.tables["allergy"].to_pylist()
    }
    assert found == {
        ("code-1", "Allergy to peanuts", "allergy", "active", False),
        ("code-3", "H/O: penicillin allergy", "history", "active", False),
        ("5", "Amoxicillin", "allergy", "active", False),
        ("6", "drug code 78, action group 12", "allergy", "ended", True),
    }
    assert load.rows["coded_entry"] == 3
    assert load.counts["allergy"].read == 2


def test_a_folder_without_a_table_of_the_extract_is_refused(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"SRPatient\.csv"):
        systmone.read(tmp_path, PRACTICE)


def test_a_wrong_number_is_left_out_and_its_place_named(folder):
    text = PATIENTS.replace(made.number(1), "9990000001")
    load = systmone.read(folder(SRPatient=text), PRACTICE)
    (row,) = load.tables["patient"].to_pylist()
    assert (row["nhs_number"], row["nhs_status"]) == (None, "invalid")
    assert any("SRPatient.csv row 2" in note for note in load.notes)
    assert "9990000001" not in repr(load.notes)
    assert set(load.tables) == set(TABLES)
