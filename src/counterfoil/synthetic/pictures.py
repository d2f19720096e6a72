"""A report as one page with pictures: SVG by our own hand, nothing fetched, nothing run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

from counterfoil.synthetic.realism import Report
from counterfoil.synthetic.validation import Check

WIDE = 720
BLUE, GREY, RED, INK, PALE = "#005eb8", "#5d6b78", "#8a1c1c", "#212b32", "#d8dde0"


def _text(
    x: float, y: float, words: str, anchor: str = "start", size: int = 12, ink: str = INK
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{ink}">'
        f"{escape(words)}</text>"
    )


def _line(x1: float, y1: float, x2: float, y2: float, ink: str = PALE, wide: float = 1) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{ink}" '
        f'stroke-width="{wide:g}"/>'
    )


def _box(x: float, y: float, wide: float, high: float, ink: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(wide, 0):.1f}" height="{high:.1f}" fill="{ink}"/>'


def _dot(x: float, y: float, ink: str, hollow: bool = False) -> str:
    fill = f'fill="#ffffff" stroke="{ink}" stroke-width="2"' if hollow else f'fill="{ink}"'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" {fill}/>'


def _svg(high: float, label: str, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high:.0f}" role="img" '
        f'aria-label="{escape(label)}" font-family="Arial, sans-serif">{"".join(parts)}</svg>'
    )


WIDEST = 0.25
"""How far from its target, as a share of it, the axis of :func:`against` reaches."""


def against(checks: Sequence[Check], label: str) -> str:
    """How far each figure lies from its target: a band for the tolerance, a dot for what was got.

    The whisker is two standard errors. A ring is a figure that this network is too small to judge
    or that is only shown; an arrow at the edge lies beyond it.
    """
    left, right, row = 330, WIDE - 30, 22
    middle, room = (left + right) / 2, (right - left) / 2
    high = 24 + row * len(checks)
    parts = []
    for mark in (-0.2, -0.1, 0.0, 0.1, 0.2):
        x = middle + room * mark / WIDEST
        words = "target" if not mark else f"{mark:+.0%}".replace("-", "\N{MINUS SIGN}")
        parts += [_text(x, 14, words, "middle", 11, GREY), _line(x, 20, x, high)]
    for number, check in enumerate(checks):
        y, got = 34 + row * number, check.got or 0.0
        name = check.name.removeprefix("prevalence_").replace("_", " ")
        parts.append(_text(left - 8, y + 4, f"{name}: {got:.3g} (target {check.value:g})", "end"))
        scale = room / WIDEST / check.value
        if check.tolerance:
            half = min(check.tolerance * scale, room)
            parts.append(_box(middle - half, y - 7, 2 * half, 14, PALE))
        x = middle + (got - check.value) * scale
        if abs(x - middle) > room:
            end = right if x > middle else left
            parts.append(
                _text(
                    end,
                    y + 4,
                    "\N{BLACK RIGHT-POINTING TRIANGLE}"
                    if x > middle
                    else "\N{BLACK LEFT-POINTING TRIANGLE}",
                    "middle",
                    12,
                    _ink(check),
                )
            )
            continue
        if check.error:
            reach = 2 * check.error * scale
            low, top = max(x - reach, left), min(x + reach, right)
            parts.append(_line(low, y, top, y, _ink(check), 2))
        parts.append(_dot(x, y, _ink(check), check.met is None))
    return _svg(high + 6, label, parts)


def _ink(check: Check) -> str:
    return GREY if check.met is None else BLUE if check.met else RED


def curve(report: Report) -> str:
    """The share of people with at least so many repeat items, and the curve of the surveys."""
    left, bottom, room = 60, 250, WIDE - 90
    step = room / 14
    top = max([60.0] + [p["percent"] for p in report.polypharmacy])
    parts = []
    for mark in range(0, int(top) + 1, 10):
        y = bottom - 220 * mark / top
        parts += [_line(left, y, WIDE - 30, y), _text(left - 8, y + 4, f"{mark}%", "end", 11, GREY)]
    for key, ink in (("expected", GREY), ("percent", BLUE)):
        places = [
            (left + step * n, bottom - 220 * p[key] / top)
            for n, p in enumerate(report.polypharmacy)
        ]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        dash = ' stroke-dasharray="6 4"' if key == "expected" else ""
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{ink}" stroke-width="2"{dash}/>'
        )
        if key == "percent":
            parts += [_dot(x, y, ink) for x, y in places]
    parts += [
        _text(left + step * n, bottom + 18, f"{n + 1}+", "middle", 11, GREY)
        for n in range(len(report.polypharmacy))
    ]
    parts.append(
        _text(WIDE - 30, 16, "line: this network; dashes: fitted to the surveys", "end", 12, GREY)
    )
    return _svg(280, "People by number of repeat items", parts)


def bars(rows: Sequence[tuple[str, float, float | None]], label: str) -> str:
    """Pairs of bars: this network, and where there is one the published figure."""
    left, room, row = 250, WIDE - 310, 30
    top = max([1.0] + [max(a, b or 0) for _, a, b in rows])
    parts = []
    for number, (name, got, known) in enumerate(rows):
        y = 8 + row * number
        parts.append(_text(left - 8, y + 14, name, "end"))
        parts.append(_box(left, y, room * got / top, 10, BLUE))
        parts.append(_text(left + room * got / top + 5, y + 9, f"{got:.1f}", size=10))
        if known is not None:
            parts.append(_box(left, y + 11, room * known / top, 8, GREY))
            parts.append(
                _text(left + room * known / top + 5, y + 19, f"{known:.1f}", size=10, ink=GREY)
            )
    return _svg(row * len(rows) + 12, label, parts)


def pyramid(report: Report) -> str:
    """Men to the left, women to the right, by five years of age."""
    middle, room, row = WIDE / 2, WIDE / 2 - 60, 15
    top = max([1] + [max(b["male"], b["female"]) for b in report.pyramid])
    high = 24 + row * len(report.pyramid)
    parts = [
        _text(middle - 40, 14, "men", "end", 12, GREY),
        _text(middle + 40, 14, "women", ink=GREY),
    ]
    for number, band in enumerate(reversed(report.pyramid)):
        y = 20 + row * number
        men, women = room * band["male"] / top, room * band["female"] / top
        parts.append(_box(middle - 22 - men, y, men, row - 2, GREY))
        parts.append(_box(middle + 22, y, women, row - 2, BLUE))
        name = f"{band['age']}-{band['age'] + 4}" if band["age"] < 90 else "90+"
        parts.append(_text(middle, y + 11, name, "middle", 10))
    return _svg(high, "Age and sex", parts)


def deciles(report: Report) -> str:
    """Each PINCER indicator by practice: deciles 1 to 9 as a bar, the median, the published median."""
    known = {
        c.name.removeprefix("pincer_"): c.value
        for c in report.checks
        if c.name.startswith("pincer_")
    }
    left, room, row = 250, WIDE - 330, 26
    parts = [
        _text(left, 14, "bar: deciles 1 to 9 of practices; dot: median; ring: published", ink=GREY)
    ]
    for number, found in enumerate(report.pincer):
        y = 36 + row * number
        target = known.get(found["indicator"], 0.0)
        top = max([target * 2, found["deciles"][-1], 0.1])
        parts.append(_text(left - 8, y + 4, found["label"], "end"))
        low, high = found["deciles"][0], found["deciles"][-1]
        parts.append(_box(left + room * low / top, y - 5, room * (high - low) / top, 10, PALE))
        parts.append(_dot(left + room * target / top, y, GREY, True))
        parts.append(_dot(left + room * found["median"] / top, y, BLUE))
        parts.append(_text(WIDE - 4, y + 4, f"{found['median']:.2f}% ({target:g}%)", "end", 11))
    return _svg(44 + row * len(report.pincer), "PINCER indicators by practice", parts)


def columns(rows: Sequence[tuple[str, float]], label: str, every: int = 1) -> str:
    """A bar a row, upright; every so many rows named below."""
    left, bottom, room = 40, 190, WIDE - 60
    top = max([1.0] + [value for _, value in rows])
    step = room / max(len(rows), 1)
    parts = []
    for number, (name, value) in enumerate(rows):
        high = 170 * value / top
        parts.append(_box(left + step * number, bottom - high, max(step - 1, 0.5), high, BLUE))
        if number % every == 0:
            parts.append(_text(left + step * (number + 0.5), bottom + 15, name, "middle", 10, GREY))
    parts.append(_line(left, bottom, WIDE - 20, bottom, GREY))
    parts.append(_text(left, 12, f"highest {top:,.0f}", size=11, ink=GREY))
    return _svg(212, label, parts)


STYLE = (
    "body{font-family:Arial,sans-serif;color:#212b32;max-width:760px;margin:24px auto;padding:0 16px}"
    "table{border-collapse:collapse;width:100%;font-size:14px}td,th{text-align:left;padding:4px 8px;"
    "border-bottom:1px solid #d8dde0}svg{width:100%;height:auto;margin:8px 0 24px}"
    ".missed{color:#8a1c1c;font-weight:bold}"
)


def page(report: Report) -> str:
    """The whole report as one HTML page that needs nothing else."""
    shown = [c for c in report.checks if c.got is not None and c.value]
    registers = [c for c in shown if c.name.startswith("prevalence_")]
    others = [c for c in shown if not c.name.startswith(("prevalence_", "pincer_"))]
    sizes = [(str(n + 1), float(s["patients"])) for n, s in enumerate(report.sizes)]
    items = [(str(n + 1), float(s["items"])) for n, s in enumerate(report.sizes)]
    every = max(1, len(sizes) // 12)
    gaps = [(str(g["days"]), float(g["count"])) for g in report.gaps]
    chapters = [(c["chapter"], c["percent"], c["national"]) for c in report.chapters]
    key = (
        "Distance from the target as a share of it. Band: the tolerance. Dot: this network, blue met, "
        "red missed. Ring: too small a network to judge, or only shown. Whisker: two standard errors. "
        "Triangle: beyond the edge."
    )
    parts = [
        ("Registers", key, against(registers, "Registers against targets")),
        ("Items, letters and the rest", key, against(others, "Other figures against targets")),
        ("Repeat items", "Share of people on at least so many.", curve(report)),
        (
            "Items by BNF chapter",
            "Percent of items. Blue: this network; grey: England, September 2022 to August 2023.",
            bars(chapters, "BNF chapters"),
        ),
        (
            "PINCER by practice",
            "Percent found among those at risk. Bar: from the tenth to the ninetieth percentile of "
            "the practices; dot: their median; ring: the published median.",
            deciles(report),
        ),
        ("Age and sex", "People registered, by five years of age.", pyramid(report)),
        (
            "Days between issues of a 28-day item",
            "How often in the last year, by the number of days.",
            columns(gaps, "Days between issues", 7),
        ),
        (
            "Practices by size",
            "People on the list, smallest practice first.",
            columns(sizes, "List sizes", every),
        ),
        (
            "Items a head, practices by size",
            "In the last year, in the same order.",
            columns(items, "Items a head", every),
        ),
    ]
    body = "".join(f"<h2>{title}</h2><p>{words}</p>{picture}" for title, words, picture in parts)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>A synthetic network '
        f"against its targets</title><style>{STYLE}</style></head><body><h1>A synthetic network against "
        f"its targets</h1><p>{report.patients:,} made-up patients in {report.practices} practices, as of "
        f"{report.as_of}. Nobody is real.</p>{_verdict(report)}{body}{_tables(report)}</body></html>\n"
    )


def _verdict(report: Report) -> str:
    """What is met, missed and cannot be told, in words."""
    count = Counter(check.verdict for check in report.checks)
    told = Counter(leak.met for leak in report.leaks if not leak.exempt)
    out = (
        f"<h2>Verdict</h2><p>{count['met']} targets met, {count['missed']} missed, "
        f"{count['cannot tell']} that a network of this size cannot tell, {count['shown']} only shown. "
        f"{sum(report.impossible.values())} rows that cannot be. {told[True]} guesses at what was "
        f"planted fail, {told[False]} succeed, {told[None]} have too few people to tell.</p>"
    )
    for title, lines in (
        ("Missed without a reason", report.missed),
        ("Missed, with the reason", report.explained),
    ):
        if lines:
            listed = "".join(f"<li>{escape(words)}</li>" for words in lines)
            out += f'<h3>{title}</h3><ul class="missed">{listed}</ul>'
    unsure = [c for c in report.checks if c.verdict == "cannot tell"]
    if unsure:
        listed = "".join(
            f"<li>{escape(c.name)}: {c.got:.4g} against {c.value:g}; needs {escape(c.needs)}</li>"
            for c in unsure
        )
        out += f"<h3>Cannot be told at this size</h3><ul>{listed}</ul>"
    return out


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _tables(report: Report) -> str:
    words = {True: "met", False: '<span class="missed">missed</span>'}
    checks = "".join(
        _row(
            escape(c.name),
            f"{c.value:g} {escape(c.unit)}",
            "" if c.tolerance is None else f"{c.tolerance:.3g} ({escape(c.basis)})",
            "" if c.got is None else f"{c.got:.4g}",
            "" if c.error is None else f"{c.error:.2g}",
            words[c.met] if c.met is not None else f"{c.verdict} {escape(c.needs)}",
            f"{escape(c.source)} ({c.status}) {escape(c.note)}",
        )
        for c in report.checks
    )
    wrong = "".join(_row(escape(w), str(n)) for w, n in report.impossible.items())
    leaks = "".join(
        _row(
            escape(x.guess),
            escape(x.subject),
            str(x.planted),
            str(x.others),
            f"{x.auc:.3f}",
            f"{x.sees:.3f}",
            f"exempt: {escape(x.exempt)}"
            if x.exempt
            else {True: "met", False: '<span class="missed">leak</span>', None: "cannot tell"}[
                x.met
            ],
        )
        for x in report.leaks
    )
    pairs = "".join(
        _row(escape(p["one"]), escape(p["other"]), str(p["odds_ratio"] or "")) for p in report.pairs
    )
    return (
        "<h2>Every figure</h2><table><tr><th>Figure</th><th>Target</th><th>Either way</th><th>Here</th>"
        f"<th>Standard error</th><th></th><th>Source</th></tr>{checks}</table>"
        f"<h2>What cannot be</h2><table><tr><th>What</th><th>Rows</th></tr>{wrong}</table>"
        "<h2>Conditions that go together</h2><p>Odds ratios from the age of 65; shown, not held to.</p>"
        f"<table><tr><th>One</th><th>Other</th><th>Odds ratio</th></tr>{pairs}</table>"
        "<h2>Leaks</h2><p>How well one figure alone tells people with a planted fault from people "
        "without one who take the same kind of medicine and are of the same age band, sex and number of "
        "repeat items: the area under the curve (AUC), 0.5 being chance. A leak is an AUC outside 0.45 "
        "to 0.55 that is also further from 0.5 than chance explains, over all guesses of this page. "
        "&ldquo;Sees&rdquo; is how far from 0.5 that is here; above 0.05 nothing can be said.</p>"
        "<table><tr><th>Guess</th><th>Subject</th><th>Planted</th><th>Others</th><th>AUC</th>"
        f"<th>Sees</th><th></th></tr>{leaks}</table>"
    )
