"""How wards write dates, doses and statuses. Own words; nothing is shared with any reader."""

from __future__ import annotations

from dataclasses import dataclass, field

from counterfoil.foundation import days as calendar
from counterfoil.synthetic.letters.model import Item
from counterfoil.synthetic.lists import NUMBER_WORDS, plural, schedules

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def slashed(day: int) -> str:
    """``03/03/1955``."""
    value = calendar.to_date(day)
    return f"{value.day:02d}/{value.month:02d}/{value.year}"


def dashed(day: int) -> str:
    """``03-Mar-1955``."""
    value = calendar.to_date(day)
    return f"{value.day:02d}-{MONTHS[value.month - 1]}-{value.year}"


def spelled(day: int) -> str:
    """``3 March 1955``."""
    return calendar.words(day)


def spaced(number: str) -> str:
    """An NHS number as it is read out: three, three, four."""
    return f"{number[:3]} {number[3:6]} {number[6:]}"


def dotted(day: int) -> str:
    """``03.03.1955``."""
    value = calendar.to_date(day)
    return f"{value.day:02d}.{value.month:02d}.{value.year}"


SHORT = (
    (" modified-release tablets", " MR tabs"),
    (" modified-release capsules", " MR caps"),
    (" gastro-resistant tablets", " e/c tabs"),
    (" gastro-resistant capsules", " e/c caps"),
    (" dispersible tablets", " disp tabs"),
    (" chewable tablets", " chew tabs"),
    (" tablets", " tabs"),
    (" capsules", " caps"),
    (" oral solution", " oral soln"),
    (" oral suspension", " susp"),
    ("micrograms", "mcg"),
    ("microgram", "mcg"),
    (" inhaler CFC free", " inh"),
)


def shortened(product: str) -> str:
    """A product as wards abbreviate it: tabs, caps, MR, e/c, mcg."""
    for long, short in SHORT:
        product = product.replace(long, short)
    return product


def dose(item: Item, style: str) -> str:
    """How much at one time: ``plain`` (1 tablet), ``capital`` (ONE tablet) or ``bare`` (1)."""
    if not item.amount:
        return "as directed"
    if item.unit == "application":
        return "apply"
    word = item.amount.replace("-", " to ")
    if style == "capital":
        word = NUMBER_WORDS.get(item.amount, item.amount).upper()
    if item.unit in ("ml", "mg"):
        return f"{item.amount}{item.unit}"
    if style == "bare" and item.unit in ("tablet", "capsule"):
        return word
    return f"{word} {plural(item.unit, item.amount)}"


def often(item: Item, way: int) -> str:
    """How often, in one of the ward's three ways."""
    ways = schedules()[item.freq].hospital
    return ways[way % len(ways)]


STATUS = {
    "continued": ("Continued", "continued", "CONT", "No change"),
    "changed": ("Changed", "dose changed", "CHANGED", "Amended"),
    "new": ("New", "started", "NEW", "Started"),
    "stopped": ("Stopped", "stopped", "STOPPED", "Discontinued"),
    "on_hold": ("On hold", "withheld", "WITHHELD", "On hold"),
    None: ("", "", "", ""),
}


def status(item: Item, way: int) -> str:
    """The ward's word for what happened."""
    return STATUS[item.stated][way]


@dataclass(slots=True)
class Sheet:
    """A plain-text letter being written, which knows where each item stands."""

    parts: list[str] = field(default_factory=list)
    places: dict[int, tuple[int, int]] = field(default_factory=dict)
    length: int = 0

    def add(self, text: str) -> None:
        """Write without a line end."""
        self.parts.append(text)
        self.length += len(text)

    def line(self, text: str = "") -> None:
        """Write one line."""
        self.add(text + "\n")

    def item(self, item: Item, text: str, end: str = "\n") -> None:
        """Write the words of an item and keep their place."""
        self.places[id(item)] = (self.length, self.length + len(text))
        self.add(text + end)

    def wrap(self, text: str, width: int = 88) -> None:
        """Write a paragraph in lines."""
        row = ""
        for word in text.split():
            if row and len(row) + 1 + len(word) > width:
                self.line(row)
                row = word
            else:
                row = f"{row} {word}".strip()
        if row:
            self.line(row)

    @property
    def text(self) -> str:
        """The whole letter."""
        return "".join(self.parts)
