"""The search over runs, and the `study` command."""
