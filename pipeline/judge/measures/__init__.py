"""Measures that use the judge, one per file, each with the function `measure(subject)`."""
