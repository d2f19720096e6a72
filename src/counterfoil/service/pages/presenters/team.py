"""The board: people down, blocks across, sites in words and colour; under it cover against need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from counterfoil.foundation import days
from counterfoil.service.pages import words
from counterfoil.service.team.board import Board
from counterfoil.workforce.availability import away
from counterfoil.workforce.model import Person, Shortfall, Site, whole

COLOURS = 6
STAGE_WORDS = {
    "coverage": "cover",
    "placement": "places",
    "competence": "competencies",
    "education": "education",
    "continuity": "continuity",
    "preference": "preferences",
}


@dataclass(frozen=True)
class Cell:
    """Some blocks in a row at one site. ``colour`` is 1 to 6 for a site, 0 for none."""

    text: str
    span: int
    colour: int = 0
    now: bool = False
    title: str = ""


@dataclass(frozen=True)
class PersonRow:
    """One person's year."""

    name: str
    hours: str
    me: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Cover:
    """What a site has in one block, and what it lacks, in words."""

    wte: str
    short: str
    lacks: str
    now: bool


@dataclass(frozen=True)
class SiteRow:
    """One site's year."""

    name: str
    sector: str
    colour: int
    need: str
    cells: tuple[Cover, ...]


@dataclass(frozen=True)
class Block:
    """One column."""

    number: int
    first: date
    last: date
    now: bool

    @property
    def starts(self) -> str:
        """Its first day, for a narrow column: ``21 Sep``."""
        return f"{self.first.day} {self.first:%b}"


@dataclass(frozen=True)
class BoardPage:
    """What the template shows of one plan."""

    name: str
    lead: str
    blocks: tuple[Block, ...]
    people: tuple[PersonRow, ...]
    sites: tuple[SiteRow, ...]
    conflicts: tuple[str, ...]
    shortfalls: tuple[str, ...]
    proven: str


def present(board: Board, username: str) -> BoardPage:
    """The board as the page shows it to the person of this user name."""
    problem, plan = board.kept.problem, board.kept.plan
    today = days.to_day(board.today)
    now = problem.block_of(today)
    sites = sorted(problem.sites, key=lambda site: site.sector != "primary")
    colour = {site.id: 1 + number % COLOURS for number, site in enumerate(sites)}
    said = tuple(one.text for one in plan.shortfalls)
    return BoardPage(
        name=board.name,
        lead=_lead(board, now, len(plan.shortfalls)),
        blocks=tuple(
            Block(
                n,
                days.to_date(problem.first_day(n)),
                days.to_date(problem.first_day(n + 1)) - timedelta(days=1),
                n == now,
            )
            for n in range(1, problem.blocks + 1)
        ),
        people=tuple(_person(board, one, colour, now, username) for one in problem.people),
        sites=tuple(_site(board, one, colour[one.id], now) for one in sites),
        conflicts=plan.conflicts,
        shortfalls=said,
        proven=_proven(board),
    )


def _lead(board: Board, now: int | None, short: int) -> str:
    """Is it enough? In a sentence or two."""
    problem, plan = board.kept.problem, board.kept.plan
    if now is None:
        first, last = problem.first_day(1), problem.first_day(problem.blocks + 1) - 1
        return (
            f"This plan runs from {days.words(first)} to {days.words(last)}; today lies outside it."
        )
    lacking = [s for s in plan.shortfalls if s.block == now and s.site]
    here = f"Block {now} of {problem.blocks}, until {days.words(problem.first_day(now + 1) - 1)}: "
    if not lacking:
        enough = "every site has what it needs."
    else:
        names = {site.id: site.name for site in problem.sites}
        places = list(dict.fromkeys(names[s.site] for s in lacking if s.site))
        enough = f"{_listed(places)} {'is' if len(places) == 1 else 'are'} short."
    rest = "" if not short else f" In the whole year {words.count(short, 'shortfall')}."
    return here + enough + rest


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _person(
    board: Board, person: Person, colour: dict[str, int], now: int | None, username: str
) -> PersonRow:
    problem, plan = board.kept.problem, board.kept.plan
    where = {p.block: p.site for p in plan.assignments if p.person == person.id}
    off = away(problem, person)
    names = {site.id: site.name for site in problem.sites}
    cells: list[Cell] = []
    for block in range(1, problem.blocks + 1):
        site = where.get(block)
        gone = "Away" if block in off else "No place"
        text = _short(names[site]) if site else gone
        title = names[site] if site else gone
        here = block == now
        before = cells[-1] if cells else None
        if before and before.title == title and here == before.now:
            span = before.span + 1
            cells[-1] = Cell(text, span, before.colour, here, title)
        else:
            cells.append(Cell(text, 1, colour[site] if site else 0, here, title))
    hours = "" if person.wte == 100 else f"{whole(person.wte / 100)} WTE"
    return PersonRow(person.name, hours, person.id == username, tuple(cells))


def _short(name: str) -> str:
    """A site in a narrow column: ``Northgate, admissions`` is ``Admissions``."""
    return words.initial_capital(name.rpartition(", ")[2])


def _site(board: Board, site: Site, colour: int, now: int | None) -> SiteRow:
    problem, plan = board.kept.problem, board.kept.plan
    wte = {person.id: person.wte for person in problem.people}
    cells = []
    for block in range(1, problem.blocks + 1):
        there = sum(
            wte[p.person] for p in plan.assignments if (p.site, p.block) == (site.id, block)
        )
        lacking = [s for s in plan.shortfalls if (s.site, s.block) == (site.id, block)]
        cells.append(
            Cover(_wte(there), _short_by(lacking), ", ".join(_competencies(lacking)), block == now)
        )
    return SiteRow(site.name, site.sector, colour, _wte(site.minimum_wte), tuple(cells))


def _wte(hundredths: int) -> str:
    return f"{hundredths / 100:.1f}"


def _short_by(lacking: Iterable[Shortfall]) -> str:
    found = [s.short for s in lacking if s.kind == "coverage"]
    return f"{found[0]:.1f} short" if found else ""


def _competencies(lacking: Iterable[Shortfall]) -> list[str]:
    return [f"no {s.what}" for s in lacking if s.kind == "competence" and s.what]


def _proven(board: Board) -> str:
    plan = board.kept.plan
    open_stages = [STAGE_WORDS[s.name] for s in plan.stages if abs(s.value - s.bound) > 0.001]
    if not open_stages:
        return "No plan does better on cover, then places, competencies, education, continuity and preferences, in this order."
    return (
        f"Better plans were not ruled out for {_listed(open_stages)}; for the rest none does better. "
        "Cover comes first, then places, competencies, education, continuity and preferences."
    )
