"""The benchmarks, one a module; each has ``measure(context) -> list[Row]``."""
