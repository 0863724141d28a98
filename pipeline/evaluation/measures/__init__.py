"""Measures of a trained model, one per file, each with the function `measure(subject)`."""
