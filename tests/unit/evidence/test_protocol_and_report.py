"""The registered protocol, what it may say, the charts' pictures and the report."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Callable
from copy import deepcopy
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from counterfoil.cli import main
from counterfoil.evidence import chart as drawing
from counterfoil.evidence import protocol, report, spc
from counterfoil.evidence.claims import statement
from counterfoil.evidence.measures import measure
from counterfoil.foundation.days import parse_day
from counterfoil.foundation.errors import DataError, UsageError
from support import ROOT

EXAMPLES = ROOT / "docs" / "reference" / "examples"
EXAMPLE = EXAMPLES / "protocol.toml"
LETTERS = EXAMPLES / "letters-within-7-days.csv"
RAW: dict[str, Any] = tomllib.loads(EXAMPLE.read_text("utf-8"))
Change = Callable[[dict[str, Any]], Any]


def changed(change: Change) -> dict[str, Any]:
    raw = deepcopy(RAW)
    change(raw)
    return raw


def parsed(change: Change = lambda raw: None) -> protocol.Protocol:
    return protocol.parse(changed(change), "p.toml")


def alone(raw: dict[str, Any]) -> None:
    """One site, before and after."""
    raw["site"] = raw["site"][:1]
    del raw["protocol"]["seed"]


class TestProtocol:
    def test_the_example_is_read(self) -> None:
        read = protocol.read(EXAMPLE)
        assert [phase.name for phase in read.phases] == ["baseline", "delivery", "analysis"]
        assert read.staggered
        assert read.delivery_weeks == 26
        assert read.phase_on(parse_day("2026-11-20")) == read.phase("delivery")
        assert read.phase_on(parse_day("2030-01-01")) is None

    def test_the_hash_is_of_the_content_not_of_the_layout(self, tmp_path: Path) -> None:
        lines = EXAMPLE.read_text("utf-8").replace("baseline_weeks = 52 ", "baseline_weeks=52")
        path = tmp_path / "p.toml"
        path.write_text("# another comment\n" + lines, "utf-8")
        assert protocol.read(path).sha256 == protocol.read(EXAMPLE).sha256
        assert (
            parsed(lambda raw: raw["primary"].update(smallest_change=9)).sha256 != parsed().sha256
        )

    def test_a_frozen_protocol_that_was_changed_is_refused(self) -> None:
        frozen = parsed().sha256
        assert parsed(lambda raw: raw.update(frozen=frozen)).sha256 == frozen
        with pytest.raises(DataError, match="its text has changed since"):
            parsed(lambda raw: (raw.update(frozen=frozen), raw["protocol"].update(title="Other")))

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda raw: raw.clear(), "a table with id, title"),
            (lambda raw: raw.update(colour=1), "known here are"),
            (lambda raw: raw["protocol"].update(id=""), "protocol, id: a text"),
            (lambda raw: raw["protocol"].update(baseline_weeks="many"), "a whole number"),
            (lambda raw: raw["protocol"].update(registered_on="soon"), "a date such as"),
            (lambda raw: raw["protocol"].update(registered_on=date(2026, 7, 1)), "no later than"),
            (lambda raw: raw["phase"].pop(), "baseline, delivery, analysis, in this order"),
            (lambda raw: raw["phase"].reverse(), "in this order"),
            (lambda raw: raw["phase"][1].update({"from": date(2026, 6, 2)}), "the day after"),
            (lambda raw: raw["phase"][2].update(to=date(2026, 1, 1)), "end before it begins"),
            (lambda raw: raw["site"].clear(), "at least one site"),
            (lambda raw: raw["site"][0].update(starts=date(2026, 1, 1)), "within delivery"),
            (lambda raw: raw["site"][0].update(id="X00002"), "each site stands once"),
            (lambda raw: raw["site"][0].update(role="control"), "pilot or comparison"),
            (lambda raw: raw["site"][0].update(role="comparison"), "never starts"),
            (lambda raw: raw.pop("primary"), "a table with measure"),
            (lambda raw: raw["primary"].update(measure="joy"), "letters_within_7_days"),
            (lambda raw: raw["primary"].pop("smallest_change"), "said before the analysis"),
            (lambda raw: raw["primary"].update(smallest_change=-1), "above 0"),
            (lambda raw: raw["secondary"].append(raw["primary"]), "registered once"),
            (lambda raw: raw.update(secondary=raw["secondary"] * 3), "at most 4"),
            (lambda raw: raw.update(site=raw["site"][:1]), "a seed randomises"),
            (lambda raw: raw.update(site=3), "tables are needed"),
        ],
    )
    def test_every_mistake_is_answered_in_words(self, change: Change, said: str) -> None:
        with pytest.raises(DataError, match=said) as caught:
            parsed(change)
        assert all(problem.place.startswith("p.toml") for problem in caught.value.problems)


class TestStatement:
    def test_four_weeks_of_baseline_carry_no_inference(self) -> None:
        said = statement(parsed(), weeks_before=4)
        assert any(
            "4 weekly points before delivery cannot carry an inference" in s for s in said.cannot
        )
        assert any("65 per cent" in s and "82 per cent" in s for s in said.cannot)
        assert not any("series changed" in s for s in said.can)

    def test_fifty_two_weeks_show_change_over_time(self) -> None:
        said = statement(parsed())
        assert any("Whether the weekly series changed" in s for s in said.can)
        assert any("34 per cent" in s for s in said.cannot)

    def test_without_comparison_nothing_is_caused(self) -> None:
        said = statement(parsed(alone))
        assert "One site, before and after, without comparison sites" in said.design
        assert any(
            s.startswith("That the service caused a change: there is no") for s in said.cannot
        )
        assert not any("An estimate of the change" in s for s in said.can)

    def test_staggered_starts_are_named_and_few_orders_are_too(self) -> None:
        said = statement(parsed())
        assert "randomised by seed 2026" in said.design
        assert any("6 orders" in s and "0.17" in s for s in said.cannot)

    def test_an_order_that_was_chosen_is_said(self) -> None:
        said = statement(parsed(lambda raw: raw["protocol"].pop("seed")))
        assert any("order of starts was chosen" in s for s in said.cannot)
        assert not any("An estimate of the change" in s for s in said.can)

    def test_no_design_may_speak_of_admissions_or_gp_minutes(self) -> None:
        for change in (alone, lambda raw: None):
            said = statement(parsed(change), 104)
            assert any("admissions avoided" in s for s in said.cannot)
            assert any("GP minutes released" in s for s in said.cannot)


def made(values: list[float], improvement: spc.Improvement = "increase", **kw: Any) -> spc.Chart:
    return spc.xmr([(20000 + 7 * i, v) for i, v in enumerate(values)], improvement, **kw)


STEADY = [9.0, 11] * 8
CHARTS = {
    "steady": made(STEADY),
    "better": made([*STEADY, 40], fix_after=12, target=12),
    "worse": made([*STEADY, 40], "decrease", fix_after=12, target=30),
    "high": made([*STEADY, 40], "neutral", fix_after=12),
    "low": made([*STEADY, -40], "neutral", fix_after=12),
    "one point": made([3.0]),
    "constant": made([5.0] * 20, target=5),
    "zero": made([0.0] * 3),
    "tiny": made([1e-9, 2e-9, 1e-9, 3e-9]),
    "huge": made([1e12, 2e12, 1e12]),
    "rebased": made(STEADY * 2, rebase=[20000 + 7 * 16]),
}


class TestPicture:
    @pytest.mark.parametrize("name", CHARTS)
    def test_it_is_well_formed_named_whole_and_without_style(self, name: str) -> None:
        chart = CHARTS[name]
        text = drawing.svg(chart, "A <title> & more", "per cent", [(20007, "start"), (1, "before")])
        root = etree.fromstring(text)
        assert "style" not in text
        assert root.get("role") == "img"
        first = root.get("aria-labelledby").split()[0]
        assert root.xpath(f"string(//*[@id='{first}'])") == "A <title> & more (per cent)"
        marks = root.xpath("//*[contains(@class, 'common-cause') or contains(@class, 'special')]")
        assert len(marks) == len(chart.points)
        box = (drawing.WIDTH, drawing.HEIGHT)
        for key, most in (("cx", box[0]), ("cy", box[1]), ("x1", box[0]), ("y1", box[1])):
            for value in root.xpath(f"//*/@{key}"):
                assert 0 <= float(value) <= most
        assert "before" not in text

    def test_improvement_concern_high_and_low_differ_in_shape(self) -> None:
        shapes = {}
        for name, chart in CHARTS.items():
            root = etree.fromstring(drawing.svg(chart, name, "u"))
            found = root.xpath("//*[contains(@class, 'special')]")
            shapes[name] = {(e.tag.split("}")[1], len(e.get("points", "").split())) for e in found}
        assert shapes["better"] == {("polygon", 4)}
        assert shapes["worse"] == {("rect", 0)}
        assert shapes["high"] == shapes["low"] == {("polygon", 3)}
        assert shapes["steady"] == set()

    def test_icons_say_what_they_mean(self) -> None:
        assert ">H</text>" in drawing.variation_icon(CHARTS["better"])
        assert ">H</text>" in drawing.variation_icon(CHARTS["worse"])
        assert ">L</text>" in drawing.variation_icon(CHARTS["low"])
        assert "usual variation" in drawing.variation_icon(CHARTS["steady"])
        assert ">?</text>" in drawing.assurance_icon(CHARTS["better"])
        assert ">P</text>" in drawing.assurance_icon(CHARTS["worse"])
        assert drawing.assurance_icon(CHARTS["constant"]) == ""
        for chart in CHARTS.values():
            for icon in (drawing.variation_icon(chart), drawing.assurance_icon(chart)):
                assert not icon or etree.fromstring(icon).get("aria-label")

    def test_the_table_has_every_point(self) -> None:
        for chart in CHARTS.values():
            root = etree.fromstring(drawing.table(chart, "t", "u"))
            assert len(root.xpath("//tbody/tr")) == len(chart.points)

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0, "0"),
            (62.04, "62"),
            (61.66, "61.7"),
            (1234.5, "1,234"),
            (0.0123, "0.0123"),
            (100, "100"),
        ],
    )
    def test_numbers_read_as_people_compare_them(self, value: float, text: str) -> None:
        assert drawing.number(value) == text


class Seen(HTMLParser):
    """What of a document could load something or run."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for key, value in attrs if key in ("src", "href", "style")]


def shown(weeks: int = 78) -> list[report.Shown]:
    start = date(2026, 6, 1) - timedelta(weeks=weeks - 26)
    points = [
        (parse_day((start + timedelta(weeks=i)).isoformat()), 60.0 + i % 5) for i in range(weeks)
    ]
    return [report.chart_for(parsed(), measure("letters_within_7_days"), points)]


AS_OF = parse_day("2026-11-20")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(st.floats(-1e300, 1e300), st.sampled_from((0.0, 5e-324, 1e15, 1e15 + 0.125))),
        min_size=1,
        max_size=20,
    ),
    st.one_of(st.none(), st.floats(-1e300, 1e300)),
)
def test_any_numbers_make_a_chart_a_picture_and_json(
    values: list[float], target: float | None
) -> None:
    chart = made(values, target=target)
    json.dumps(chart.to_json(), allow_nan=False)
    root = etree.fromstring(drawing.svg(chart, "t", "u"))
    assert not [v for v in root.xpath("//*/@cy | //*/@y1") if v in ("nan", "inf", "-inf")]
    etree.fromstring(drawing.table(chart, "t", "u"))
    assert drawing.sentence(chart, "u")


class TestReport:
    def test_it_holds_everything_and_loads_nothing(self) -> None:
        text = report.html(
            parsed(), shown(), [report.Gap("No <paper> letters", "Mill Lane")], AS_OF
        )
        seen = Seen()
        seen.feed(text)
        assert seen.links == []
        assert not {"script", "img", "iframe"} & set(seen.tags)
        assert seen.tags.count("h1") == 1
        for words in (
            "It may be said",
            "It may not be said",
            "No &lt;paper&gt; letters",
            "Mill Lane",
        ):
            assert words in text
        assert "Phase: delivery, day 173 of 183" in text
        assert text.count("<svg") == 2
        assert text.count("<tbody>") == 2

    def test_limits_are_fixed_on_what_came_before_delivery(self) -> None:
        assert "fixed on the 52 weekly points" in shown()[0].note
        few = shown(30)[0]
        assert "Only 4 weekly points" in few.note
        assert few.chart is not None

    def test_nothing_measured_yet_is_said(self) -> None:
        empty = report.chart_for(parsed(), measure("letters_within_7_days"), [])
        text = report.html(parsed(), [empty], [], AS_OF)
        assert "No week has a value yet." in text
        assert "None was recorded." in text

    def test_with_a_style_sheet_there_is_no_style_within(self) -> None:
        text = report.html(parsed(), shown(), [], AS_OF, stylesheet="/static/report.css")
        assert "<style" not in text
        assert "style=" not in text

    def test_it_claims_no_cause(self) -> None:
        text = report.html(parsed(alone), shown(), [], AS_OF)
        said = re.sub(r"It may not be said.*?Gaps found", "", text, flags=re.S)
        for word in ("caused", "because of the", "saved", "prevented", "proves", "effective"):
            assert word not in said

    def test_a_pdf_without_weasyprint_is_answered_in_words(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "weasyprint", None)
        with pytest.raises(UsageError, match="extra reports"):
            report.pdf("<p>")


class TestCommand:
    def test_the_example_of_the_help_works(self, tmp_path: Path) -> None:
        gaps, out = tmp_path / "gaps.csv", tmp_path / "report.html"
        gaps.write_text("text,site,owner\nPaper letters,Mill Lane,PCN lead\n", "utf-8")
        call = ["--debug", "evidence", "report", str(EXAMPLE), "--as-of", "2026-11-20"]
        call += ["--series", f"letters_within_7_days={LETTERS}", "--gaps", str(gaps)]
        call += ["--activity", str(EXAMPLES / "activity.csv"), "--out", str(out)]
        assert main(call) == 0
        text = out.read_text("utf-8")
        assert "Paper letters" in text
        assert "Active minutes for each task finished" in text

    def test_json_gives_the_statement_and_the_charts(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        call = ["evidence", "report", str(EXAMPLE), "--as-of", "2026-11-20", "--format", "json"]
        assert main([*call, "--series", f"letters_within_7_days={LETTERS}"]) == 0
        given = json.loads(capsys.readouterr().out)
        schema = json.loads((EXAMPLES.parent / "evidence-report.schema.json").read_text("utf-8"))
        for one in (given, schema["examples"][0]):
            jsonschema.validate(one, schema)
        assert given["sha256"] == protocol.read(EXAMPLE).sha256

    @pytest.mark.parametrize(
        ("options", "status"),
        [
            (["--series", "letters_within_7_days"], 2),
            (["--series", f"joy={LETTERS}"], 1),
            (["--series", "letters_within_7_days=none.csv"], 1),
            (["--gaps", str(LETTERS)], 1),
            (["--activity", str(LETTERS)], 1),
            (["--format", "pdf"], 2),
        ],
    )
    def test_wrong_calls_and_files_are_answered_in_words(
        self, options: list[str], status: int
    ) -> None:
        assert main(["--debug", "evidence", "report", str(EXAMPLE), *options]) == status
