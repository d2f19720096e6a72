"""Letters: their truth accounts for every plan and every line, and stands where it says."""

from __future__ import annotations

import json
from collections import Counter
from html import unescape
from itertools import pairwise

import pytest
from lxml import html

from counterfoil.foundation.days import to_date


@pytest.fixture(scope="module")
def plans(network):
    table = network.tables["plan"].select(
        ["plan_id", "patient_id", "product_text", "plan_type", "status", "start_date"]
    )
    return {row["plan_id"]: row for row in table.to_pylist()}


def test_forty_letters_in_many_layouts(network):
    layouts = Counter(letter.layout for letter in network.letters)
    assert len(network.letters) == 40
    assert len(layouts) >= 8
    assert {"fhir", "html_table", "changes_only", "paragraph"} <= set(layouts)
    assert len({letter.sender_code for letter in network.letters}) >= 4


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
        assert 5 <= len(named) <= 14


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
        text = letter.content.decode("utf-8")
        assert letter.nhs_number in text.replace(" ", "")
        for line in letter.truth:
            if line.text and line.expected != "unreadable":
                assert line.letter_product in unescape(text)


def test_documents_are_the_letters(network):
    documents = network.tables["document"].to_pylist()
    assert len(documents) == len(network.letters)
    by_day = Counter(to_date(letter.received_at) for letter in network.letters)
    assert Counter(row["received_at"].date() for row in documents) == by_day


def test_fhir_letters_are_documents_whose_references_resolve(network):
    for letter in network.letters:
        if letter.layout != "fhir":
            continue
        bundle = json.loads(letter.content)
        assert bundle["type"] == "document"
        assert bundle["entry"][0]["resource"]["resourceType"] == "Composition"
        urls = {entry["fullUrl"] for entry in bundle["entry"]}
        for section in bundle["entry"][0]["resource"]["section"]:
            for entry in section.get("entry", []):
                assert entry["reference"] in urls
        found = [
            e for e in bundle["entry"] if e["resource"]["resourceType"] == "MedicationStatement"
        ]
        assert len(found) == sum(bool(line.text) for line in letter.truth)


def test_html_letters_are_pages(network):
    for letter in network.letters:
        if letter.media_type == "text/html":
            page = html.fromstring(letter.content.decode("utf-8"))
            lines = [line for line in letter.truth if line.text]
            items = page.xpath("//li") or page.xpath("//tr[td]")
            assert len(items) == len(lines)
