"""Where trials are stored: SQLite or PostgreSQL, in agreement with MLflow."""
