"""The outcome of a search: ranking, importance, export, and confirmation with new seeds."""
