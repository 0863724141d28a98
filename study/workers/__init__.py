"""The processes of a search: a supervisor, its workers, and what they do with each trial."""
