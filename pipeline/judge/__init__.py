"""The classifier that judges what models draw, and the measures that rest on it."""
