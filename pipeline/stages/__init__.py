"""The commands that dvc.yaml calls, one module a stage."""
