"""The pilot page: phases as a line with today on it, charts with a sentence each, and the design."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from counterfoil.evidence import chart as drawing
from counterfoil.evidence.claims import Statement, statement
from counterfoil.evidence.protocol import Protocol
from counterfoil.evidence.report import Shown, starts
from counterfoil.foundation import days
from counterfoil.service.pages import words
from counterfoil.service.pilot.figures import Pilot

FILLS = {"baseline": "#e8edee", "delivery": "#cfe1f3", "analysis": "#e8edee"}
WIDTH, HEIGHT = 1296, 62


@dataclass(frozen=True)
class ChartCard:
    """One measure as the page shows it."""

    title: str
    primary: bool
    sentence: str
    icons: Markup
    svg: Markup
    table: Markup
    note: str
    notes: tuple[str, ...]
    counts: str
    of: str
    limits: str
    source: str


@dataclass(frozen=True)
class PilotPage:
    """What the template shows of one pilot."""

    organisation: str
    title: str
    lead: str
    line: Markup
    phases: tuple[tuple[str, str, bool], ...]
    sites: tuple[str, ...]
    charts: tuple[ChartCard, ...]
    statement: Statement
    registered: str
    made_up: bool


def present(pilot: Pilot) -> PilotPage:
    """The pilot as the page shows it."""
    protocol, today = pilot.protocol, days.to_day(pilot.today)
    now = protocol.phase_on(today)
    return PilotPage(
        organisation=pilot.organisation,
        title=protocol.title,
        lead=_lead(protocol, today),
        line=Markup(_line(protocol, today)),
        phases=tuple(
            (
                words.initial_capital(p.name),
                f"{days.words(p.first)} to {days.words(p.last)}",
                p == now,
            )
            for p in protocol.phases
        ),
        sites=tuple(
            f"{site.name} starts {days.words(site.starts)}"
            if site.starts is not None
            else f"{site.name} is for comparison and never starts"
            for site in protocol.sites
        ),
        charts=tuple(_card(protocol, one) for one in pilot.shown),
        statement=statement(protocol, pilot.weeks_before),
        registered=f"Protocol {protocol.id}, version {protocol.version}, registered "
        f"{days.words(protocol.registered_on)}, hash {protocol.sha256[:12]}",
        made_up=pilot.made_up,
    )


def _lead(protocol: Protocol, today: int) -> str:
    phase = protocol.phase_on(today)
    if phase is None:
        return "It has not begun." if today < protocol.phases[0].first else "It is over."
    gone, whole = today - phase.first + 1, phase.last - phase.first + 1
    left = phase.last - today
    return f"{words.initial_capital(phase.name)}, day {gone} of {whole}; " + (
        f"{words.count(left, 'day')} left." if left else "today is its last day."
    )


def _line(protocol: Protocol, today: int) -> str:
    """The phases drawn to scale. Attributes only: no style may stand in a page."""
    first, last = protocol.phases[0].first, protocol.phases[-1].last + 1

    def x(day: int) -> float:
        return 1 + (WIDTH - 2) * (min(max(day, first), last) - first) / (last - first)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="cf-phases" role="img" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" aria-label="{escape(_lead(protocol, today))}">'
    ]
    for phase in protocol.phases:
        a, b = x(phase.first), x(phase.last + 1)
        parts.append(
            f'<rect x="{a:.1f}" y="20" width="{b - a:.1f}" height="28" '
            f'fill="{FILLS.get(phase.name, "#e8edee")}" stroke="#ffffff" stroke-width="2"/>'
            f'<text x="{a + 8:.1f}" y="39" font-size="15" fill="#212b32">'
            f"{escape(words.initial_capital(phase.name))}</text>"
        )
    for day, _ in starts(protocol):
        parts.append(f'<path d="M{x(day):.1f} 48 l-5 9 h10 z" fill="#005eb8"/>')
    if first <= today < last:
        here = x(today)
        end = here > WIDTH - 90
        parts.append(
            f'<line x1="{here:.1f}" x2="{here:.1f}" y1="4" y2="52" stroke="#212b32" stroke-width="2.5"/>'
            f'<text x="{here + (-6 if end else 6):.1f}" y="15" font-size="15" font-weight="700" '
            f'fill="#212b32" text-anchor="{"end" if end else "start"}">Today</text>'
        )
    return "".join((*parts, "</svg>"))


def _card(protocol: Protocol, one: Shown) -> ChartCard:
    measure, chart = one.measure, one.chart
    common = {
        "title": measure.title,
        "primary": measure.id == protocol.primary.measure.id,
        "note": one.note,
        "counts": measure.numerator,
        "of": measure.denominator,
        "limits": measure.limits,
        "source": measure.source,
    }
    if chart is None:
        empty = Markup("")
        return ChartCard(**common, sentence="", icons=empty, svg=empty, table=empty, notes=())  # type: ignore[arg-type]
    icons = drawing.variation_icon(chart) + drawing.assurance_icon(chart)
    return ChartCard(
        **common,  # type: ignore[arg-type]
        sentence=drawing.sentence(chart, measure.unit),
        icons=Markup(icons),
        svg=Markup(drawing.svg(chart, measure.title, measure.unit, starts(protocol))),
        table=Markup(drawing.table(chart, measure.title, measure.unit)),
        notes=chart.notes,
    )
