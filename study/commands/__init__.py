"""What the commands of `study` do once the command line is read."""

from study.commands.delete import delete_command

__all__ = ["delete_command"]
