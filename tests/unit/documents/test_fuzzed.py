"""A sample of spoilt documents; the whole thousand is run by ``tools/bench/letters.py``."""

from __future__ import annotations

import pytest

import fuzzed_letters
from counterfoil.documents import read
from counterfoil.foundation.errors import DataError

SAMPLE = range(0, 1000, 25)


@pytest.mark.slow
def test_a_spoilt_document_is_read_or_refused_in_clear_words() -> None:
    said: list[str] = []
    for number in SAMPLE:
        content = fuzzed_letters.document(number)
        try:
            letter = read(content, name=f"document {number}")
        except DataError as error:
            said.append(str(error))
            continue
        for place in (*letter.lines, *letter.on_admission, *letter.unread):
            assert letter.text[place.start : place.end] == place.text, number
    assert all("document " in words and "999" not in words for words in said)
    assert 0.2 * len(SAMPLE) < len(said) < 0.8 * len(SAMPLE)


def test_the_same_number_makes_the_same_document() -> None:
    assert fuzzed_letters.document(7) == fuzzed_letters.document(7)
    assert fuzzed_letters.document(7) != fuzzed_letters.document(9)
