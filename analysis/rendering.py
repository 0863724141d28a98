"""Templates and figures -> pages: a page holds everything that it shows."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from analysis.present import style, writers
from analysis.present.exhibits import Exhibit, NumberedPart, ReportSection, number_parts
from analysis.report_card import TEMPLATES

# The name of a model, which a browser would break at the hyphen.
NAME = re.compile(r"(?<![-\w])([A-Za-z]+-\d+)(?![-\w])")


@dataclass(frozen=True, slots=True)
class Numbered(NumberedPart):
    """A numbered part, ready for the page.

    Attributes:
        image: for a figure, its bytes as a data URI and its size in CSS pixels.
    """

    image: dict[str, Any] | None = None


def number_and_embed(
    sections: Sequence[ReportSection], images: Mapping[str, bytes], first_table: int
) -> list[tuple[ReportSection, list[Numbered]]]:
    """Return the sections with their numbered parts and embedded figures.

    Args:
        sections: in display order.
        images: bytes of figures by their path within the report's folder.
        first_table: number of the first table.
    """
    return [
        (
            section,
            [
                Numbered(
                    item.kind,
                    item.number,
                    item.part,
                    _embed(item.part, images) if isinstance(item.part, Exhibit) else None,
                )
                for item in items
            ],
        )
        for section, items in number_parts(sections, first_table)
    ]


def _embed(exhibit: Exhibit, images: Mapping[str, bytes]) -> dict[str, Any]:
    kinds = {"svg": "image/svg+xml", "png": "image/png"}
    width, height = exhibit.figure.get_size_inches()
    encoded = base64.b64encode(images[f"figures/{exhibit.name}.{exhibit.format}"]).decode("ascii")
    return {
        "uri": f"data:{kinds[exhibit.format]};base64,{encoded}",
        "width": round(width / style.CSS_PIXEL),
        "height": round(height / style.CSS_PIXEL),
    }


def render(template: str, context: Mapping[str, Any]) -> str:
    """Render a template; HTML is escaped by the engine, Markdown by the filter ``md``."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=template.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = writers.escape_markdown
    environment.filters["md_table"] = writers.to_markdown
    environment.filters["md_prose"] = _markdown_prose
    environment.filters["prose"] = _html_prose
    return environment.get_template(template).render(context)


def _html_prose(text: str) -> Markup:
    """Escape a sentence, with text between backticks as code and names that do not break."""
    pieces = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if place % 2 else _unbroken(piece)
        for place, piece in enumerate(pieces)
    )


def _unbroken(text: str) -> Markup:
    """Escape text, and keep names such as ``conv-10`` on one line."""
    pieces = NAME.split(text)
    return Markup("").join(
        Markup('<span class="name">{}</span>').format(piece) if place % 2 else escape(piece)
        for place, piece in enumerate(pieces)
    )


def _markdown_prose(text: str) -> str:
    """Escape a sentence except for the code between backticks."""
    pieces = text.split("`")
    return "".join(
        f"`{piece}`" if place % 2 else writers.escape_markdown(piece)
        for place, piece in enumerate(pieces)
    )
