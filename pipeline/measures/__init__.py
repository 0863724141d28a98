"""What is measured and drawn of a trained model, one measure per file, and their registry."""
