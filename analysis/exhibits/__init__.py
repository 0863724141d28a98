"""Figures with what a reader needs beside them: title, caption, text for those who cannot see it.

``charts`` makes them from frames, ``sheets`` from arrays of images and codes. Each function takes
checked results and returns an ``Exhibit``, or None where there is nothing to draw.
"""

from dataclasses import dataclass

from matplotlib.figure import Figure

from analysis.style import Format, ModelStyle

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
