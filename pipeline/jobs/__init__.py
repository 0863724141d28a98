"""Train, evaluate and confirm runs: what is missing is done, and put on record."""
