"""The evaluation of trained VAEs on a split."""
