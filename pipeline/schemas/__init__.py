"""Schemas of all files that one stage writes and another reads. Free of torch."""
