"""Verified images, the prepared file, and the inputs of the models."""
