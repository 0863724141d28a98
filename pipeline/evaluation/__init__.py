"""What is measured of a trained VAE, one measure per file."""
