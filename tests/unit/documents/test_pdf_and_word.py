"""Letters as PDF and Word files: words by their place, tables by their columns."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from counterfoil.documents import read
from counterfoil.foundation.days import parse_day
from counterfoil.foundation.errors import DataError
from counterfoil.reconciliation import reconcile
from counterfoil.records.patient import PatientRecord
from made_up_patient import PATIENT


def _files() -> ModuleType:
    spec = importlib.util.spec_from_file_location("files", Path(__file__).parent / "files.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


files = _files()
HEAD = [
    [(40, "NORTHGATE HOSPITAL NHS TRUST")],
    [(40, "Patient: Amina SAMPLE"), (300, "NHS number: 999 000 0026")],
    [(40, "Date of birth: 14/03/1948"), (300, "Ward: 4")],
    [(40, "Discharged: 17/11/2026")],
    [],
]
TABLE = [
    [(40, "Medicines on discharge")],
    [(40, "Drug"), (220, "Dose"), (290, "Frequency"), (380, "Status"), (450, "Comments")],
    [(40, "Ramipril 5mg capsules"), (220, "5mg"), (290, "Once daily"), (380, "Continued")],
    [(40, "Bisoprolol fumarate 2.5mg"), (220, "2.5mg"), (290, "In the"), (380, "Increased")],
    [(40, "tablets"), (290, "morning"), (450, "from 1.25mg")],
    [
        (40, "Apixaban 5mg tablets"),
        (220, "5mg"),
        (290, "Twice daily"),
        (380, "New"),
        (450, "AF, long term"),
    ],
    [],
    [(40, "Medicines stopped")],
    [(40, "1. Aspirin 75mg tablets - now on apixaban")],
]


def test_a_pdf_table_is_read_by_its_columns() -> None:
    letter = read(files.pdf([HEAD + TABLE]), name="letter.pdf")
    assert letter.kind == "pdf"
    assert letter.patient.nhs_number == "9990000026"
    assert letter.patient.birth_date == parse_day("1948-03-14")
    assert letter.discharged_on == parse_day("2026-11-17")
    assert [(x.product.name, x.stated, x.dose_text) for x in letter.lines] == [
        ("Ramipril 5mg capsules", "continued", "5mg Once daily"),
        ("Bisoprolol 2.5mg tablets", "changed", "2.5mg In the morning"),
        ("Apixaban 5mg tablets", "new", "5mg Twice daily"),
        ("Aspirin 75mg tablets", "stopped", ""),
    ]
    assert letter.lines[1].was == "1.25mg"
    for line in letter.lines:
        assert letter.text[line.start : line.end] == line.text


def test_a_list_goes_on_over_pages() -> None:
    first = [*HEAD, [(40, "TTO")], [(40, "Ramipril 5mg capsules ONE daily")]]
    second = [[(40, "Amlodipine 5mg tablets ONE daily")]]
    letter = read(files.pdf([first, second]))
    assert [x.product.name for x in letter.lines] == [
        "Ramipril 5mg capsules",
        "Amlodipine 5mg tablets",
    ]


def test_every_line_knows_its_page_and_its_place_on_it() -> None:
    letter = read(files.pdf([HEAD + TABLE, [[(40, "Ramipril 5mg capsules one daily")]]]))
    assert len(letter.lines) > 2
    tops = []
    for line in letter.lines:
        assert line.page in (1, 2)
        assert line.box is not None
        left, top, right, bottom = line.box
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
        tops.append((line.page, top))
    assert tops == sorted(tops)
    # 800 points up a page of 842: the first line of a page stands near its top.
    assert abs(tops[-1][1] - (842 - 800) / 842) < 0.03


FAKE = """#!/bin/sh
cat > /dev/null
printf 'level\\tleft\\ttop\\twidth\\theight\\tconf\\ttext\\n'
while read -r line; do printf "$line\\n"; done <<'END'
{rows}
END
"""


def fake_tesseract(folder: Path, lines: list[str]) -> None:
    """A program of that name that finds these lines on every picture."""
    rows = []
    for number, words in enumerate(lines):
        left = 100
        for word in words.split():
            rows.append(f"5\\t{left}\\t{100 + 60 * number}\\t{len(word) * 20}\\t30\\t95\\t{word}")
            left += len(word) * 20 + 15
    program = folder / "tesseract"
    program.write_text(FAKE.format(rows="\n".join(rows)))
    program.chmod(0o755)


def test_a_picture_is_read_where_ocr_is_installed_and_trusted_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_tesseract(
        tmp_path,
        [
            "Patient: Amina Sample NHS number: 999 000 0026 DOB: 14/03/1948",
            "Discharged: 17/11/2026",
            "Medicines at discharge",
            "Ramipril 5mg capsules one daily, no change",
        ],
    )
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    letter = read(files.pdf([[]]))
    assert letter.trust == "ocr"
    [line] = letter.lines
    assert (line.drug_text, line.stated, line.page) == ("Ramipril 5mg capsules", "continued", 1)
    assert line.box is not None
    assert letter.patient.nhs_number == "9990000026"
    outcome = reconcile(letter, PatientRecord(PATIENT), letter.as_of or 0)
    assert all(one.always_a_person for one in outcome.lines)
    assert any("check it against the letter" in why.text for why in outcome.lines[0].why)


def test_a_picture_without_ocr_goes_to_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DataError, match="a person reads it"):
        read(files.pdf([[]]))


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="Tesseract is not installed")
def test_tesseract_reads_a_drawn_page() -> None:
    import pypdfium2

    document = pypdfium2.PdfDocument(files.pdf([HEAD + TABLE]))
    held = io.BytesIO()
    document[0].render(scale=300 / 72).to_pil().save(held, "PNG")
    assert read(held.getvalue()).trust == "ocr"


def test_a_pdf_inside_a_message() -> None:
    message = {
        "resourceType": "Bundle",
        "type": "message",
        "entry": [
            {
                "resource": {
                    "resourceType": "Binary",
                    "data": base64.b64encode(files.pdf([HEAD + TABLE])).decode(),
                }
            }
        ],
    }
    assert len(read(json.dumps(message).encode()).lines) == 4


def test_pdfs_that_cannot_be_read_say_why() -> None:
    with pytest.raises(DataError, match="pictures"):
        read(files.pdf([[]]))
    with pytest.raises(DataError, match="60 pages"):
        read(files.pdf([HEAD] * 61))
    with pytest.raises(DataError, match="opens"):
        read(files.pdf([HEAD])[:200])


def test_a_word_letter() -> None:
    content = files.docx(
        [
            "Northgate Hospital",
            "Patient: Amina Sample   NHS number: 999 000 0026   DOB: 14/03/1948",
            "Discharged: 17 November 2026",
            "# Medicines on discharge",
            [
                ["Medicine", "Directions", "Change"],
                ["Ramipril 5mg capsules", "ONE daily", "No change"],
                ["Apixaban 5mg tablets", "ONE twice a day", "New"],
            ],
            "# Medicines stopped",
            "Aspirin 75mg tablets - bleeding",
        ]
    )
    letter = read(content, name="letter.txt")
    assert letter.kind == "docx"
    assert [(x.product.name, x.stated) for x in letter.lines] == [
        ("Ramipril 5mg capsules", "continued"),
        ("Apixaban 5mg tablets", "new"),
        ("Aspirin 75mg tablets", "stopped"),
    ]
