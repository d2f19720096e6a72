"""Letters: their truth accounts for every plan and every line, and stands where it says."""

from __future__ import annotations

import json
from collections import Counter
from html import unescape
from itertools import pairwise

import pytest
from lxml import html

from counterfoil.foundation.days import parse_day, to_date
from counterfoil.synthetic import generate
from counterfoil.synthetic.letters.boxed import WRAPPED
from counterfoil.synthetic.letters.page import STYLES
from counterfoil.synthetic.letters.scanned import scanned
from counterfoil.synthetic.letters.words import shortened
from counterfoil.synthetic.letters.write import NAMES

BINARY = (
    "application/pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
)


@pytest.fixture(scope="module")
def network():
    """Enough letters for every layout and every story."""
    return generate(5000, 2, 1, parse_day("2026-11-22"), letters=240)


@pytest.fixture(scope="module")
def plans(network):
    table = network.tables["plan"].select(
        ["plan_id", "patient_id", "product_text", "plan_type", "status", "start_date"]
    )
    return {row["plan_id"]: row for row in table.to_pylist()}


def test_letters_come_in_thirty_layouts_from_six_trusts(network):
    layouts = Counter(letter.layout for letter in network.letters)
    assert len(network.letters) == 240
    assert set(layouts) == set(NAMES)
    assert len(layouts) >= 30
    assert len({letter.sender_code for letter in network.letters}) == 6
    media = {letter.media_type for letter in network.letters}
    assert media == {"text/plain", "text/html", "application/fhir+json", *BINARY}
    assert len(STYLES) == 6


def test_offsets_give_the_words(network):
    counted = 0
    for letter in network.letters:
        if letter.media_type != "text/plain":
            continue
        text = letter.content.decode("utf-8")
        for line in letter.truth:
            if line.start is not None:
                assert text[line.start : line.end] == line.text
                counted += 1
            else:
                assert line.text == ""
    assert counted > 150


def test_lines_do_not_overlap(network):
    for letter in network.letters:
        spans = sorted((x.start, x.end) for x in letter.truth if x.start is not None)
        for (_, end), (start, _) in pairwise(spans):
            assert end <= start


def test_every_current_repeat_is_accounted_for_once(network, plans):
    for letter in network.letters:
        if letter.expected != "reconcile":
            continue
        named = Counter(plan for line in letter.truth for plan in line.plan_ids)
        assert set(named.values()) == {1}
        for plan in named:
            assert plans[plan]["patient_id"] == letter.patient_id
            assert plans[plan]["status"] == "active"
        assert 3 <= len(named) <= 14


def test_every_class_is_there(network):
    classes = Counter(line.expected for letter in network.letters for line in letter.truth)
    wanted = {"same", "changed", "new", "stopped", "missing", "conflict", "unreadable"}
    assert wanted <= set(classes)
    assert classes["same"] > sum(classes.values()) / 2
    subclasses = {line.subclass for letter in network.letters for line in letter.truth}
    assert {"brand/generic", "same daily amount by other strength"} <= subclasses


def test_letters_that_must_not_be_filed_are_marked(network):
    patients = {
        row["nhs_number"]: row["patient_id"] for row in network.tables["patient"].to_pylist()
    }
    expected = Counter(letter.expected for letter in network.letters)
    assert expected["no_such_patient"] >= 1
    assert expected["another_patient"] >= 1
    for letter in network.letters:
        if letter.expected == "no_such_patient":
            assert letter.nhs_number not in patients
            assert letter.patient_id is None
        elif letter.expected == "another_patient":
            assert patients[letter.nhs_number] != letter.patient_id
        else:
            assert letter.nhs_number.startswith("999")


def test_letters_are_recent(network):
    for letter in network.letters:
        assert network.as_of - 10 <= letter.discharged_on <= letter.received_at <= network.as_of
        assert network.as_of - letter.received_at <= 7


def test_letters_carry_the_number_the_dates_and_the_products(network):
    for letter in network.letters:
        if letter.media_type in BINARY:
            continue
        text = letter.content.decode("utf-8")
        assert letter.nhs_number in text.replace(" ", "").replace("&nbsp;", "")
        words = " ".join(unescape(text).split())
        for line in letter.truth:
            if line.text and line.expected != "unreadable" and letter.layout not in WRAPPED:
                names = (line.letter_product, shortened(line.letter_product))
                assert any(name in words for name in names), letter.layout


def test_names_are_broken_over_lines_in_some_layouts(network):
    broken = [
        line
        for letter in network.letters
        if letter.layout in WRAPPED
        for line in letter.truth
        if line.text
        and line.letter_product
        and line.letter_product not in line.text
        and shortened(line.letter_product) not in line.text
    ]
    assert len(broken) > 20


def test_files_of_paper_and_word_hold_every_medicine_in_the_order_of_the_truth(network):
    import io
    import zipfile

    import pypdfium2

    for letter in network.letters:
        if letter.media_type not in BINARY or letter.layout == "scanned":
            continue
        if letter.media_type == BINARY[0]:
            pages = pypdfium2.PdfDocument(letter.content)
            text = "\n".join(page.get_textpage().get_text_range() for page in pages)
        else:
            package = zipfile.ZipFile(io.BytesIO(letter.content))
            text = package.read("word/document.xml").decode("utf-8")
            text = "".join(html.fromstring(text.encode()).itertext())
        flat = "".join(unescape(text).split())
        assert letter.nhs_number in flat
        found, at = 0, 0
        for line in sorted((x for x in letter.truth if x.place), key=lambda x: x.place):
            if line.expected == "unreadable":
                continue
            names = (line.letter_product, shortened(line.letter_product))
            heads = ["".join(name.split())[:12] for name in names]
            after = [flat.find(head, at) for head in heads if flat.find(head, at) >= 0]
            assert after, (letter.layout, line.letter_product)
            at, found = min(after) + 1, found + 1
        assert found


def test_each_line_says_what_a_reader_should_take_from_it(network):
    for letter in network.letters:
        for line in letter.truth:
            assert (line.place is None) == (line.text == "")
            if line.text and line.stated not in ("stopped", "on_hold") and line.letter_product:
                told = line.amount or line.times is None or line.expected == "unreadable"
                assert told, (letter.layout, line)
        places = [line.place for line in letter.truth if line.place]
        assert sorted(places) == list(range(1, len(places) + 1))


def test_reasons_are_given_about_as_often_as_was_found(network):
    def share(stated: str) -> float:
        lines = [x for letter in network.letters for x in letter.truth if x.stated == stated]
        return sum(bool(x.reason) for x in lines) / len(lines)

    assert share("new") == pytest.approx(0.49, abs=0.12)
    assert share("stopped") == pytest.approx(0.57, abs=0.15)


def test_documents_are_the_letters(network):
    documents = network.tables["document"].to_pylist()
    assert len(documents) == len(network.letters)
    by_day = Counter(to_date(letter.received_at) for letter in network.letters)
    assert Counter(row["received_at"].date() for row in documents) == by_day


def test_fhir_letters_are_documents_whose_references_resolve(network):
    for letter in network.letters:
        if letter.layout not in ("fhir", "fhir_stu3"):
            continue
        bundle = json.loads(letter.content)
        assert bundle["type"] == "document"
        assert bundle["entry"][0]["resource"]["resourceType"] == "Composition"
        urls = {entry["fullUrl"] for entry in bundle["entry"]}
        for section in bundle["entry"][0]["resource"]["section"]:
            for entry in section.get("entry", []):
                assert entry["reference"] in urls
        for entry in bundle["entry"]:
            for item in entry["resource"].get("entry", []):
                assert item["item"]["reference"] in urls
        found = [
            e for e in bundle["entry"] if e["resource"]["resourceType"] == "MedicationStatement"
        ]
        assert len(found) == sum(bool(line.text) for line in letter.truth)


def test_html_letters_are_pages(network):
    for letter in network.letters:
        if letter.media_type == "text/html":
            page = html.fromstring(letter.content.decode("utf-8"))
            lines = [line for line in letter.truth if line.text]
            inside = "//tr[td][not(ancestor::table[@width])][not(td[@bgcolor])]"
            items = (
                page.xpath("//li") or page.xpath("//div[@class='medicine']") or page.xpath(inside)
            )
            assert len(items) == len(lines), letter.layout


def test_a_scan_is_a_picture_with_no_text_whose_truth_is_known(network):
    import pypdfium2

    found = [letter for letter in network.letters if letter.layout == "scanned"]
    assert found
    for letter in found:
        assert letter.expected == "for_a_person"
        assert letter.truth
        pages = pypdfium2.PdfDocument(letter.content)
        assert not "".join(page.get_textpage().get_text_range() for page in pages).strip()
        ink = 1 - pages[0].render(scale=1, grayscale=True).to_numpy().mean() / 255
        assert 0.002 < ink < 0.2  # a page with writing on it, neither blank nor black
    assert scanned("The same", "key") == scanned("The same", "key")
    assert scanned("The same", "key") != scanned("The same", "another key")
