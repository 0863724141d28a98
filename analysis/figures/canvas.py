"""Sheets of images with sharp pixels: every image pixel is a whole number of screen pixels.

Many images are assembled into one array and drawn once: a sheet of 512 images takes one axes and
0.05 s, while 512 axes take 15 s.
"""

from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from analysis.present.style import INK, MUTED, PNG_DPI, ModelStyle

Images = NDArray[np.uint8]

PAPER = 255
LINE_HEIGHT = 40  # screen pixels per line of text
NAME_SIZE = 9.5  # points: names must be legible when sheets shrink to the width of a phone


def mosaic(images: Images, gap: int = 1) -> Images:
    """Assemble images in rows and columns into one canvas, separated by white.

    Args:
        images: (R, C, H, W).
        gap: pixels between two images.

    Returns:
        (R * (H + gap) - gap, C * (W + gap) - gap).
    """
    rows, columns, height, width = images.shape
    canvas = np.full((rows, height + gap, columns, width + gap), PAPER, dtype=np.uint8)
    canvas[:, :height, :, :width] = images.transpose(0, 2, 1, 3)
    flat = canvas.reshape(rows * (height + gap), columns * (width + gap))
    return flat[: flat.shape[0] - gap, : flat.shape[1] - gap]


def whole_scale(pixels: int, target: int) -> int:
    """Return the largest whole factor that keeps ``pixels`` within ``target``, at least 1."""
    return max(1, target // pixels)


def show(
    axes: Axes, canvas: Images, extent: tuple[float, float, float, float] | None = None
) -> None:
    """Draw pixels over the whole axes with exact values: grey (H, W) or coloured (H, W, 3).

    Grey is drawn as red, green and blue: a colour map would round some values.
    """
    colours = np.repeat(canvas[..., np.newaxis], 3, axis=-1) if canvas.ndim == 2 else canvas
    axes.imshow(colours, interpolation="nearest", aspect="auto", extent=extent)


class Sheet:
    """A figure with its origin at the top left and screen pixels as units."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / PNG_DPI, height / PNG_DPI), dpi=PNG_DPI)

    def place(self, canvas: Images, left: int, top: int, scale: int) -> None:
        """Draw a canvas (H, W) or (H, W, 3), each pixel ``scale`` screen pixels wide and high."""
        axes = self.axes(left, top, canvas.shape[1] * scale, canvas.shape[0] * scale)
        show(axes, canvas)
        axes.set_axis_off()

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Add empty axes at a position."""
        return self.figure.add_axes(
            (
                left / self.width,
                1 - (top + height) / self.height,
                width / self.width,
                height / self.height,
            )
        )

    def overlay(self) -> Axes:
        """Add axes without a frame over the whole sheet, for marks in sheet coordinates."""
        axes = self.axes(0, 0, self.width, self.height)
        axes.set_axis_off()
        axes.set_xlim(0, self.width)
        axes.set_ylim(self.height, 0)
        return axes

    def write(
        self,
        text: str,
        left: float,
        middle: float,
        *,
        bold: bool = False,
        muted: bool = False,
        align: Literal["left", "center", "right"] = "left",
        size: float = NAME_SIZE,
    ) -> None:
        """Write text that starts, is centred or ends at ``left``, vertically centred at ``middle``.

        Args:
            text: a single line.
            left: screen pixels from the left.
            middle: screen pixels from the top.
            bold: whether it is a heading.
            muted: whether it is secondary.
            align: which part of the text is at ``left``.
            size: in points.
        """
        self.figure.text(
            left / self.width,
            1 - middle / self.height,
            text,
            ha=align,
            va="center",
            fontsize=size,
            fontweight="bold" if bold else "normal",
            color=MUTED if muted else INK,
        )

    def name(self, text: str, left: float, middle: float, style: ModelStyle) -> None:
        """Write the name of a model after its coloured marker."""
        self.figure.add_artist(
            Line2D(
                [(left + 10) / self.width],
                [1 - middle / self.height],
                marker=style.marker,
                color=style.colour,
                linestyle="",
                markersize=6,
            )
        )
        self.write(text, left + 30, middle)


def label_width(labels: list[str]) -> int:
    """Return the screen pixels that the longest of these names takes, marker included."""
    return 52 + text_width(max(labels, key=len), NAME_SIZE)


def text_width(text: str, size: float) -> int:
    """Estimate the screen pixels that a text of this size takes, erring on the large side."""
    return round(1.65 * size * len(text))
