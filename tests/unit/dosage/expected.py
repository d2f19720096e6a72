"""The notation of the golden files, read by code that shares nothing with the parser.

Steps are joined by ``" > "`` (one after another) and ``" + "`` (at the same time). A step is
``AMOUNT UNIT OFTEN`` and flags: amount ``1``, ``1-2``, ``-2`` (up to), ``1/2`` (a half), ``?``;
unit ``.`` for none; often ``TIMES/DAYS``, times ``3``, ``3-4``, ``-4``, ``.`` for none; flags
``prn`` or ``prn:what-for``, ``max=8`` or ``max=8:tablet``, ``for=7``, ``cycle=28``,
``route=oral``, ``site=each-eye``, ``when=morning;with-food`` (a hyphen is a space, ``~`` a hyphen).
``directed`` is a step that fixes no dose.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

_MG = {"g": 1000, "mg": 1}


@dataclass(frozen=True)
class Expected:
    sequence: int
    low: Fraction | None = None
    high: Fraction | None = None
    unit: str | None = None
    times_low: Fraction | None = None
    times_high: Fraction | None = None
    per_days: Fraction | None = None
    prn: bool = False
    prn_for: str | None = None
    most: Fraction | None = None
    most_unit: str | None = None
    lasts: Fraction | None = None
    cycle: Fraction | None = None
    directed: bool = False
    route: str | None = None
    site: str | None = None
    when: tuple[str, ...] = ()

    def per_day(self) -> tuple[Fraction, Fraction] | None:
        """Low and high a day; by hand's arithmetic, not the parser's."""
        if self.high is None or self.directed:
            return None
        most = self.most
        if most is not None and self.most_unit not in (None, self.unit):
            if self.unit not in _MG or self.most_unit not in _MG:
                return None
            most = most * _MG[str(self.most_unit)] / _MG[self.unit]
        if self.times_high is None or self.per_days is None:
            return (Fraction(0), most) if self.prn and most is not None else None
        high = self.high * self.times_high / self.per_days
        low = (self.low or Fraction(0)) * (self.times_low or Fraction(0)) / self.per_days
        if most is not None:
            low, high = min(low, most), min(high, most)
        if self.cycle is not None and self.lasts is not None:
            low, high = low * self.lasts / self.cycle, high * self.lasts / self.cycle
        return (Fraction(0) if self.prn else low), high


def _range(text: str) -> tuple[Fraction | None, Fraction]:
    low, dash, high = text.partition("-")
    if not dash:
        return Fraction(text), Fraction(text)
    return (Fraction(low) if low else None), Fraction(high)


def _words(text: str) -> str:
    return text.replace("-", " ").replace("~", "-")


def step(text: str, sequence: int) -> Expected:
    """One step of the notation."""
    if text == "directed":
        return Expected(sequence, directed=True)
    words = text.split()
    fields: dict[str, object] = {}
    if words[0] != "?":
        fields["low"], fields["high"] = _range(words[0])
    if words[1] != ".":
        fields["unit"] = words[1]
    if words[2] != ".":
        times, _, days = words[2].rpartition("/")
        fields["times_low"], fields["times_high"] = _range(times)
        fields["per_days"] = Fraction(days)
    for flag in words[3:]:
        name, _, value = (flag if "=" in flag else flag.replace(":", "=", 1)).partition("=")
        if name == "prn":
            fields["prn"] = True
            fields["prn_for"] = _words(value) or None
        elif name == "max":
            figure, _, unit = value.replace("=", ":").partition(":")
            fields["most"], fields["most_unit"] = Fraction(figure), unit or None
        elif name in ("route", "site"):
            fields[name] = _words(value)
        elif name == "when":
            fields["when"] = tuple(_words(v) for v in value.split(";"))
        elif name == "for":
            fields["lasts"] = Fraction(value)
        elif name == "cycle":
            fields["cycle"] = Fraction(value)
        else:
            raise ValueError(flag)
    return Expected(sequence, **fields)  # type: ignore[arg-type]


def steps(text: str) -> list[Expected]:
    """All steps of the notation."""
    return [
        step(part, n) for n, row in enumerate(text.split(" > "), 1) for part in row.split(" + ")
    ]
