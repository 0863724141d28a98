"""Alternatives to this project, each as a competent user would run it."""
