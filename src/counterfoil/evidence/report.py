"""The report of a pilot: one page of what was registered, what the charts show, and what the design
can carry; then the numbers of every chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from counterfoil.evidence import chart as drawing
from counterfoil.evidence.claims import statement
from counterfoil.evidence.measures import Measure
from counterfoil.evidence.protocol import Outcome, Protocol
from counterfoil.evidence.spc import FEWEST_TO_FIX, Chart, xmr
from counterfoil.foundation.days import words
from counterfoil.foundation.errors import UsageError

STYLE = """
:root{color-scheme:light}
body{font:16px/1.45 Arial,Helvetica,sans-serif;color:#212b32;max-width:60rem;margin:0 auto;padding:1rem}
h1{font-size:1.7rem;margin:0 0 .3rem}h2{font-size:1.2rem;margin:1.2rem 0 .3rem}h3{font-size:1rem;margin:.8rem 0 .2rem}
p,ul{margin:.3rem 0}.about{color:#4c6272}.icons svg{vertical-align:middle;margin-right:.4rem}
svg.cf-chart{width:100%;height:auto;max-width:45rem}
table{border-collapse:collapse;margin:.4rem 0;font-variant-numeric:tabular-nums}caption{text-align:left;font-weight:700}
th,td{border-bottom:1px solid #d8dde0;padding:.15rem .6rem;text-align:left;font-weight:400}thead th{font-weight:700}
.cf-numbers td:not(:last-child){text-align:right}
.wide{overflow-x:auto}details{margin:.3rem 0}
@page{size:A4;margin:12mm}
@media print{body{font-size:8.5pt;line-height:1.3;padding:0;max-width:none}h1{font-size:14pt}h2{font-size:10.5pt;margin:6pt 0 1pt}
h3{font-size:9pt;margin:3pt 0 0}svg.cf-chart{max-width:118mm}.charts h3,.icons{break-after:avoid}
section.numbers{break-before:page}.wide{overflow:visible;font-size:7pt;columns:1}tr{break-inside:avoid}}
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A measure with its chart, or None where there is nothing to chart; ``note`` says why not, or
    what a reader should know of the series."""

    measure: Measure
    about: str
    chart: Chart | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap that the pilot found: where, and who has it in hand."""

    text: str
    site: str = ""
    owner: str = ""


def chart_for(
    protocol: Protocol,
    measure: Measure,
    points: Sequence[tuple[int, float]],
    about: str = "all sites",
    target: float | None = None,
) -> Shown:
    """The chart that the protocol asks for: limits fixed on the points before delivery.

    With fewer than 12 points before delivery the limits are not fixed, and the note says so.
    """
    if not points:
        return Shown(measure, about, None, "No week has a value yet.")
    start = protocol.phase("delivery").first
    before = sum(day < start for day, _ in points)
    fix = before if before >= FEWEST_TO_FIX else None
    note = (
        f"Mean and limits are fixed on the {before} weekly points before {words(start)}."
        if fix
        else f"Only {before} weekly points lie before {words(start)}, so mean and limits come from all "
        "points, and a change that the service made would hide in them."
    )
    return Shown(
        measure, about, xmr(points, measure.improvement, target=target, fix_after=fix), note
    )


def starts(protocol: Protocol) -> list[tuple[int, str]]:
    """The marks of a chart: each day on which sites start, with their names."""
    days = sorted({site.starts for site in protocol.pilot_sites if site.starts is not None})
    if len(days) == 1:
        return [(days[0], "start")]
    return [
        (day, " and ".join(site.name for site in protocol.pilot_sites if site.starts == day))
        for day in days
    ]


def html(
    protocol: Protocol,
    charts: Sequence[Shown],
    gaps: Sequence[Gap],
    as_of: int,
    *,
    weeks_before: int | None = None,
    stylesheet: str | None = None,
) -> str:
    """The report as one HTML document that needs nothing else.

    *stylesheet*: the address of a style sheet instead of the styles within, for pages under a
    content security policy. *weeks_before*: weekly points the record really gave before delivery.
    """
    style = (
        f'<link rel="stylesheet" href="{escape(stylesheet)}">'
        if stylesheet
        else f"<style>{STYLE}</style>"
    )
    return (
        '<!doctype html><html lang="en-GB"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(protocol.title)}: report</title>{style}</head><body><main>"
        f"{body(protocol, charts, gaps, as_of, weeks_before=weeks_before)}</main></body></html>\n"
    )


def body(
    protocol: Protocol,
    charts: Sequence[Shown],
    gaps: Sequence[Gap],
    as_of: int,
    *,
    weeks_before: int | None = None,
) -> str:
    """The report without its document, to stand in a page."""
    said = statement(protocol, weeks_before)
    parts = [
        f"<h1>{escape(protocol.title)}</h1>",
        f'<p class="about">As at {words(as_of)}. {_now(protocol, as_of)} Protocol '
        f"{escape(protocol.id)}, version {protocol.version}, registered {words(protocol.registered_on)}, "
        f"hash <code>{protocol.sha256[:12]}</code>.</p>",
        f"<h2>What was registered</h2><p>{escape(said.design)}</p>",
        f"<ul>{''.join(_registered(protocol))}</ul>",
        '<h2>What the charts show</h2><section class="charts">',
        *(_shown(protocol, one) for one in charts),
        "" if charts else "<p>No series yet.</p>",
        "</section><h2>What this design can carry</h2>",
        f"<h3>It may be said</h3>{_list(said.can)}",
        f"<h3>It may not be said</h3>{_list(said.cannot)}",
        f"<h2>Gaps found</h2>{_gaps(gaps)}",
        '<section class="numbers"><h2>The numbers of every chart</h2>',
        *(
            f'<div class="wide" tabindex="0" role="region" aria-label="{escape(_title(one))}, numbers">'
            f"{drawing.table(one.chart, _title(one), one.measure.unit)}</div>"
            for one in charts
            if one.chart is not None
        ),
        "</section>",
    ]
    return "".join(parts)


def pdf(document: str) -> bytes:
    """The report as PDF. Needs the extra ``reports`` (WeasyPrint, with Pango on the system);
    ``UsageError`` says so where it cannot be imported. Nothing is fetched from anywhere."""
    try:
        import weasyprint  # type: ignore[import-not-found, unused-ignore]
    except (ImportError, OSError):
        raise UsageError(
            "a PDF needs WeasyPrint and Pango: install counterfoil with the extra reports, "
            "or print the HTML report from a browser"
        ) from None

    def nothing(url: str, *_: object, **__: object) -> dict[str, object]:
        raise ValueError(f"a report holds everything it needs; not fetched: {url[:40]}")

    made: bytes = weasyprint.HTML(string=document, url_fetcher=nothing).write_pdf()
    return made


def _now(protocol: Protocol, as_of: int) -> str:
    phase = protocol.phase_on(as_of)
    if phase is None:
        before = as_of < protocol.phases[0].first
        return "The pilot has not begun." if before else "The pilot is over."
    return (
        f"Phase: {phase.name}, day {as_of - phase.first + 1} of {phase.last - phase.first + 1} "
        f"({words(phase.first)} to {words(phase.last)})."
    )


def _registered(protocol: Protocol) -> Iterator[str]:
    yield f"<li>Primary outcome: {_outcome(protocol.primary)}</li>"
    for one in protocol.secondary:
        yield f"<li>Also: {_outcome(one)}</li>"
    for site in protocol.sites:
        when = "comparison" if site.starts is None else f"starts {words(site.starts)}"
        yield f"<li>{escape(site.name)}: {when}</li>"


def _outcome(one: Outcome) -> str:
    change = (
        ""
        if one.smallest_change is None
        else f" Smallest change that matters: {drawing.number(one.smallest_change)} ({escape(one.measure.unit)})."
    )
    better = {
        "increase": "More is better.",
        "decrease": "Less is better.",
        "neutral": "Neither way is better by itself.",
    }[one.measure.improvement]
    why = f" {escape(one.why)}" if one.why else ""
    return f"{escape(one.measure.title)}. {better}{change}{why}"


def _title(one: Shown) -> str:
    return f"{one.measure.title}, {one.about}"


def _shown(protocol: Protocol, one: Shown) -> str:
    measure = one.measure
    primary = " (primary outcome)" if measure.id == protocol.primary.measure.id else ""
    head = f"<h3>{escape(_title(one))}{primary}</h3>"
    about = f'<p class="about">{escape(one.note)} {escape(measure.limits)}</p>'
    if one.chart is None:
        return f"{head}{about}"
    icons = drawing.variation_icon(one.chart) + drawing.assurance_icon(one.chart)
    notes = "".join(f"<p>{escape(note)}</p>" for note in one.chart.notes)
    return (
        f'{head}<p class="icons">{icons}{escape(drawing.sentence(one.chart, measure.unit))}</p>'
        f"{drawing.svg(one.chart, _title(one), measure.unit, starts(protocol))}{notes}{about}"
    )


def _gaps(gaps: Sequence[Gap]) -> str:
    if not gaps:
        return "<p>None was recorded.</p>"
    rows = "".join(
        f"<tr><td>{escape(gap.text)}</td><td>{escape(gap.site) or 'every site'}</td>"
        f"<td>{escape(gap.owner) or 'nobody yet'}</td></tr>"
        for gap in gaps
    )
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Gap", "Where", "Who has it"))
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _list(sentences: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in sentences)}</ul>"
