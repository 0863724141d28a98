"""Intervals, bootstrap, verdicts and the other statistics behind the report."""
