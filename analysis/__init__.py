"""Exported results to tables, figures and the report; free of torch, optuna and mlflow."""
