"""Workforce: who can do what, how much work arrives, and who should be where in a year of blocks."""
