"""Findings, cases, decisions, hand-overs, letters and the event log."""
