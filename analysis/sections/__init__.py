"""The report's sections, one a file: each makes its figures and tables from the findings."""
