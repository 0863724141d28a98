"""The benchmarks, one per module, each with ``measure(context) -> list[Row]``."""
