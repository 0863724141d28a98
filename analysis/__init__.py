"""From results to the report; free of torch, optuna and mlflow."""
