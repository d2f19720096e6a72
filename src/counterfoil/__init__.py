"""Counterfoil: an open workbench for primary care technicians. The design is in docs/explanation."""

__version__ = "0.1.0"
