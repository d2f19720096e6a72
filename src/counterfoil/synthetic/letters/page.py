"""A letter between its facts and its form: headings, labels and rows of cells in a trust's own way.

Each house style says what a trust calls things, which columns it prints, how it abbreviates and how
it groups; a renderer of another module turns the page into HTML, PDF, Word or boxed text. One style
with one renderer is one layout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from counterfoil.synthetic.letters.model import Item, Stay
from counterfoil.synthetic.letters.words import (
    dashed,
    dose,
    dotted,
    often,
    shortened,
    slashed,
    spaced,
    spelled,
    status,
)

OFF = ("stopped", "on_hold")


@dataclass(frozen=True, slots=True)
class Style:
    """How one trust's system writes: its labels, columns, abbreviations and grouping."""

    labels: tuple[str, str, str, str, str, str] = (
        "Patient",
        "Date of birth",
        "NHS number",
        "Admitted",
        "Discharged",
        "Allergies",
    )
    columns: tuple[tuple[str, str], ...] = (
        ("Medicine", "product"),
        ("Dose", "dose"),
        ("Frequency", "often"),
        ("Status", "status"),
        ("Comment", "notes"),
    )
    grouping: str = "all"
    headings: tuple[str, str] = ("Medicines on discharge", "Medicines stopped or withheld")
    date: Callable[[int], str] = spelled
    dose: str = "plain"
    way: int = 0
    says: int = 0
    short: bool = False
    letter: bool = False
    none: str = "None"
    title: str = "Discharge summary"


@dataclass(slots=True)
class Block:
    """A headed table: its column heads and for each item the cells."""

    heading: str
    heads: tuple[str, ...]
    rows: list[tuple[Item, tuple[str, ...]]] = field(default_factory=list)


@dataclass(slots=True)
class Page:
    """Everything a renderer needs, in the order in which it is printed."""

    trust: str
    ward: str
    title: str
    labels: list[tuple[str, str]]
    paragraphs: list[tuple[str, str]]
    blocks: list[Block]
    none: str
    sign: str

    @property
    def items(self) -> list[Item]:
        """The medicines in the order of the page."""
        return [item for block in self.blocks for item, _ in block.rows]


def page(stay: Stay, style: Style) -> Page:
    """One stay in one house style."""
    patient, born, number, came, left, allergic = style.labels
    told = stay.name if style.letter else f"{stay.family.upper()}, {stay.given}"
    labels = [
        (patient, told),
        (born, style.date(stay.birth)),
        (number, spaced(stay.nhs_number) if style.way != 1 else stay.nhs_number),
        ("GP practice", stay.practice),
        (came, style.date(stay.admitted)),
        (left, style.date(stay.discharged)),
    ]
    paragraphs = [
        ("Reason for admission", stay.reason),
        ("Diagnosis", stay.diagnosis),
        ("Clinical summary", stay.story),
        (allergic, ", ".join(stay.allergies) or "None known"),
    ]
    if style.letter:
        words = f"Thank you for seeing this patient again. {stay.diagnosis}. {stay.story}"
        paragraphs = [("", "Dear Doctor,"), ("", words), (allergic, paragraphs[-1][1])]
    return Page(
        stay.trust,
        stay.ward,
        style.title,
        labels,
        paragraphs,
        _blocks(stay, style),
        style.none,
        stay.sign,
    )


GROUPS = (
    ("Continued", ("continued", None)),
    ("New", ("new",)),
    ("Changed", ("changed",)),
    ("Stopped", ("stopped",)),
    ("On hold", ("on_hold",)),
)


def _blocks(stay: Stay, style: Style) -> list[Block]:
    heads = tuple(head for head, _ in style.columns)
    if style.grouping == "all":
        found = [(style.headings[0], list(stay.items))]
    elif style.grouping == "split":
        taking = [item for item in stay.items if item.stated not in OFF]
        found = [(style.headings[0], taking), (style.headings[1], stay.of(*OFF))]
    else:
        found = [(f"{name} medicines", stay.of(*kinds)) for name, kinds in GROUPS]
    out = []
    for heading, items in found:
        block = Block(heading, heads)
        block.rows = [
            (item, tuple(_cell(item, what, style) for _, what in style.columns)) for item in items
        ]
        out.append(block)
    return out


def _cell(item: Item, what: str, style: Style) -> str:
    """One cell; of a line that cannot be read only what is left of it, of a stopped one no dose."""
    if item.garbled:
        return item.garbled if what == "product" else ""
    if what == "product":
        return shortened(item.product) if style.short else item.product
    if what in ("dose", "often", "directions") and item.stated in OFF:
        return "" if style.grouping != "all" else "-"
    if what == "directions":
        return f"{dose(item, style.dose)} {often(item, style.way)}"
    plain = {
        "dose": dose(item, style.dose),
        "often": often(item, style.way),
        "status": status(item, style.says),
        "duration": item.duration,
        "remark": item.remark,
        "notes": "; ".join(part for part in (item.duration, item.remark) if part),
        "supply": "" if item.stated in OFF else item.duration.split(" then")[0] or "14 days",
        "continue": "No" if item.duration or item.stated in OFF else "Yes",
    }
    return plain[what]


_PLAIN = (("Medicine", "product"), ("Directions", "directions"), ("Status", "status"))
_LONG = (
    ("Drug", "product"),
    ("Dose", "dose"),
    ("Freq", "often"),
    ("Duration", "duration"),
    ("Change", "status"),
    ("Reason", "remark"),
)
_SUPPLY = (
    ("Drug name and form", "product"),
    ("Directions", "directions"),
    ("Supply", "supply"),
    ("GP to continue", "continue"),
    ("Change since admission", "status"),
    ("Information for GP", "notes"),
)
STYLES: dict[str, Style] = {
    "northgate": Style(),
    "st_brides": Style(
        labels=("Name", "DOB", "NHS No", "Adm", "Disch", "Allergy status"),
        columns=_LONG,
        date=slashed,
        way=1,
        says=2,
        short=True,
        dose="bare",
        title="eDischarge",
    ),
    "eastmoor": Style(
        columns=(*_PLAIN, ("Comment", "notes")),
        grouping="split",
        date=dashed,
        dose="capital",
        way=2,
        says=1,
        title="Discharge notification",
    ),
    "wharfside": Style(
        labels=(
            "Patient name",
            "Born",
            "NHS number",
            "Date admitted",
            "Date discharged",
            "Allergies",
        ),
        columns=_SUPPLY,
        grouping="all",
        says=3,
        title="Discharge prescription and summary",
    ),
    "kingsbarrow": Style(
        columns=(("Medicine", "product"), ("How to take it", "directions"), ("Notes", "notes")),
        grouping="status",
        date=spelled,
        letter=True,
        none="Nil",
        title="Transfer of care letter",
    ),
    "lowfell": Style(
        labels=(
            "Re",
            "Date of birth",
            "NHS No.",
            "Admission date",
            "Discharge date",
            "Known allergies",
        ),
        columns=(*_PLAIN, ("Duration", "duration"), ("Comments", "remark")),
        grouping="split",
        headings=("TTO medication", "Discontinued or on hold"),
        date=dotted,
        dose="capital",
        way=1,
        says=0,
        short=True,
        letter=True,
        title="Cardiology discharge letter",
    ),
}
"""The house styles, one an invented trust."""
