"""The processes of a search: the supervisor, its workers, and the trial that one runs."""
