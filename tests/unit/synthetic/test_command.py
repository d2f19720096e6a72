"""``synth`` and ``synth validate`` as typed: what they refuse, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from counterfoil.cli import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--patients 0", "from 50"),
        ("--patients 100 --practices 10", "50 patients at least"),
        ("--patients 500 --practices 0", "from 1"),
        ("--as-of 1066-10-14", "from 1990"),
        ("--as-of 2999-01-01", "ten years"),
        ("--patients 200 --only X00009", "X00009"),
        ("--cores 0", "at least 1"),
        ("--letters -1", "0 or more"),
    ],
)
def test_what_cannot_be_made_is_said(tmp_path, capsys, words, said):
    assert main(["synth", "--out", str(tmp_path / "out"), *words.split()]) == 2
    assert said in capsys.readouterr().err


def test_where_it_goes_must_be_a_new_folder(tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("x")
    assert main(["synth", "--patients", "100", "--out", str(file)]) == 2
    assert "is a file" in capsys.readouterr().err
    assert main(["synth", "--patients", "100", "--out", str(tmp_path)]) == 2
    assert "not empty" in capsys.readouterr().err
    assert file.read_text() == "x"
    assert main(["synth", "--patients", "100"]) == 2
    assert "--out" in capsys.readouterr().err
    assert main(["synth", "--patients", "100", "--out", str(file / "below")]) == 2
    assert "cannot be made" in capsys.readouterr().err


@pytest.mark.slow
def test_written_and_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "made"
    words = ["--patients", "300", "--practices", "1", "--as-of", "2026-11-22", "--cores", "1"]
    assert main(["synth", "--out", str(out), *words]) == 0
    assert "hash " in capsys.readouterr().out
    assert (out / "X00001" / "patient.csv").exists()
    assert (out / "X00001" / "requests" / "requests.csv").exists()
    status = main(["synth", "validate", str(out), "--out", str(tmp_path / "page.html")])
    told = capsys.readouterr().out
    assert status == ("missed:" in told)
    assert (tmp_path / "page.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert (out / "report.json").exists()
    assert main(["synth", "validate", str(tmp_path)]) == 1
    assert "manifest" in capsys.readouterr().err
