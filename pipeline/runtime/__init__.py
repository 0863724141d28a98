"""Processes, locks, interrupts and MLflow: how work is run, without any effect on results."""
