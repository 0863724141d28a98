"""Device, precision, seeded random generators, optimisers."""
