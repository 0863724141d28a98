"""What sections of the report are made of: figures and tables, with the words beside them.

An exhibit is finished: its words are text, its figure is drawn, its table is formatted. The report
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
    """A figure with its words.

    Attributes:
        name: of its file, without ending.
        title: what it shows, in a few words.
        caption: what to see, numbers of runs or images, units, intervals.
        alt: what it looks like, for those who cannot see it.
        figure: drawn under ``style.theme()``.
        format: of its file.
        notes: what is missing in it.
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
    """A table with its words.

    Attributes:
        name: of its files, without ending.
        title: what it shows, in a few words.
        caption: what to see, numbers of runs or images, units, intervals.
        table: finished text.
        frame: the same as numbers, for a CSV file; None for none.
        folded: whether the page shows it only when asked to.
    """

    name: str
    title: str
    caption: str
    table: Table
    frame: pd.DataFrame | None = None
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Widget:
    """A part of the page that reacts to its reader.

    Attributes:
        name: its anchor.
        title: what it shows, in a few words.
        caption: how to use it.
        html: its elements; whatever users named is escaped in it.
        script: JavaScript that the page runs after everything is there.
        style: CSS of its elements.
        text: what stands in its place where nothing can react.
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
    """A chapter of the report.

    Attributes:
        anchor: its address within the page.
        title: its heading, and its entry in the contents.
        parts: in the order of reading.
        lead: paragraphs before them.
        notes: what is missing and why, shown so that nobody takes it for nothing.
    """

    anchor: str
    title: str
    parts: tuple[Part, ...] = ()
    lead: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NumberedPart:
    """A part of a section with its number among its kind.

    Attributes:
        kind: what it is.
        number: from 1 through the whole report; 0 for a widget.
        part: itself.
    """

    kind: Literal["figure", "table", "widget"]
    number: int
    part: Part

    @property
    def label(self) -> str:
        """``Figure 3``; a widget has no number."""
        return f"{self.kind.capitalize()} {self.number}" if self.number else "Widget"


def number_parts(
    sections: Sequence[ReportSection],
) -> list[tuple[ReportSection, list[NumberedPart]]]:
    """The sections, their figures and tables counted through; table 1 is on the first screen."""
    figures, tables = 0, 1
    chapters = []
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
        chapters.append((section, parts))
    return chapters


def present(*parts: Part | None) -> tuple[Part, ...]:
    """Those that there are."""
    return tuple(part for part in parts if part is not None)
