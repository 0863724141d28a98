"""The hyperparameter search, and the `study` command."""
