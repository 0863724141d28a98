"""The report: results in, files out. The only module that assembles all parts and writes files."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.estimate.verdicts import Rule
from analysis.findings import Findings, find
from analysis.present import style, tables, writers
from analysis.present.exhibits import (
    Exhibit,
    Part,
    TableExhibit,
    Widget,
)
from analysis.read.frames import Results, load_results
from analysis.read.trials import Trials, load_trials
from analysis.rendering import number_and_embed, render
from analysis.report_card import (
    REPORT_CARD,
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
        "sections": number_and_embed(sections, images, first_table=2),
        "metrics": [METRICS[name] for name in tables.shown_metrics(found.summary)],
    }
    texts: dict[str, str] = {}
    for part in parts:
        if isinstance(part, TableExhibit):
            texts |= _table_files(part)
    texts["report.md"] = render("report.md.j2", context)
    texts["index.html"] = render("report.html.j2", context | _widget_code(parts))
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
