"""Engines: the same rules over whole populations. One SQL text in the common subset."""
