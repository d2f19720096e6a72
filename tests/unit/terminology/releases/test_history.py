"""Former ids followed to the end, against a plain walk over every path."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.terminology.releases import History

IDS = st.sampled_from("abcdefgh")
STEPS = st.lists(st.tuples(IDS, IDS), max_size=14)


def walk(steps: list[tuple[str, str]], current: set[str], code: str) -> tuple[set[str], bool]:
    """Every end that a path from *code* reaches, and whether some path comes back to itself."""
    after: dict[str, set[str]] = {}
    for old, new in steps:
        if old != new:
            after.setdefault(old, set()).add(new)
    ends, circle = set(), False
    paths = [[code]]
    while paths:
        path = paths.pop()
        at = path[-1]
        if not after.get(at) or (at in current and len(path) > 1):
            ends.add(at)
            continue
        for new in after[at]:
            if new in path:
                circle = True
            else:
                paths.append([*path, new])
    return ends, circle


@settings(deadline=None)
@given(STEPS, st.sets(IDS, max_size=3), IDS)
def test_the_end_is_the_one_that_every_path_reaches(
    steps: list[tuple[str, str]], current: set[str], code: str
) -> None:
    trace = History(steps, current).trace(code)
    if code in current:
        assert (trace.state, trace.current) == ("current", code)
        return
    ends, circle = walk(steps, current, code)
    if ends == {code} and not circle:
        known = any(code == new for old, new in steps if old != new)
        assert trace.state == ("current" if known else "unknown")
        assert trace.current == code
    elif len(ends) == 1 and not circle:
        assert (trace.state, {trace.current}) == ("replaced", ends)
    elif not ends:
        assert (trace.state, trace.current) == ("cycle", None)
    else:
        assert (trace.state, trace.current) == ("ambiguous", None)
        assert set(trace.successors) == ends
    assert History(steps, current).resolve(code) == (trace.current or code)


@settings(deadline=None)
@given(STEPS, st.randoms(use_true_random=False))
def test_the_order_of_the_steps_does_not_matter(
    steps: list[tuple[str, str]], random: object
) -> None:
    other = list(steps)
    random.shuffle(other)  # type: ignore[attr-defined]
    assert [History(steps).trace(c).current for c in "abcdefgh"] == [
        History(other).trace(c).current for c in "abcdefgh"
    ]


def test_a_long_chain_has_an_end() -> None:
    steps = [(str(i), str(i + 1)) for i in range(5000)]
    assert History(steps).resolve("0") == "5000"
