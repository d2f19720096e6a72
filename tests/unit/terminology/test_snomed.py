"""SNOMED CT from RF2, and the expressions that pick codes from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.foundation.errors import DataError, UsageError
from counterfoil.terminology.ecl import evaluate, parse
from counterfoil.terminology.releases.source import Source
from counterfoil.terminology.snomed import Snomed, read_rf2
from rf2 import POSSIBLY, REPLACED_BY, SAME_AS, own, write_file, write_rf2

# 1 is the root; 2 and 3 lie below it; 4 below both, 5 and 6 below 4; 7 is inactive below 2.
TREE = [(2, 1), (3, 1), (4, 2), (4, 3), (5, 4), (6, 4), (7, 2)]


def load(folder: Path) -> Snomed:
    with Source(folder) as source:
        return Snomed(read_rf2(source.entries))


def ids(*numbers: int) -> frozenset[str]:
    return frozenset(own(n) for n in numbers)


@pytest.fixture(scope="module")
def snomed(tmp_path_factory: pytest.TempPathFactory) -> Snomed:
    folder = write_rf2(
        tmp_path_factory.mktemp("rf2"),
        TREE,
        inactive=[7, 20, 21, 22, 23],
        members=[(30, 5), (30, 7), (30, 3)],
        history=[
            (20, SAME_AS, 5),
            (21, REPLACED_BY, 20),
            (22, POSSIBLY, 5),
            (22, POSSIBLY, 6),
            (23, REPLACED_BY, 5),
            (23, REPLACED_BY, 6),
        ],
        names={5: 'Fifth "thing", quoted (finding)'},
    )
    return load(folder)


def test_below_is_every_active_descendant_by_any_way(snomed: Snomed) -> None:
    assert snomed.descendants([own(2)]) == ids(4, 5, 6)
    assert snomed.descendants([own(2)], and_self=True) == ids(2, 4, 5, 6)
    assert snomed.descendants([own(5)]) == frozenset()
    assert snomed.ancestors([own(5)]) == ids(1, 2, 3, 4)


def test_a_term_with_quotes_is_one_term(snomed: Snomed) -> None:
    assert snomed.name(own(5)) == 'Fifth "thing", quoted (finding)'
    assert snomed.name(own(99)) == snomed.name("nothing") == ""


def test_what_replaced_an_inactive_concept_is_followed_and_doubt_is_said(snomed: Snomed) -> None:
    def links(n: int) -> list[tuple[str, str, bool]]:
        return [(s.id, s.kind, s.sure) for s in snomed.successors(own(n))]

    assert links(20) == [(own(5), "SAME_AS", True)]
    assert links(21) == [(own(5), "SAME_AS", True)]
    assert [(i, sure) for i, _, sure in links(22)] == [(own(5), False), (own(6), False)]
    assert [sure for _, _, sure in links(23)] == [False, False]
    assert links(7) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{5}", ids(5)),
        ("{7}", ids()),
        ("< {4} |Fourth (thing)|", ids(5, 6)),
        ("<<{4}", ids(4, 5, 6)),
        ("^ {30}", ids(3, 5)),
        ("< {2} MINUS << {5}", ids(4, 6)),
        ("<{4} or {2} OR {3}", ids(2, 3, 5, 6)),
        ("(<< {2} AND << {3}) MINUS ({5} OR {6})", ids(4)),
        ("< ({2} OR {3})", ids(4, 5, 6)),
        ("<< (^ {30})", ids(3, 4, 5, 6)),
        ("* MINUS << {2}", ids(1, 3, 30)),
    ],
)
def test_expressions(snomed: Snomed, text: str, expected: frozenset[str]) -> None:
    for n in (2, 3, 4, 5, 6, 7, 30):
        text = text.replace(f"{{{n}}}", own(n))
    assert evaluate(text, snomed) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<! {2}", "character 1"),
        ("<{2} : 116676008 = {3}", "Refinements"),
        ("{2} OR {3} AND {4}", "parentheses about the first two parts"),
        ("{2} MINUS {3} MINUS {4}", "parentheses"),
        ("({2} OR {3}", "closing parenthesis"),
        ("{2} {3}", "AND, OR or MINUS"),
        ("", "id or a parenthesis"),
        ("^ ({2})", "id of a reference set"),
        ("< 123456789", "check digit"),
        ("{98}", "has no concept"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(
    snomed: Snomed, text: str, says: str
) -> None:
    for n in (2, 3, 4, 98):
        text = text.replace(f"{{{n}}}", own(n))
    with pytest.raises(UsageError, match="ECL") as caught:
        evaluate(text, snomed)
    assert says in str(caught.value)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=30),
    st.sets(st.integers(1, 12), max_size=4),
    st.integers(1, 12),
)
def test_the_closure_equals_a_walk_one_step_at_a_time(
    tmp_path_factory: pytest.TempPathFactory,
    pairs: list[tuple[int, int]],
    inactive: set[int],
    start: int,
) -> None:
    snomed = load(
        write_rf2(tmp_path_factory.mktemp("walk"), [*pairs, (13, 1)], inactive=[*inactive])
    )
    reached, front = set(), {start}
    while front:
        front = {child for child, parent in [*pairs, (13, 1)] if parent in front} - reached
        reached |= front
    known = {n for pair in pairs for n in pair} | inactive | {1, 13}
    assert snomed.descendants([own(start)]) == ids(*((reached & known) - inactive))


def test_a_full_release_reads_as_its_latest_rows(tmp_path: Path) -> None:
    folder = write_rf2(tmp_path, TREE)
    rows = [
        [own(5), "20200101", "1", own(1), "x"],
        [own(5), "20260301", "0", own(1), "x"],
        [own(5), "20210101", "1", own(1), "x"],
    ]
    write_file(folder / "more.txt", "Concept", rows)
    assert load(folder).is_active(own(5)) is False


def test_the_uk_history_substitution_is_read_beside_the_associations(tmp_path: Path) -> None:
    folder = write_rf2(tmp_path, TREE, inactive=[8, 9])
    lines = ["OLDCUI\tOLDSTATUS\tNEWCUI\tNEWSTATUS\tPATH\tIS_AMBIGUOUS"]
    lines += [f"{own(8)}\t1\t{own(4)}\t0\tx\t0", f"{own(9)}\t1\t{own(4)}\t0\tx\t1"]
    (folder / "hst.txt").write_text("\n".join(lines) + "\n", "utf-8")
    found = load(folder)
    assert [(s.id, s.sure) for s in found.successors(own(8))] == [(own(4), True)]
    assert [(s.id, s.sure) for s in found.successors(own(9))] == [(own(4), False)]


def test_a_release_that_is_not_whole_is_refused_with_its_place(tmp_path: Path) -> None:
    folder = write_rf2(tmp_path / "a", TREE)
    (folder / "Relationship_Snapshot_XX9999999_20260101.txt").unlink()
    with pytest.raises(DataError, match="relationship"):
        load(folder)

    folder = write_rf2(tmp_path / "b", TREE)
    path = folder / "Concept_Snapshot_XX9999999_20260101.txt"
    path.write_text(path.read_text("utf-8") + "12\t20260101\t1\n", "utf-8")
    with pytest.raises(DataError, match=r"Concept_Snapshot.*3 cells instead of 5"):
        load(folder)

    folder = write_rf2(tmp_path / "c", TREE)
    write_file(folder / "more.txt", "Concept", [["73211008", "20260101", "1", own(1), "x"]])
    with pytest.raises(DataError, match="check digit"):
        load(folder)


def test_the_parser_reads_an_expression_once_for_many_releases(snomed: Snomed) -> None:
    assert evaluate(parse(f"<{own(4)}"), snomed) == ids(5, 6)
