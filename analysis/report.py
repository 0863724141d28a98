"""The report: results in, files out. The only module that assembles all parts and writes files."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from analysis.estimate.verdicts import Rule
from analysis.findings import Findings, find
from analysis.present import style, tables, writers
from analysis.present.exhibits import (
    Exhibit,
    NumberedPart,
    Part,
    ReportSection,
    TableExhibit,
    Widget,
    number_parts,
)
from analysis.read.frames import Results, load_results
from analysis.read.trials import Trials, load_trials
from analysis.report_card import (
    REPORT_CARD,
    TEMPLATES,
    ReportCard,
    last_files,
    remove_outdated,
    report_fingerprint,
    require_own,
)
from analysis.sections import (
    comparison,
    explorer,
    interpolations,
    latent_space,
    metrics,
    provenance,
    rate_distortion,
    reconstructions,
    samples,
    search,
    statements,
    training,
)
from analysis.sections.against_grid import search_answer
from analysis.sections.answers import answer
from analysis.sections.summary import brief_table, distance_remark, facts, notes
from analysis.words import CAVEAT, format_percent, format_range
from pipeline.files import write_bytes
from pipeline.schemas.metrics import METRICS
from pipeline.schemas.record import write_record
from pipeline.settings import Settings

TITLE = "Linear or convolutional, and how many dimensions?"
# The name of a model, which a browser would break at the hyphen.
NAME = re.compile(r"(?<![-\w])([A-Za-z]+-\d+)(?![-\w])")
SECTIONS = (  # in display order; provenance, which covers all of them, comes last
    training,
    comparison,
    reconstructions,
    samples,
    interpolations,
    latent_space,
    explorer,
    rate_distortion,
    search,
    statements,
    metrics,
)


@dataclass(frozen=True, slots=True)
class Numbered(NumberedPart):
    """A numbered part, ready for the page.

    Attributes:
        image: for a figure, its bytes as a data URI and its size in CSS pixels.
    """

    image: dict[str, Any] | None = None


def write_report(settings: Settings, results: Path, out: Path, judge: Path) -> Path:
    """Read results, create the report and write it.

    Everything is created before anything is written, each file is replaced atomically, and
    ``index.html`` is written last: a failure leaves the old report in place.

    Args:
        settings: only ``analyze`` is used.
        results: folder with ``metrics.csv`` and the files that belong to it.
        out: folder of the report; created if necessary.
        judge: the file ``judge.json`` of the judge that took part in the results.

    Returns:
        The path of ``index.html``.

    Raises:
        ResultsError: if results are missing or invalid.
        ProtocolError: if runs were measured under different protocols.
        JudgeError: if the judge's card cannot be read.
        UserError: if the folder cannot be written.
    """
    fingerprint = report_fingerprint(settings, results, judge)  # before anything is read
    files = make_report(
        load_results(results, judge),
        Rule(settings.analyze.confidence, settings.analyze.margin),
        load_trials(results),
        searched=settings.train.hyperparameters == "searched",
    )
    require_own(out, files)
    before = last_files(out)
    now = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    # Until all are written, the files may be of two reports.
    write_record(out / REPORT_CARD, ReportCard(fingerprint="", sha256=before | now))
    for name, content in files.items():
        write_bytes(out / name, content)
    remove_outdated(out, before, files)
    write_record(out / REPORT_CARD, ReportCard(fingerprint=fingerprint, sha256=now))
    return out / "index.html"


def make_report(
    results: Results, rule: Rule, trials: Trials | None = None, *, searched: bool = False
) -> dict[str, bytes]:
    """Return every file of the report by its path within the folder, ``index.html`` last."""
    found = find(results, rule, trials, searched=searched)
    with style.theme():
        built = [module.section(found) for module in SECTIONS]
    sections = [section for section in built if section is not None]
    sections.append(provenance.section(found, sections))
    parts = [part for section in sections for part in section.parts]
    # Charts are also saved as PNG, for slides and editors that cannot read SVG.
    images = {
        f"figures/{part.name}.{kind}": style.render(part.figure, kind)
        for part in parts
        if isinstance(part, Exhibit)
        for kind in dict.fromkeys((part.format, style.PNG))
    }
    context = _first_screen(found) | {
        "sections": _numbered(sections, images),
        "metrics": [METRICS[name] for name in tables.shown_metrics(found.summary)],
    }
    texts: dict[str, str] = {}
    for part in parts:
        if isinstance(part, TableExhibit):
            texts |= _table_files(part)
    texts["report.md"] = _render("report.md.j2", context)
    texts["index.html"] = _render("report.html.j2", context | _widget_code(parts))
    return images | {name: text.encode() for name, text in texts.items()}


def _first_screen(found: Findings) -> dict[str, Any]:
    """Question, answer, the summary table and the protocol."""
    results, summary = found.results, found.summary
    return {
        "title": TITLE,
        "protocol": results.protocol,
        "is_likelihood": results.protocol.is_likelihood,
        "caveat": CAVEAT,
        "answer": answer(
            results.runs,
            summary,
            found.architectures,
            found.sizes,
            results.protocol,
            found.rule,
            search_answer(found),
        ),
        "facts": facts(results),
        "notes": [*notes(results, summary, found.confidence), *found.notes],
        "brief": brief_table(summary, results.protocol),
        "confidence": format_percent(found.confidence),
        "seeds": format_range(summary["seeds"].tolist(), "seed"),
        "distance": distance_remark(results.judge),
    }


def _numbered(
    sections: Sequence[ReportSection], images: Mapping[str, bytes]
) -> list[tuple[ReportSection, list[Numbered]]]:
    """The sections with their numbered parts and embedded figures."""
    return [
        (
            section,
            [
                Numbered(
                    item.kind,
                    item.number,
                    item.part,
                    _embedded(item.part, images) if isinstance(item.part, Exhibit) else None,
                )
                for item in items
            ],
        )
        for section, items in number_parts(sections)
    ]


def _embedded(exhibit: Exhibit, images: Mapping[str, bytes]) -> dict[str, Any]:
    kinds = {"svg": "image/svg+xml", "png": "image/png"}
    width, height = exhibit.figure.get_size_inches()
    encoded = base64.b64encode(images[f"figures/{exhibit.name}.{exhibit.format}"]).decode("ascii")
    return {
        "uri": f"data:{kinds[exhibit.format]};base64,{encoded}",
        "width": round(width / style.CSS_PIXEL),
        "height": round(height / style.CSS_PIXEL),
    }


def _table_files(exhibit: TableExhibit) -> dict[str, str]:
    files = {
        f"tables/{exhibit.name}.md": writers.to_markdown(exhibit.table),
        f"tables/{exhibit.name}.tex": writers.to_latex(exhibit.table),
    }
    if exhibit.frame is not None:
        files[f"tables/{exhibit.name}.csv"] = writers.to_csv(exhibit.frame)
    return files


def _widget_code(parts: Sequence[Part]) -> dict[str, str]:
    """The page's only script, its hash for the security policy, and the style of the widgets."""
    widgets = [part for part in parts if isinstance(part, Widget)]
    script = "\n".join(widget.script for widget in widgets)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return {
        "script": script,
        "script_source": f"'sha256-{digest}'" if script else "'none'",
        "widget_style": "\n".join(widget.style for widget in widgets),
    }


def _render(template: str, context: Mapping[str, Any]) -> str:
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
