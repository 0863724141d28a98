"""The look of all figures: one colour and marker per model, the theme, and stable bytes.

A model has the same colour in every figure. Eight colours are fixed. No figure relies on colour
alone: markers differ as well.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from PIL import Image

from analysis.read.frames import plain_beta

Format = Literal["svg", "png"]
PNG: Format = "png"
Dash = Literal["-"] | tuple[float, tuple[float, ...]]

INK = "#1f2937"  # text and lines
MUTED = "#6b7280"  # axes and secondary text
FAINT = "#e5e7eb"  # grids
ALARM = "#b45309"  # collapsed runs

CSS_PIXEL = 1 / 96  # inches
WIDTH = 10.4  # inches, of charts
SHARPNESS = 2  # PNG pixels per CSS pixel
PNG_DPI = SHARPNESS / CSS_PIXEL
LEVELS = 32  # of red, green and blue each in a PNG
COLOURS = 256  # in the palette of a PNG
COMMON = 192  # colours that are kept exactly if a figure has more than the palette


@dataclass(frozen=True, slots=True)
class ModelStyle:
    """How one configuration is drawn in every figure.

    Attributes:
        colour: in hexadecimal.
        marker: a matplotlib marker.
    """

    colour: str
    marker: str


# Red, cyan, blue and pink were given. The others were chosen so that any two of the eight are at
# least 15 apart in CIELAB for normal vision, protanopia and deuteranopia.
_FIXED = {
    ("linear", 2): ModelStyle("#d92626", "o"),
    ("linear", 10): ModelStyle("#00a3c4", "s"),
    ("conv", 2): ModelStyle("#2347d9", "^"),
    ("conv", 10): ModelStyle("#e8489a", "D"),
    ("linear", 5): ModelStyle("#e08a00", "v"),
    ("linear", 20): ModelStyle("#0f7a55", "P"),
    ("conv", 5): ModelStyle("#9d6be0", "X"),
    ("conv", 20): ModelStyle("#5b1a3a", "p"),
}
# Other sizes take these in turn; a repeated colour has a different marker.
_RESERVE_COLOURS = ("#7a5c2e", "#5b8c00", "#3b6e8f", "#a85a7c", "#4b5563", "#b8860b")
_RESERVE_MARKERS = ("h", "<", ">", "d", "*", "H", "8")

# Ten hues for ten classes, which figures also distinguish by name.
CLASS_COLOURS = (
    *("#d92626", "#e08a00", "#a68a00", "#4f8f00", "#0f7a55"),
    *("#00a3c4", "#2347d9", "#8450d6", "#d63fa0", "#6b7280"),
)
# Lines through the points of an architecture: neutral, distinguished by dashes.
ARCHITECTURE_LINES: tuple[tuple[str, Dash], ...] = (
    ("#374151", "-"),
    ("#9ca3af", (0, (4, 2))),
    ("#9ca3af", (0, (1.5, 1.5))),
)

_THEME: dict[Any, Any] = {
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same bytes on every machine
    "font.size": 8.5,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a name is just that
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 8.5,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": "#9ca3af",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.formatter.use_mathtext": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.borderpad": 0.2,  # otherwise the edge clips lines and letters
    "legend.borderaxespad": 0.0,
    "figure.constrained_layout.h_pad": 0.07,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "svg.fonttype": "path",  # the reader's fonts would shift and clip labels
    "svg.hashsalt": "vae-study",
}


def assign_styles(summary: pd.DataFrame) -> dict[str, ModelStyle]:
    """Assign a style to each configuration, by display name.

    Every beta keeps the marker of its model and a darker or lighter version of its colour; the
    default beta (``plain_beta``) keeps the colour itself.

    Args:
        summary: with ``model``, ``architecture``, ``latent_dim`` and ``beta``, one row each.
    """
    plain = plain_beta(summary)
    betas = [plain, *sorted(set(summary["beta"]) - {plain})]
    bases: dict[tuple[str, int], ModelStyle] = dict(_FIXED)
    styles = {}
    for model, architecture, latent_dim, beta in summary[
        ["model", "architecture", "latent_dim", "beta"]
    ].itertuples(index=False):
        cell = (architecture, latent_dim)
        if cell not in bases:
            bases[cell] = _reserve(len(bases) - len(_FIXED))
        base = bases[cell]
        styles[model] = replace(base, colour=_shade(base.colour, betas.index(beta)))
    return styles


def _reserve(place: int) -> ModelStyle:
    colour = _RESERVE_COLOURS[place % len(_RESERVE_COLOURS)]
    return ModelStyle(colour, _RESERVE_MARKERS[place % len(_RESERVE_MARKERS)])


def _shade(colour: str, place: int) -> str:
    """The colour itself first, then alternately darker and lighter."""
    if place == 0:
        return colour
    target = 0.0 if place % 2 else 1.0
    weight = min(0.3 * ((place + 1) // 2), 0.6)
    red, green, blue = ((1 - weight) * part + weight * target for part in to_rgb(colour))
    return to_hex((red, green, blue))


@contextmanager
def theme() -> Iterator[None]:
    """Draw and save in the study's style; matplotlib's global settings are restored afterwards."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_THEME)
        yield


def legend_label(text: str) -> str:
    """Protect labels with a leading underscore, which legends omit, by a leading space."""
    return f" {text}" if text.startswith("_") else text


def render(figure: Figure, kind: Format) -> bytes:
    """Render a figure to bytes: the same for the same figure, without date or version.

    Args:
        figure: drawn under ``theme()``.
        kind: ``svg`` for charts; ``png`` for images, at two pixels per CSS pixel.
    """
    buffer = io.BytesIO()
    with theme():
        if kind == "svg":
            figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        else:
            figure.savefig(buffer, format="rgba", dpi=PNG_DPI)
    # Laying out axes takes a tenth of the report's time; other formats reuse the layout.
    figure.set_layout_engine("none")
    if kind == "svg":
        return buffer.getvalue()
    width, height = (int(length) for length in figure.get_size_inches() * PNG_DPI + 1e-6)
    pixels = np.frombuffer(buffer.getvalue(), np.uint8).reshape(height, width, 4)[..., :3]
    return _palette_png(pixels)


def _palette_png(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    """Encode pixels (H, W, 3) as a PNG with a palette, each value rounded to one of ``LEVELS``.

    The rounding, by at most 4 of 255, is invisible and leaves about 150 colours in a sheet of grey
    images. For sheets of 28 x 28 digits, the file is a third of the size of one with all levels;
    64 levels take 40 % more than 32, and 16 show bands in blurred images. If there are more than
    ``COLOURS``, the most common are kept; the others, from soft edges, share the remaining ones.
    """
    levels = np.round(np.arange(256) * (LEVELS - 1) / 255).astype(np.intp)[pixels]
    codes = (levels[..., 0] * LEVELS + levels[..., 1]) * LEVELS + levels[..., 2]
    counts = np.bincount(codes.ravel(), minlength=LEVELS**3)
    present = np.flatnonzero(counts)
    colours = _colours(present[np.argsort(-counts[present], kind="stable")])
    palette = colours
    if len(colours) > COLOURS:
        rare = Image.fromarray(colours[None, COMMON:])
        shared = rare.quantize(COLOURS - COMMON, dither=Image.Dither.NONE).getpalette() or []
        palette = np.concatenate([colours[:COMMON], np.reshape(shared, (-1, 3))]).astype(np.uint8)
    squares = np.square(_colours(present)[:, None].astype(int) - palette[None]).sum(-1)
    index = np.zeros(LEVELS**3, np.uint8)
    index[present] = squares.argmin(1)
    image = Image.fromarray(index[codes])
    image.putpalette(palette.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, format="png")
    return buffer.getvalue()


def _colours(codes: np.ndarray[Any, np.dtype[np.intp]]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Red, green and blue, as (N, 3), from codes of three levels each."""
    levels = np.stack([codes // LEVELS**2, codes // LEVELS % LEVELS, codes % LEVELS], axis=-1)
    return np.round(levels * 255 / (LEVELS - 1)).astype(np.uint8)
