"""Letters in the styles of many wards and systems, each with a key: what a careful reader takes from it.

Below ``--- key`` stands one medicine a line: words of its name, what the letter states ("*" where it
may be read either way, "None" where it says nothing), and the amount a day ("-" where none is to be
held to). ``others: yes``: it says that what it does not list goes on. ``allergy:`` and ``unread:``
name words that must be kept as such. All letters and people are made up.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from counterfoil.documents import Letter, MedicineLine, read
from counterfoil.dosage import convert, ingredient_per_day

STYLES = sorted((Path(__file__).parent / "styles").iterdir())


def letter_and_key(path: Path) -> tuple[Letter, list[str]]:
    text, _, key = path.read_text("utf-8").partition("--- key\n")
    return read(text.encode(), name=path.name), key.strip().splitlines()


def per_day(line: MedicineLine) -> set[Fraction]:
    """The amounts a day of the line's ingredients, in mg where they are weights."""
    found = ingredient_per_day(line.dose, line.product) or {}
    return {convert(high, unit, "mg") or high for _, high, unit in found.values()}


def agrees(line: MedicineLine, name: str, stated: str) -> bool:
    named = any(name in i for i in line.product.ingredients) or name in line.shown.lower()
    return named and (stated == "*" or str(line.stated) in stated.split("/"))


@pytest.mark.parametrize("path", STYLES, ids=[p.name for p in STYLES])
def test_letter_in_this_style_is_read_as_its_key_says(path: Path) -> None:
    letter, key = letter_and_key(path)
    left = list(letter.lines)
    for entry in key:
        if entry.startswith("allergy:"):
            wanted = entry.partition(":")[2].strip()
            assert any(wanted in span.text.lower() for span in letter.allergies), entry
            continue
        if entry.startswith("unread:"):
            wanted = entry.partition(":")[2].strip()
            kept = [" ".join(span.text.lower().split()) for span in letter.unread]
            assert any(wanted in words for words in kept), entry
            continue
        if entry == "others: yes":
            assert letter.others_continue
            continue
        name, stated, amount = (part.strip() for part in entry.split("|"))
        line = next((x for x in left if agrees(x, name, stated)), None)
        assert line is not None, (entry, [(x.shown, x.stated) for x in left])
        left.remove(line)
        if amount != "-":
            assert Fraction(amount.split()[0]) in per_day(line), (entry, line.dose_text)
    assert not left, [(x.shown, x.stated) for x in left]


@pytest.mark.parametrize("path", STYLES, ids=[p.name for p in STYLES])
def test_every_line_keeps_its_place(path: Path) -> None:
    letter, _ = letter_and_key(path)
    assert letter.patient.nhs_number == "9990000026"
    for line in (*letter.lines, *letter.on_admission):
        assert letter.text[line.start : line.end] == line.text
    for span in letter.unread:
        assert letter.text[span.start : span.end] == span.text


def test_there_are_at_least_forty_styles() -> None:
    assert len(STYLES) >= 40
