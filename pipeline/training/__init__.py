"""Training as a generator of epoch reports, and the learning rate of each layer."""
