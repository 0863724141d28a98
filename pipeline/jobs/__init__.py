"""Train, evaluate and confirm runs: skip those that are up to date and record the others."""
