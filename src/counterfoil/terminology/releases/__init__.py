"""Terminology releases: dm+d, product lists and mappings, loaded into immutable folders."""

from counterfoil.terminology.releases.report import Anomaly, LoadReport
from counterfoil.terminology.releases.store import Release, Releases

__all__ = ["Anomaly", "LoadReport", "Release", "Releases"]
