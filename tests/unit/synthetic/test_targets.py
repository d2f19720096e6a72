"""The population against the published figures, within the tolerance each target states."""

from __future__ import annotations

import pytest

from counterfoil.synthetic import validate
from counterfoil.synthetic.lists import rows as listed

HELD = [row["name"] for row in listed("targets") if float(row["tolerance"]) < 1]
BY_LETTERS = {"letter_medicines"}


@pytest.fixture(scope="module")
def checks(network):
    return {check.name: check for check in validate(network.tables, network.as_of)}


@pytest.mark.parametrize("name", [name for name in HELD if name not in BY_LETTERS])
def test_target(checks, name):
    check = checks[name]
    assert check.met, f"{name}: {check.got} against {check.value} within {check.tolerance:.0%}"


def test_every_figure_is_shown_in_order(checks):
    assert list(checks) == [row["name"] for row in listed("targets")]
    assert all(
        check.source and check.status in {"read", "recalled", "chosen"} for check in checks.values()
    )


def test_a_missed_target_says_so(network):
    tables = dict(network.tables)
    tables["plan"] = tables["plan"].slice(0, 100)
    checks = {check.name: check for check in validate(tables, network.as_of)}
    assert checks["polypharmacy_5"].met is False


def test_medicines_a_letter(network):
    row = next(row for row in listed("targets") if row["name"] == "letter_medicines")
    lines = [sum(bool(line.text) for line in letter.truth) for letter in network.letters]
    got = sum(lines) / len(lines)
    assert abs(got - float(row["value"])) <= float(row["tolerance"]) * float(row["value"])
