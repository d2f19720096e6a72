"""Units of results: what GP systems write, and when values can be compared."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.terminology.units import _BASES, _table, factor, hba1c_to_ifcc, to_ucum


@pytest.mark.parametrize(
    ("text", "ucum"),
    [
        ("10*9/L", "10*9/L"), ("10^9/L", "10*9/L"), ("x10^9/l", "10*9/L"), ("x 10*9/L", "10*9/L"),
        ("10*12/L", "10*12/L"), ("g/L", "g/L"), ("g/l", "g/L"), ("G/L", "g/L"), ("g/dL", "g/dL"),
        ("mmol/L", "mmol/L"), ("umol/L", "umol/L"), ("µmol/L", "umol/L"), ("μmol/L", "umol/L"),
        ("mmol/mol", "mmol/mol"), ("mmol/mol Hb", "mmol/mol"), ("%", "%"), ("iu/L", "[IU]/L"),
        ("IU/L", "[IU]/L"), ("U/L", "U/L"), ("u/l", "U/L"), ("mL/min", "mL/min"),
        ("mL/min/1.73m*2", "mL/min/{1.73_m2}"), ("ml/min/1.73m2", "mL/min/{1.73_m2}"),
        ("mL/min/1.73 m²", "mL/min/{1.73_m2}"), ("mL/min/1.73m^2", "mL/min/{1.73_m2}"),
        ("mL/min/{1.73_m2}", "mL/min/{1.73_m2}"), ("kg", "kg"), ("Kg", "kg"), ("kilogram", "kg"),
        ("mm[Hg]", "mm[Hg]"), ("mmHg", "mm[Hg]"), ("miu/L", "m[IU]/L"), ("mU/L", "m[IU]/L"),
        ("ng/ml", "ng/mL"), ("pmol/L", "pmol/L"), ("nmol/L", "nmol/L"), ("fl", "fL"), ("pg", "pg"),
        ("kg/m2", "kg/m2"), ("cm", "cm"), ("liter per minute", "L/min"),
        ("IU/L 37C", "[IU]/L"), ("ku/L", "kU/L"), ("10 9/L", "10*9/L"), ("Stone", "[stone_av]"),
        ("µg/g", "ug/g"), ("mmol/24 h", "mmol/(24.h)"), ("litres", "L"), ("kPa", "kPa"),
    ],
)  # fmt: skip
def test_text_of_gp_systems(text: str, ucum: str) -> None:
    assert to_ucum(text) == ucum


@pytest.mark.parametrize("text", ["Banana", "", " ", None, "mmol", "mm/l", "per litre", "10", "IU"])
def test_what_is_not_known_cannot_be_compared(text: str | None) -> None:
    assert to_ucum(text) is None


def test_every_ucum_unit_of_the_table_means_itself() -> None:
    for ucum in set(_table().values()):
        assert to_ucum(ucum) == ucum


@given(st.sampled_from(sorted(_table())), st.booleans(), st.integers(0, 2))
def test_case_and_spaces_do_not_change_the_unit(text: str, upper: bool, spaces: int) -> None:
    written = (" " * spaces).join(text)
    assert to_ucum(written.upper() if upper else written) == to_ucum(text)


@pytest.mark.parametrize(
    ("one", "other", "times"),
    [
        ("umol/L", "mmol/L", Fraction(1, 1000)),
        ("g/dL", "g/L", Fraction(10)),
        ("[lb_av]", "kg", Fraction(45359237, 100000000)),
        ("[stone_av]", "[lb_av]", Fraction(14)),
        ("m[IU]/L", "[IU]/L", Fraction(1, 1000)),
        ("g/L", "g/L", Fraction(1)),
        ("{INR}", "{INR}", Fraction(1)),
    ],
)
def test_prefixes_of_one_quantity_are_converted(one: str, other: str, times: Fraction) -> None:
    assert factor(one, other) == times


@pytest.mark.parametrize(
    ("one", "other"),
    [("%", "mmol/mol"), ("mg/dL", "mmol/L"), ("[IU]/L", "U/L"), ("kg", "cm"),
     ("mL/min", "mL/min/{1.73_m2}"), ("10*9/L", "10*12/L")],
)  # fmt: skip
def test_kinds_of_quantity_are_never_mixed(one: str, other: str) -> None:
    assert factor(one, other) is None


@given(st.sampled_from(sorted(_BASES)), st.sampled_from(sorted(_BASES)))
def test_there_and_back_is_the_same_value(one: str, other: str) -> None:
    there, back = factor(one, other), factor(other, one)
    assert (there is None) == (back is None)
    assert there is None or back is None or there * back == 1


@pytest.mark.parametrize(("percent", "ifcc"), [("6.5", 48), ("7.0", 53), ("6.0", 42), ("9.0", 75)])
def test_hba1c_percent_in_the_pairs_that_laboratories_print(percent: str, ifcc: int) -> None:
    assert round(hba1c_to_ifcc(Fraction(percent))) == ifcc
