"""What a search found: ranking, importances, its export, and its confirmation with new seeds."""
