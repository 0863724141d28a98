"""What a search tries next, and what it makes of the results; hashed into the search's name."""
