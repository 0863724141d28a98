"""The classifier that judges generated images, and the metrics based on it."""
