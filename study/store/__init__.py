"""Where trials are kept: SQLite or PostgreSQL, in agreement with MLflow."""
