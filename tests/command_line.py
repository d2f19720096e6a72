"""The command line as a user types it, in a process of its own, for tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema

from support import ROOT

SCHEMAS = ROOT / "docs" / "reference"


def call(
    *words: str, given: str | bytes = "", home: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COUNTERFOIL_")}
    environment |= {"PYTHONPATH": str(ROOT / "src")}
    if home is not None:
        environment["COUNTERFOIL_HOME"] = str(home)
    data = given if isinstance(given, bytes) else given.encode()
    done = subprocess.run(
        [sys.executable, "-m", "counterfoil.cli", *words],
        input=data,
        capture_output=True,
        env=environment,
        check=False,
        timeout=300,
    )
    result = subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )
    assert "Traceback" not in result.stderr
    return result


def fits(name: str, value: Any) -> None:
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    jsonschema.validate(value, schema)
