"""The building blocks of report sections: figures and tables with their captions.

An exhibit is complete: its caption is written, its figure drawn, its table formatted. The report
only numbers, embeds and saves it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from analysis.present.style import Format, ModelStyle
from analysis.present.tables import Table

Styles = dict[str, ModelStyle]


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A figure with its caption.

    Attributes:
        name: file name without extension.
        title: what it shows, in a few words.
        caption: what to look for, numbers of runs or images, units, intervals.
        alt: text for readers who cannot see it.
        figure: drawn under ``style.theme()``.
        format: file format.
        notes: what is missing from it.
    """

    name: str
    title: str
    caption: str
    alt: str
    figure: Figure
    format: Format
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class TableExhibit:
    """A table with its caption.

    Attributes:
        name: file name without extension.
        title: what it shows, in a few words.
        caption: what to look for, numbers of runs or images, units, intervals.
        table: formatted text.
        frame: the same as numbers, for a CSV file; None for none.
        folded: whether the page shows it only on request.
    """

    name: str
    title: str
    caption: str
    table: Table
    frame: pd.DataFrame | None = None
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Widget:
    """An interactive part of the page.

    Attributes:
        name: its anchor.
        title: what it shows, in a few words.
        caption: how to use it.
        html: its elements, with all names from users escaped.
        script: JavaScript to run after the page has loaded.
        style: CSS of its elements.
        text: replacement text for formats that are not interactive.
    """

    name: str
    title: str
    caption: str
    html: Markup
    script: str
    style: str
    text: str


Part = Exhibit | TableExhibit | Widget


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A section of the report.

    Attributes:
        anchor: its address within the page.
        title: its heading and its entry in the table of contents.
        parts: in display order.
        lead: paragraphs before the parts.
        notes: what is missing and why, so that an absence is not mistaken for a result.
    """

    anchor: str
    title: str
    parts: tuple[Part, ...] = ()
    lead: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NumberedPart:
    """A part of a section with its number.

    Attributes:
        kind: figure, table or widget.
        number: counted from 1 through the whole report, per kind; 0 for a widget.
        part: the part itself.
    """

    kind: Literal["figure", "table", "widget"]
    number: int
    part: Part

    @property
    def label(self) -> str:
        """``Figure 3``; a widget has no number."""
        return f"{self.kind.capitalize()} {self.number}" if self.number else "Widget"


def number_parts(
    sections: Sequence[ReportSection], first_table: int = 2
) -> list[tuple[ReportSection, list[NumberedPart]]]:
    """Number the figures and tables of all sections.

    Args:
        sections: in display order.
        first_table: number of the first table; in the report, table 1 is on the first screen.
    """
    figures, tables = 0, first_table - 1
    numbered = []
    for section in sections:
        parts = []
        for part in section.parts:
            if isinstance(part, Exhibit):
                figures += 1
                parts.append(NumberedPart("figure", figures, part))
            elif isinstance(part, TableExhibit):
                tables += 1
                parts.append(NumberedPart("table", tables, part))
            else:
                parts.append(NumberedPart("widget", 0, part))
        numbered.append((section, parts))
    return numbered


def drop_missing(*parts: Part | None) -> tuple[Part, ...]:
    """Drop the parts that do not exist."""
    return tuple(part for part in parts if part is not None)
