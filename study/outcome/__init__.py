"""What a search found: ranking, importance, its export, and its confirmation with new seeds."""
