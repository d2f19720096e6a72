"""Files that are no letters get one clear sentence, never a traceback."""

from __future__ import annotations

import contextlib
import io
import json
import random
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.documents import Letter, read, read_text
from counterfoil.foundation.errors import DataError

HEAD = "Patient: Amina Sample\nNHS number: 999 000 0026   DOB: 14/03/1948\nDischarged: 17/11/2026\n"
SAMPLE = (
    HEAD
    + "Allergies: penicillin\nMedicines on discharge\n"
    + "1. Ramipril 5mg capsules - ONE daily - continued\n"
    + "Drug | Dose | Frequency | Status\nAmlodipine 5mg tablets | 5mg | od | new\n"
    + "Stopped: furosemide due to AKI. Bisoprolol increased from 2.5mg to 5mg od\n"
)


def refused(content: bytes) -> str:
    with pytest.raises(DataError) as caught:
        read(content, name="letter-1")
    message = str(caught.value)
    assert "letter-1" in message
    assert "999" not in message.replace("letter-1", "")
    return message


def test_empty_and_binary_files() -> None:
    assert "empty" in refused(b"")
    assert "empty" in refused(b"  \n\x00\n")
    assert "binary" in refused(bytes(range(256)) * 40)
    assert "picture" in refused(b"\x89PNG\r\n\x1a\n" + b"\x00" * 100)
    refused(b"{\\rtf1 Ramipril}")


def test_huge_files() -> None:
    refused(b"Ramipril 5mg capsules one daily\n" * 700_000)
    refused(b"Ramipril 5mg capsules one daily\n" * 20_000)


def test_truncated_and_foreign_structures() -> None:
    assert "breaks off" in refused(b'{"resourceType": "Bundle", "entry": [')
    refused(b'{"a": 1}')
    refused(b"[]")
    refused(b"<Bundle xmlns='http://hl7.org/fhir'><entry>")
    refused(b"<invoice><total>3</total></invoice>")
    assert "Observation" in refused(b'{"resourceType": "Observation"}')
    refused(b'{"resourceType":"Binary","data":"####"}')
    refused(b"%PDF-1.7 broken")
    refused(b"PK\x03\x04 broken")


def test_entities_are_not_followed() -> None:
    bomb = (
        '<?xml version="1.0"?><!DOCTYPE Bundle [<!ENTITY a "aaaaaaaaaa">'
        + "".join(f'<!ENTITY a{n} "{("&a" + str(n - 1) + ";") * 10}">' for n in range(1, 12))
        + "]><Bundle xmlns='http://hl7.org/fhir'><id value='&a11;'/></Bundle>"
    ).replace("&a0;", "&a;")
    refused(bomb.encode())
    secret = (
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY s SYSTEM "file:///etc/hostname">]>'
        "<Composition xmlns='http://hl7.org/fhir'><title value='t'/><section><title value='Medications'/>"
        "<text><div xmlns='http://www.w3.org/1999/xhtml'>&s; Ramipril 5mg capsules one daily</div></text>"
        "</section></Composition>"
    )
    letter = read(secret.encode(), name="letter-1")
    assert Path("/etc/hostname").read_text().strip() not in letter.text


def test_zip_bomb_is_refused() -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/document.xml", b" " * 40_000_000)
    assert "usual size" in refused(held.getvalue())


def test_a_letter_for_two_patients() -> None:
    two = SAMPLE + "\nPatient: Other Person\nNHS number: 999 000 0034\n"
    assert "one person" in refused(two.encode())
    births = SAMPLE + "\nDate of birth: 01/01/1990\n"
    assert "one person" in refused(births.encode())
    bundle = {
        "resourceType": "Bundle",
        "type": "document",
        "entry": [
            {"resource": {"resourceType": "Composition", "title": "t", "section": []}},
            *(
                {
                    "resource": {
                        "resourceType": "Patient",
                        "identifier": [
                            {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": number}
                        ],
                    }
                }
                for number in ("9990000026", "9990000034")
            ),
        ],
    }
    assert "one person" in refused(json.dumps(bundle).encode())


def sound(letter: Letter) -> None:
    for line in (*letter.lines, *letter.on_admission):
        assert letter.text[line.start : line.end] == line.text
    assert len({line.id for line in letter.lines}) == len(letter.lines)
    for span in letter.unread:
        assert letter.text[span.start : span.end] == span.text


def attempt(content: bytes) -> None:
    with contextlib.suppress(DataError):
        sound(read(content, name="fuzz"))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes(content: bytes) -> None:
    attempt(content)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.text(max_size=400))
def test_random_text_among_medicines(text: str) -> None:
    attempt((SAMPLE + text).encode("utf-8", "replace"))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**9))
def test_spoilt_letters(seed: int) -> None:
    """A sound letter with pieces cut, doubled, moved and replaced by odd characters."""
    dice = random.Random(seed)
    text = SAMPLE
    for _ in range(dice.randint(1, 8)):
        a, b = sorted((dice.randrange(len(text) + 1), dice.randrange(len(text) + 1)))
        b = min(b, a + 60)
        piece = dice.choice(
            ["", text[a:b] * 2, "|", "\t", "\n", ":", "½", "(", "<td>", "\x0c", "·"]
        )
        text = text[:a] + piece + text[b:]
    attempt(text.encode())


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**9))
def test_spoilt_html(seed: int) -> None:
    dice = random.Random(seed)
    rows = "".join(f"<tr><td>{line}</td><td>x</td></tr>" for line in SAMPLE.splitlines())
    text = f"<html><body><h1>Letter</h1><table><tr><th>Medicine<th>Dose</tr>{rows}</table></body>"
    for _ in range(dice.randint(1, 8)):
        a = dice.randrange(len(text))
        b = min(len(text), a + dice.randint(0, 30))
        text = text[:a] + dice.choice(["", "<", ">", "<table>", "&#0;", "</td>", "<li>"]) + text[b:]
    attempt(text.encode())


@settings(max_examples=80, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=12),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "resourceType",
                        "entry",
                        "resource",
                        "section",
                        "text",
                        "div",
                        "title",
                        "code",
                        "coding",
                        "dosage",
                        "identifier",
                        "value",
                        "name",
                        "period",
                        "subject",
                        "reference",
                        "extension",
                        "url",
                        "medicationCodeableConcept",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=25,
    )
)
def test_odd_fhir(tree: object) -> None:
    for kind in ("Bundle", "Composition", "MedicationStatement"):
        held = tree if isinstance(tree, dict) else {"entry": tree}
        attempt(json.dumps({**held, "resourceType": kind}).encode())
        bundle = {"resourceType": "Bundle", "entry": [{"resource": {**held, "resourceType": kind}}]}
        attempt(json.dumps(bundle).encode())


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "Ramipril" + " " * 100_000 + "5mg capsules",
        "\n" * 100_000 + "Ramipril 5mg capsules",
        "bisoprolol increased from " + "1 " * 20_000,
        "5 mg 5 " * 20_000,
        "ramipril 5mg " * 8_000,
    ],
    ids=["spaces", "lines", "numbers", "strengths", "names"],
)
def test_tiresome_text_ends_in_reasonable_time(text: str) -> None:
    start = time.process_time()
    attempt((HEAD + "Medicines on discharge\n" + text).encode())
    assert time.process_time() - start < 10


def test_a_row_that_cannot_be_read_does_not_speak_for_the_row_above() -> None:
    """Found on made-up letters: an unknown product marked stopped once stopped the one above it."""
    letter = read_text(
        "NORTHGATE HOSPITAL\nPatient: TEST, Ann\nDate of birth: 03/03/1955     NHS No: 999 000 0018\n"
        "Discharged: 19/11/2026\n\nMedication on discharge\n"
        "Medicine                  Dose       Frequency     Status     Comment\n"
        "---------------------------------------------------------------------\n"
        "Ramipril 1.25mg capsules  1 capsule  once daily\n"
        "Cetraben cream                                     Stopped\n"
        "Amlodipine 5mg tablets    1 tablet   once daily    Continued\n"
        "I?s~#n gl?rg??? [illegible] ?\n\nCompleted by the ward\n"
    )
    assert [line.stated for line in letter.lines] == [None, "stopped", "continued", None]
    assert [line.text.split()[0] for line in letter.lines] == [
        "Ramipril", "Cetraben", "Amlodipine", "I?s~#n",
    ]  # fmt: skip
