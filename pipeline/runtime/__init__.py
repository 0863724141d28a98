"""Processes, locks, interrupts and MLflow: what runs the work, and decides no number."""
