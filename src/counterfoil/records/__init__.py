"""The GP record: canonical tables, importers, the store, and one patient's record in one call."""
