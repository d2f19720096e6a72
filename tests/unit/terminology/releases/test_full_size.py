"""A release of full size: rows balance, and memory stays within what was asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import full_dmd_release
from support import ROOT, needs_shared, shared

pytestmark = [*needs_shared, pytest.mark.slow]

LOAD = """
import json, sys
from pathlib import Path
from counterfoil.terminology.releases import Releases
report = Releases(Path(sys.argv[1])).load(Path(sys.argv[2]))
status = Path("/proc/self/status").read_text()  # not getrusage: it remembers who started this
peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
print(json.dumps({
    "tables": report.to_json()["tables"],
    "megabytes": int(peak.split()[1]) / 1024,
}))
"""


def test_a_full_release_loads_within_its_memory(tmp_path: Path) -> None:
    path = full_dmd_release.write(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path / "home"), str(path)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        check=True,
        text=True,
    )
    found = json.loads(done.stdout)
    print(f"{found['megabytes']:.0f} MB")
    for level in ("vmp", "vmpp", "ampp"):
        listed = pq.read_metadata(shared("terminology", f"dmd_2025w34_{level}.parquet")).num_rows
        assert found["tables"][level] == {"read": listed, "loaded": listed}
    assert found["tables"]["amp"]["loaded"] > 95_000
    assert found["megabytes"] < 800
