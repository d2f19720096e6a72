"""Who is where: the rotation plan of a PCN, kept in its home, and the board that shows it."""
