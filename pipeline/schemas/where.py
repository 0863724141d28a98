"""Where MLflow's records are kept, for code that does not import MLflow."""

MLFLOW_DATABASE = "mlflow.db"
MLFLOW_ARTEFACTS = "mlruns"
GRID_EXPERIMENT = "vae-grid"
SEARCH_EXPERIMENT = "vae-study"  # of all searches
