"""Lines for the terminal; loads nothing heavy."""

import shutil
import sys
import textwrap


def hang(text: str, indent: int) -> str:
    """Wrap text that begins in column ``indent`` so that its other lines begin there too.

    Lines in a file or a pipe are not wrapped, because whoever searches them reads line by line.
    """
    if not sys.stdout.isatty():
        return text
    width = max(20, shutil.get_terminal_size().columns - indent)
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return f"\n{' ' * indent}".join(lines)
