"""The one made-up patient that the letters of the tests are about."""

from __future__ import annotations

from datetime import date
from typing import Any

from counterfoil.records.rows import Patient

COMMON: dict[str, Any] = {"practice": "X00001", "source_system": "csv", "source_id": "1"}
PATIENT = Patient(
    patient_id="p1",
    person_id="q1",
    nhs_number="9990000026",
    nhs_status="verified",
    given_name="Amina",
    family_name="Sample",
    birth_date=date(1948, 3, 14),
    birth_precision="day",
    sex="female",
    registration_type="regular",
    is_test=True,
    is_sensitive=False,
    **COMMON,
)
