"""The `study` command."""
