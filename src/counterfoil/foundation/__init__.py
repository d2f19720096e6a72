"""What every room may use: whole days and calendar arithmetic, and errors that name their place."""
