"""The report's sections, one per file: each builds its figures and tables from the findings."""
