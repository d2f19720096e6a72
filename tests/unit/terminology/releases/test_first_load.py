"""The published extract and the supplementary release, loaded as they were delivered."""

from __future__ import annotations

from pathlib import Path

import pytest

from counterfoil.terminology.releases import Releases
from support import needs_shared, shared

pytestmark = needs_shared


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("dmd_xml_2019-04_extract.zip", "dmd"),
        ("nhsbsa_dmdbonus_2.2.0_20250217000001.zip", "dmd-supplement"),
    ],
)
def test_it_loads_once(tmp_path: Path, name: str, kind: str) -> None:
    releases = Releases(tmp_path / "terminology")
    first = releases.load(shared("terminology", name))
    again = releases.load(shared("terminology", name))
    assert first.kind == kind
    assert not first.already
    assert again.already
    assert releases.names() == [first.name]
    assert releases.get(first.name).damaged() == []
