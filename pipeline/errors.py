"""The base class of all errors that a user can fix."""

import click


class UserError(click.ClickException):
    """Invalid input or environment, in one line: what is wrong, where, which rule, what to do.

    Every command is a click command; click prints such an error without a traceback and exits
    with ``exit_code``. Unexpected errors are other exceptions and keep their traceback.
    """

    exit_code = 2
