"""Writers of the formats that the importers read: for moving data, and for testing importers."""
