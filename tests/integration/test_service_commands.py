"""The commands behind the command line, each in a process and a home of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest

RUN = """
import json, sys
from datetime import date
from pathlib import Path
from counterfoil.foundation.errors import DataError, UsageError
from counterfoil.service import commands
home = Path(commands.os.environ["COUNTERFOIL_HOME"])
def findings():
    commands.open_home(home)
    from counterfoil.service.casework.models import Finding
    return list(Finding.objects.values_list("rule", "state", "makes_work"))

try:
    result = (lambda: {call})()
except (DataError, UsageError) as error:
    result = {{"error": type(error).__name__, "text": str(error)}}
print(json.dumps(result, default=str))
"""
DEMO = "commands.create_demo(home, seed=5, patients=300, practices=2, as_of=date(2026, 11, 22))"


def call(apart: dict[str, str], expression: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(call=expression)],
        env=apart,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_a_demo_is_the_same_for_the_same_seed(apart: dict[str, str], tmp_path: Path) -> None:
    first = call(apart, DEMO)
    assert first["practices"] == 2
    assert first["persons"] <= 300
    assert first["letters"] > 0
    assert {row["kind"] for row in first["findings"]} == {"letter_line", "request_item", "rule"}
    again = call(apart, DEMO)
    assert again == first
    if "COUNTERFOIL_DATABASE_URL" not in apart:
        other = {**apart, "COUNTERFOIL_HOME": str(tmp_path / "other")}
        assert call(other, DEMO) == first
    checked = call(apart, "commands.verify_log(home)")
    assert checked["whole"], checked["problems"]


@pytest.mark.slow
def test_a_demo_stays_a_demo_on_the_loopback_address(apart: dict[str, str]) -> None:
    call(apart, "commands.init_home(home, demo=True)")
    refused = call(apart, "commands.serve(home, '0.0.0.0', 8123)")
    assert refused["error"] == "UsageError"
    assert "loopback" in refused["text"]
    home = Path(apart["COUNTERFOIL_HOME"])
    assert json.loads((home / "home.json").read_text())["demo"] is True


@pytest.mark.slow
def test_a_real_home_never_becomes_a_demo(apart: dict[str, str]) -> None:
    call(apart, "commands.init_home(home)")
    refused = call(apart, DEMO)
    assert "not a demo home" in refused["text"]


def csv_record(folder: Path, nhs_number: str = "999 000 0018") -> Path:
    folder.mkdir()
    (folder / "patient.csv").write_text(
        "patient_id,nhs_number,given_name,family_name,birth_date,sex,registered_from\n"
        f"p1,{nhs_number},Mary,Test,1955-03-03,female,2010-01-01\n"
    )
    (folder / "issue.csv").write_text(
        "issue_id,patient_id,product_text,issue_type,issued_on\n"
        "i1,p1,Levothyroxine sodium 50microgram tablets,repeat,2026-11-01\n"
        "i2,p1,Levothyroxine sodium 50microgram tablets,repeat,2026-09-01\n"
    )
    return folder


@pytest.mark.slow
def test_a_record_is_imported_twice_and_changes_nothing(
    apart: dict[str, str], tmp_path: Path
) -> None:
    folder = csv_record(tmp_path / "record")
    expression = f"commands.import_record(home, 'csv', Path({str(folder)!r}), 'X00001')"
    first = call(apart, expression)
    assert first["tables"]["patient"] == {"read": 1, "loaded": 1, "rejected": 0}
    assert call(apart, expression)["snapshot"] == first["snapshot"]
    seen = call(apart, "findings()")
    assert ["coding.levothyroxine", "open", False] in seen
    record = call(apart, "commands.stored_record(home, '9990000018').patient.family_name")
    assert record == "Test"
    nobody = call(apart, "commands.stored_record(home, '999 000 0026')")
    assert "nobody" in nobody["text"]
    assert "999" not in nobody["text"]


@pytest.mark.slow
def test_a_demo_home_refuses_a_real_looking_number_and_stays_as_it_was(
    apart: dict[str, str], tmp_path: Path
) -> None:
    call(apart, "commands.init_home(home, demo=True)")
    good = csv_record(tmp_path / "good")
    call(apart, f"commands.import_record(home, 'csv', Path({str(good)!r}), 'X00001')")
    before = call(apart, "[commands.demo_summary(home), commands.published_files(home)]")
    folder = csv_record(tmp_path / "record", "000 000 0000")
    refused = call(apart, f"commands.import_record(home, 'csv', Path({str(folder)!r}), 'X00001')")
    assert refused["error"] == "DataError"
    assert "000" not in refused["text"].replace("X00001", "")
    after = call(apart, "[commands.demo_summary(home), commands.published_files(home)]")
    assert after == before


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def served(apart: dict[str, str]) -> Any:
    """A demo home, served by a real server; its address."""
    call(apart, DEMO.replace("300", "100").replace("practices=2", "practices=1"))
    port = free_port()
    code = f"from counterfoil.service import commands; commands.serve(None, '127.0.0.1', {port})"
    server = subprocess.Popen(
        [sys.executable, "-c", code],
        env=apart,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{address}/sign-in/", timeout=2):
                    break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


@pytest.mark.slow
def test_the_service_is_served_and_a_demo_user_signs_in(served: str) -> None:
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with browser.open(f"{served}/sign-in/") as answer:
        page = answer.read().decode()
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    form = f"csrfmiddlewaretoken={token}&username=tess&password=counterfoil-demo"
    with browser.open(f"{served}/sign-in/", form.encode()) as answer:
        assert answer.status == 200
        assert not answer.url.endswith("/sign-in/")
        assert answer.headers["Cache-Control"] == "no-store, private"
    elsewhere = urllib.request.Request(served, headers={"Host": "example.org"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        browser.open(elsewhere)
    assert refused.value.code == 400
    refused.value.close()
