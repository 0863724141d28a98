"""Device, precision, seeded streams of random numbers, optimisers."""
