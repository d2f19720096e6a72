"""NHS numbers: the check digit, the numbers that belong to nobody, and a demo's guard.

Sources: the check digit is Modulus 11 with weights 10 to 2 (the rule of the NHS Data Dictionary,
recalled; a test holds it against the package ``nhs-number``). Numbers from 900 000 0000 to 999 999 9999 are "not to be issued (synthetic and test
patients, PDS)": ranges collated by the open package ``nhs-number`` 2.2.0, ``constants.py``, read
2026-11-22.

No function here puts a number into a message.
"""

from __future__ import annotations

import re

from counterfoil.foundation.errors import DataError, Problem
from counterfoil.records.load import Load

_TEN_DIGITS = re.compile(r"\d{10}\Z", re.ASCII)
_SEPARATORS = re.compile(r"[\s\-]")
MOST_PROBLEMS = 20


def normalise(text: str) -> str:
    """The number without spaces and hyphens; otherwise as it was sent."""
    return _SEPARATORS.sub("", text)


def is_valid(number: str) -> bool:
    """Whether *number* has ten digits of which the last is the check digit of the others."""
    if not _TEN_DIGITS.match(number):
        return False
    check = 11 - sum(int(d) * w for d, w in zip(number, range(10, 1, -1), strict=False)) % 11
    return check % 11 == int(number[9]) and check != 10


def is_test_number(number: str) -> bool:
    """Whether *number* is valid and in a range that is never issued to a person."""
    return is_valid(number) and number[0] == "9"


def check_demo(load: Load) -> None:
    """Refuse a load that holds a number which may be somebody's; a demo home takes none.

    Raises :class:`DataError` naming each place (the first twenty), never the number.
    """
    patients = load.tables["patient"].select(["nhs_number", "source_place"]).to_pylist()
    problems = [
        Problem(
            f"{row['source_place'] or 'patient'}, NHS number",
            "expected a number of a test range (999 ...): a demo home takes no real records",
        )
        for row in patients
        if row["nhs_number"] is not None and not is_test_number(row["nhs_number"])
    ]
    if problems:
        raise DataError(*problems[:MOST_PROBLEMS])
