"""The one base class of all faults that a user can mend."""

import click


class UserError(click.ClickException):
    """A fault of input or environment: one line that says what, where, which rule, what to do.

    Every command is a click command, and click prints such an error without a traceback and ends
    with ``exit_code``. Unexpected faults are other exceptions and keep their traceback.
    """

    exit_code = 2
