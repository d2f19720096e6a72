"""Real use begins here: a home of one's own, its first account, and a first import tried dry."""
