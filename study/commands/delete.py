"""The command that deletes a search; loads nothing heavy before it does."""

import click


def delete_command(url: str, name: str) -> None:
    """Delete a search with all its trials.

    Raises:
        UserError: if there is none of that name, or a process is working on it.
    """
    from study.store.deletion import delete_search

    count = delete_search(url, name)
    click.echo(f"deleted {name} with its {count} trials; the records in MLflow are kept")
