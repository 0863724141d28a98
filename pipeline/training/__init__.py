"""Training as a generator of epoch reports, and learning rates per layer."""
