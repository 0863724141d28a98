"""What a search tries and what each trial is worth; this code is hashed into the search's name."""
