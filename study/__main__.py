"""`python -m study`; started by its path, the command of a search's workers.

With ``-m``, a folder ``study`` in the current folder would be taken for this package.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    if not __package__:  # by its path: the worker must run the same code as whoever started it
        sys.path.insert(0, str(Path(__file__).parents[1]))

    from study.cli import main

    main(prog_name="study")
