"""Writers of tables: Markdown and LaTeX for people, CSV for machines.

Each writer only adds its own notation to a ``Table`` and escapes special characters. Numbers for
machines go directly from the frame to CSV.
"""

import re
from collections.abc import Iterable

import pandas as pd

from analysis.present.tables import Cell, Table


def to_csv(frame: pd.DataFrame) -> str:
    """Numbers for machines: all columns, ten significant digits, an empty cell for NaN."""
    return frame.to_csv(index=False, float_format="%.10g", lineterminator="\n")


def to_markdown(table: Table) -> str:
    """A pipe table; best cells are bold."""
    lines = [
        _pipes(escape_markdown(column.text) for column in table.columns),
        _pipes("---:" if column.numeric else ":---" for column in table.columns),
    ]
    for row in table.rows:
        cells = []
        for cell in row:
            text = escape_markdown(cell.text)
            text = f"**{text}**" if cell.best else text
            cells.append(text + escape_markdown(_aside(cell)))
        lines.append(_pipes(cells))
    return "\n".join(lines) + "\n"


def to_latex(table: Table) -> str:
    """A ``tabular`` with the rules of the booktabs package; best cells are bold."""
    alignment = "".join(
        "r" if column.numeric else "p{4.5cm}" if column.wrap else "l" for column in table.columns
    )
    lines = [
        "% needs \\usepackage{booktabs}",
        f"\\begin{{tabular}}{{{alignment}}}",
        "\\toprule",
        _ampersands(escape_latex(column.text) for column in table.columns),
        "\\midrule",
    ]
    for row in table.rows:
        cells = []
        for cell in row:
            text = escape_latex(cell.text)
            text = f"\\textbf{{{text}}}" if cell.best else text
            cells.append(text + escape_latex(_aside(cell)))
        lines.append(_ampersands(cells))
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def _aside(cell: Cell) -> str:
    """Detail and flag after the text, on the same line."""
    detail = f" {cell.detail}" if cell.detail else ""
    return f"{detail} ({cell.flag})" if cell.flag else detail


def _pipes(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ampersands(cells: Iterable[str]) -> str:
    return f"{' & '.join(cells)} \\\\"


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "−": "$-$",
    "–": "--",
    "β": r"$\beta$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "≈": r"$\approx$",
    "✓": r"$\surd$",
    "✗": r"$\times$",
    "\N{NO-BREAK SPACE}": "~",
    # A bracket after the end of a line would be read as its argument.
    "[": "{[}",
    "]": "{]}",
    "\n": " ",
}


def escape_latex(text: str) -> str:
    """Escape text so that LaTeX prints it literally."""
    return "".join(_LATEX.get(character, character) for character in text)


def escape_markdown(text: str) -> str:
    """Escape text so that Markdown shows it literally, also within a pipe table."""
    return re.sub(r"([\\`*_{}<>\[\]|#~$&])", r"\\\1", text.replace("\n", " "))
