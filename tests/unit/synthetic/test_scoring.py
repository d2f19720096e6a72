"""The judge: a perfect answer scores full, a silent one nothing, a loud one loses on both."""

from __future__ import annotations

from counterfoil.synthetic import dose_truths, score_findings


def perfect(network):
    states: dict[str, dict[str, str]] = {}
    for row in network.truth.to_pylist():
        subject = row["kind"].partition(".")[0]
        state = {"near": "open", "not_open": "clear", "any": "open"}.get(
            row["expected"], row["expected"]
        )
        held = states.setdefault(subject, {})
        if held.get(row["patient_id"]) != "open":
            held[row["patient_id"]] = state
    return states


def test_a_perfect_answer(network):
    scores = score_findings(network, perfect(network))
    assert {score.subject for score in scores} == {
        kind.partition(".")[0] for kind in network.truth["kind"].to_pylist()
    }
    for score in scores:
        assert score.sensitivity in (1.0, None)
        assert score.predictive in (1.0, None)
        assert score.kept == score.silent


def test_silence_finds_nothing(network):
    for score in score_findings(network, {}):
        assert score.sensitivity in (0.0, None)
        assert score.predictive is None


def test_noise_is_counted(network):
    everybody = network.tables["patient"]["patient_id"].to_pylist()
    loud = {"nsaid": dict.fromkeys(everybody, "open")}
    score = next(s for s in score_findings(network, loud) if s.subject == "nsaid")
    assert score.sensitivity == 1.0
    assert score.predictive is not None
    assert score.predictive < 0.01
    assert score.kept == 0


def test_dose_truths_are_whole():
    truths = dose_truths()
    assert len({(t.product, t.text) for t in truths}) == len(truths)
    exact = [t for t in truths if t.exact]
    assert len(exact) > 800
    for truth in exact:
        assert truth.low is not None
        assert truth.high is not None
        assert truth.low <= truth.high
        assert truth.times
        assert truth.per_days
