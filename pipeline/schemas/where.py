"""Where records are kept, for those that find them without MLflow."""

MLFLOW_DATABASE = "mlflow.db"
MLFLOW_ARTEFACTS = "mlruns"
GRID_EXPERIMENT = "vae-grid"
