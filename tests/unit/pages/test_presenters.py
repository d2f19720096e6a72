"""From what queries give to what pages show."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from django.http import QueryDict

import page_samples as samples
from counterfoil.service.casework import shapes
from counterfoil.service.pages.presenters import case, frame, letter, questions, today


def data(name: str, at: datetime | None, days_old: int | None) -> shapes.DataAsAt:
    """How fresh one practice is."""
    return shapes.DataAsAt("Y", name, at, days_old)


def test_fresh_practices_share_a_moment_and_old_ones_are_named() -> None:
    fresh = datetime(2026, 11, 21, 18, 5, tzinfo=UTC)
    later = datetime(2026, 11, 21, 18, 40, tzinfo=UTC)
    said = frame.data_line(
        [
            data("Riverside", later, 0),
            data("Hill Street", fresh, 0),
            data("Mill Lane", datetime(2026, 11, 18, tzinfo=UTC), 3),
            data("New", None, None),
        ]
    )
    assert said == (
        "Data as at 21 November, 6:05pm: Riverside, Hill Street. Mill Lane is 3 days old. "
        "New has no records loaded."
    )


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (
            "Body weight: none on record; counted from treatment seen from 9 December 2024; every 1 "
            "year, so due 9 December 2025 (348 days overdue)",
            "Body weight: none on record (every year)",
        ),
        (
            "Thyroid function tests: TSH, T4 or T3: last done 3 May 2025; every 6 months, so due 3 "
            "November 2025 (9 days overdue); Liver function tests or one of their enzymes: last done "
            "3 May 2025; every 6 months, so due 3 November 2025 (9 days overdue)",
            "Thyroid function tests and liver function tests: last done 3 May 2025 (every 6 months)",
        ),
        ("supplied by hospital", "Supplied by hospital"),
        ("received 2 days ago; 3 to decide", "Received 2 days ago; 3 to decide"),
    ],
)
def test_a_list_says_why_in_short(why: str, said: str) -> None:
    assert today.short_why(why) == said


def test_a_row_says_lateness_state_and_what_else_there_is() -> None:
    row = today.row_of(samples.case_line(state="cannot_tell", urgency="same_day"))
    assert (row.due, row.late, row.more) == ("58 days late", True, "+ 2 more")
    assert [tag.text for tag in row.tags] == ["Same day", "Cannot tell"]
    assert (row.href_name, row.ref) == ("case", samples.CASE)
    as_letter = today.row_of(samples.case_line(letter_ref=samples.LETTER, kind="letter"))
    assert (as_letter.href_name, as_letter.ref) == ("letter", samples.LETTER)


def test_filters_come_from_the_address_and_nothing_else_does() -> None:
    found = today.filters_from(QueryDict("view=mine&kind=letter&due=soon&page=x&nhs=9990000018"))
    assert found == shapes.Filters(view="mine", kind="letter")
    assert today.address(found) == "?view=mine&kind=letter"


def test_chips_take_one_filter_off_and_keep_the_rest() -> None:
    filters = shapes.Filters(view="mine", practice="Y90001", due="week", page=3)
    shown = today.present(samples.today(filters=filters, pages=5))
    assert {chip.text: chip.href for chip in shown.chips} == {
        "Practice: Mill Lane": "?view=mine&due=week&practice=",
        "Due: Within 7 days": "?view=mine&practice=Y90001",
    }
    assert shown.next_page.endswith("page=4")
    assert [view.count for view in shown.views if view.current] == [12]


def test_reasons_name_the_rows_behind_them() -> None:
    lines = case.reason_lines(samples.finding().reasons, case.index_rows(samples.record()))
    assert [line.truth for line in lines] == ["met", "not met", "cannot tell"]
    assert lines[0].rows == ("2 July 2026, Full blood count",)


def test_many_rows_are_cut_and_counted() -> None:
    reasons = [
        {
            "holds": True,
            "text": "issued",
            "rows": [
                {"table": "issue", "id": f"p1-2026-{month}"}
                for month in ("08-01", "08-29", "11-12")
            ],
        }
    ]
    (line,) = case.reason_lines(reasons, case.index_rows(samples.record()))
    assert line.rows == (
        "issued 1 August 2026, Methotrexate 2.5mg tablets, 24 tablet",
        "and 2 rows more like it",
    )


def test_a_drafted_question_holds_the_facts_and_no_name() -> None:
    card = case.card_of(samples.finding(), {})
    assert "so due 24 September 2026" in card.draft
    assert card.draft.endswith("Should this medicine still be issued until the test is done?")
    assert "Mary" not in card.draft
    assert "999" not in card.draft


def test_tags_are_words() -> None:
    tags = [tag.text for tag in case.state_tags(samples.finding(work="waiting"))]
    assert tags == ["Overdue 58 days", "High-risk drug", "Waiting"]
    draft = case.state_tags(samples.finding(makes_work=False, days_left=None))
    assert draft[-1].text == "Draft rule: makes no work"


def test_no_allergy_recorded_is_not_no_allergy() -> None:
    assert case.allergies(samples.record()) == "penicillin (rash)"
    assert case.allergies(samples.record(allergies=())) == "none recorded"
    assert case.allergies(None) == "not known"


def test_only_what_the_engine_is_sure_of_is_drawn_as_overdue() -> None:
    def test_of(rule: str, clause: str) -> str | None:
        return {"fbc_overdue": "FBC", "renal_overdue": "U&E"}.get(clause)

    unsure = {"clause": "renal_overdue", "holds": None, "text": "", "values": {"due": "2026-01-01"}}
    card = samples.finding(reasons=(*samples.finding().reasons[:1], unsure))
    drawing = case.draw(
        samples.record(),
        samples.TODAY,
        [card],
        {"FBC": frozenset({samples.FBC_CODE}), "U&E": frozenset()},
        everything=False,
        test_of=test_of,
    )
    rows = {row.what: (row.until, row.note) for row in drawing.table}
    assert rows["FBC"] == ("due 24 September 2026", "overdue 58 days")
    assert rows["U&E"] == ("cannot tell", "")


def test_the_record_table_puts_active_plans_first() -> None:
    plans = (
        samples.plan("Aspirin 75mg", "1", plan_id="a", status="ended"),
        samples.plan("Zopiclone 7.5mg", "1 on", plan_id="z"),
    )
    table = case.record_tables(samples.record(plans=plans))[0]
    assert [row[0] for row in table.rows] == ["Zopiclone 7.5mg", "Aspirin 75mg"]


def test_the_letter_is_shown_whole_with_its_lines_marked() -> None:
    view = samples.letter_view(samples.letter_line("f1", "changed"))
    text = letter.marked_text(view)
    assert '<mark id="t-f1" data-line="f1">Ramipril 5mg caps 1 om</mark>' in text
    assert '<mark class="cf-unread">A smudge &lt;b&gt;</mark>' in text
    bare = str(text).replace("&lt;", "<").replace("&gt;", ">")
    for element in ('<mark id="t-f1" data-line="f1">', '<mark class="cf-unread">', "</mark>"):
        bare = bare.replace(element, "")
    assert bare == view.text


def test_places_that_overlap_lose_no_text() -> None:
    one = samples.letter_line("f1", "changed")
    two = replace(one, finding=samples.finding(ref="f2"))
    bare = letter.marked_text(samples.letter_view(one, two, unread=()))
    assert bare.count("Ramipril 5mg caps 1 om") == 1
    assert bare.count("<mark") == 1


def test_the_words_that_differ_are_marked_and_fillers_are_not() -> None:
    left, right = letter.difference(
        "Ramipril 5mg caps ONE in the morning Continued",
        "Ramipril 2.5mg caps, 1 to be taken in the morning",
        "continued",
    )
    assert left == "Ramipril <del>5mg</del> caps ONE in the morning Continued"
    assert right == "Ramipril <ins>2.5mg</ins> caps, 1 to be taken in the morning"


def test_groups_stand_in_the_order_of_work_and_same_comes_last() -> None:
    kinds = ("same", "new", "conflict", "missing", "unreadable", "changed", "done")
    lines = [samples.letter_line(str(n), kind) for n, kind in enumerate(kinds)]
    groups = letter.groups(samples.letter_view(*lines))
    assert [group.klass for group in groups] == [
        "conflict",
        "unreadable",
        "changed",
        "missing",
        "new",
        "same",
        "done",
    ]


def test_what_a_letter_says_of_its_whole_list_stands_once_above_the_missing() -> None:
    said = {
        "text": "The letter does not list every medicine: “others as before”.",
        "source": "rule full list",
    }
    view = samples.letter_view(
        samples.letter_line("1", "missing", why=(said,)),
        samples.letter_line("2", "missing", why=(said,)),
        samples.letter_line("3", "new"),
    )
    notes = {group.klass: group.note for group in letter.groups(view)}
    assert notes == {"missing": said["text"], "new": ""}


def test_only_open_same_lines_that_may_be_confirmed_are_confirmed_together() -> None:
    done = samples.letter_line("d", "same", finding=samples.finding(ref="d", work="done"))
    pharmacists = samples.letter_line(
        "p", "same", finding=samples.finding(ref="p", klass="letter.same_for_pharmacist")
    )
    open_line, changed = samples.letter_line("o", "same"), samples.letter_line("c", "changed")
    groups = letter.groups(samples.letter_view(done, pharmacists, open_line, changed))
    assert [line.line.finding.ref for line in letter.confirmable(groups)] == ["o"]


def test_drafts_of_a_letter_line_name_both_sides_and_no_patient() -> None:
    line, about = samples.letter_line("f1", "changed"), samples.summary()
    for draft in (letter.draft_question(line, about), letter.draft_query(line, about)):
        assert "Ramipril 5mg caps 1 om" in draft
        assert "Ramipril 2.5mg caps 1 om" in draft
        assert "Test" not in draft
    missing = replace(line, letter_lines=())
    assert "does not list" in letter.draft_query(missing, about)
    assert "does not list" in letter.draft_question(missing, about)


def test_a_question_may_be_about_other_open_lines_of_the_same_role() -> None:
    lines = [
        samples.letter_line("a", "changed"),
        samples.letter_line("b", "missing"),
        samples.letter_line("s", "same"),
        samples.letter_line(
            "h", "stopped", finding=samples.finding(ref="h", work="handed_over", hand_over_to=())
        ),
    ]
    others = letter.others_of(letter.groups(samples.letter_view(*lines)))
    assert [other[0] for other in others(lines[0].finding)] == ["a", "b"]


def test_a_question_is_one_line_with_its_evidence_under_it() -> None:
    asked = shapes.HandoverLine(
        ref=samples.HANDOVER,
        sender="Tess Technician",
        to_role="pharmacist",
        question="?",
        sent_at=samples.AT,
        status="sent",
        reply="",
        instruction="",
        decision_label="",
        replied_by="",
        replied_at=None,
        acknowledged_by="",
        acknowledged_at=None,
        mine=False,
    )
    question = shapes.Question(
        handover=asked,
        case_ref=samples.CASE,
        case_version=1,
        person=samples.PERSON,
        practice_code="Y90001",
        practice_name="Mill Lane",
        findings=(samples.finding(with_role="pharmacist", work="handed_over"), samples.finding()),
        decisions=(),
    )
    shown = questions.present(question, date(2026, 11, 21))
    assert shown.title == "Methotrexate: blood tests overdue + 1 more"
    assert shown.asked == "yesterday"
    assert [tag.text for tag in shown.evidence[0].tags] == ["Overdue 58 days", "High-risk drug"]
