"""Terminology releases: dm+d, product lists and mappings, loaded into immutable folders."""

from counterfoil.terminology.releases.history import History, Trace
from counterfoil.terminology.releases.in_use import Ingredient, InUse
from counterfoil.terminology.releases.report import Anomaly, LoadReport
from counterfoil.terminology.releases.store import Release, Releases

__all__ = [
    "Anomaly",
    "History",
    "InUse",
    "Ingredient",
    "LoadReport",
    "Release",
    "Releases",
    "Trace",
]
