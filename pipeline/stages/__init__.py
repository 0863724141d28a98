"""The commands that dvc.yaml calls."""
