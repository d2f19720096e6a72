"""Which snapshot of a practice's record is published, and who is reading it."""
