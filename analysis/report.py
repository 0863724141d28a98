"""The report: results in, files out. The one place that puts all parts together and writes."""

import base64
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis import style, tables, verdicts
from analysis.arrays import load_drawings, load_per_image
from analysis.bootstrap import ImageBootstrap
from analysis.exhibits import Exhibit, charts, sheets
from analysis.frames import Results, load_results
from analysis.statistics import mean_interval, summarise
from analysis.trials import Trials, best_table, load_trials
from analysis.words import (
    CAVEAT,
    NBSP,
    counted,
    estimate,
    likelihood_label,
    listing,
    number,
    percent,
    span,
)
from pipeline.errors import UserError
from pipeline.judge_card import JudgeCard
from pipeline.metric import GROUPS, Group
from pipeline.metrics import METRICS
from pipeline.settings import Settings

TITLE = "Linear or convolutional, how many dimensions?"
TEMPLATES = Path(__file__).parent / "templates"
COMMIT_DIGITS = 10
HASH_DIGITS = 12


def write_report(settings: Settings, results: Path, out: Path, judge: Path) -> Path:
    """Read results, make the report, write it.

    Everything is made before anything is written, each file replaces its forerunner in one step,
    and ``index.html`` comes last: a failure leaves the old report.

    Args:
        settings: of which ``analyze`` is used.
        results: folder of ``metrics.csv`` and what belongs to it.
        out: folder of the report; made if need be.
        judge: the file ``judge.json``; read if the results are by a judge.

    Returns:
        The path of ``index.html``.

    Raises:
        ResultsError: if results are missing or break a rule.
        ProtocolError: if runs were measured under different protocols.
        JudgeError: if the judge's card cannot be read.
        UserError: if the folder cannot be written.
    """
    files = make_report(
        load_results(results, judge), settings.analyze.confidence, load_trials(results)
    )
    try:
        for name, content in files.items():
            _replace(out / name, content)
    except OSError as error:
        raise UserError(
            f"{out}: the report cannot be written there ({error.strerror}); choose another folder "
            "with --out"
        ) from None
    return out / "index.html"


def make_report(
    results: Results, confidence: float, trials: Trials | None = None
) -> dict[str, bytes]:
    """Every file of the report by its path within the report's folder, ``index.html`` last."""
    summary = summarise(results.runs, confidence)
    per_image, without = load_per_image(results.folder, results.runs)
    resampled = ImageBootstrap(per_image)
    architectures = verdicts.compare_architectures(results.runs, confidence, images=resampled)
    sizes = verdicts.compare_sizes(results.runs, confidence, images=resampled)
    drawings, missing = load_drawings(results.folder, results.runs)
    styles = style.assign_styles(summary)
    with style.theme():
        found = [
            charts.curves_exhibit(results, summary, styles, confidence),
            charts.sizes_exhibit(results, summary, styles, confidence),
            charts.differences_exhibit(architectures, sizes, confidence),
            charts.dimensions_exhibit(results, summary, styles),
            sheets.reconstructions_exhibit(results, drawings, styles),
            sheets.samples_exhibit(drawings, styles),
            sheets.interpolations_exhibit(results, drawings, styles),
            sheets.latent_grid_exhibit(drawings, styles),
            sheets.posterior_means_exhibit(results, drawings, styles),
            charts.search_exhibit(trials),
        ]
    shown = [exhibit for exhibit in found if exhibit is not None]
    images = {exhibit.name: style.render(exhibit.figure, exhibit.format) for exhibit in shown}

    comparison = tables.comparison_table(summary, results.protocol)
    differences = tables.differences_table([*architectures, *sizes], results.protocol)
    classes = results.data.classes if results.data else ()
    groups = tables.group_tables(summary, results.protocol, classes, results.judge)
    remarks = judge_remarks(results.judge) if results.judge else {}
    context = {
        "title": TITLE,
        "protocol": results.protocol,
        "is_likelihood": results.protocol.is_likelihood,
        "caveat": CAVEAT,
        "answers": verdicts.answers(
            results.runs, summary, architectures, sizes, results.protocol, confidence
        ),
        "facts": facts(results),
        "notes": [*notes(results, summary, confidence), *results.notes, *missing, *without],
        "comparison": comparison,
        "differences": differences if differences.rows else None,
        "confidence": percent(confidence),
        "seeds": span(summary["seeds"].tolist(), "seed"),
        "groups": [
            (GROUPS[group], table, remarks.get(group, "")) for group, table in groups.items()
        ],
        "distance": distance_remark(results.judge) if results.judge else "",
        "metrics": [METRICS[name] for name in tables.shown_metrics(summary)],
        "exhibits": shown,
        "search": best_table(trials) if trials is not None else None,
        "trials": trials,
    }
    files = {f"figures/{exhibit.name}.{exhibit.format}": images[exhibit.name] for exhibit in shown}
    texts = {
        "tables/comparison.csv": tables.to_csv(summary.drop(columns="model")),
        "tables/comparison.md": tables.to_markdown(comparison),
        "tables/comparison.tex": tables.to_latex(comparison),
        "report.md": _render("report.md.j2", context),
    }
    if differences.rows:
        frame = tables.differences_frame([*architectures, *sizes])
        texts["tables/differences.csv"] = tables.to_csv(frame)
        texts["tables/differences.md"] = tables.to_markdown(differences)
        texts["tables/differences.tex"] = tables.to_latex(differences)
    if trials is not None:
        texts["tables/trials.md"] = tables.to_markdown(best_table(trials))
        texts["tables/trials.tex"] = tables.to_latex(best_table(trials))
    for group, table in groups.items():
        texts[f"tables/{group}.md"] = tables.to_markdown(table)
        texts[f"tables/{group}.tex"] = tables.to_latex(table)
    texts["index.html"] = _render("report.html.j2", context | {"sources": _sources(shown, images)})
    return files | {name: text.encode() for name, text in texts.items()}


def facts(results: Results) -> list[tuple[str, str]]:
    """The protocol and the circumstances of all numbers, as pairs of term and value."""
    runs, protocol, data = results.runs, results.protocol, results.data
    judge = results.judge
    split = f"{protocol.split} split, hash {protocol.split_hash[:HASH_DIGITS]}"
    sizes = (
        ", ".join(f"{size:,} {name}" for name, size in data.sizes.items()) if data else "unknown"
    )
    seeds = sorted(set(runs["seed"]))
    return [
        ("Data", protocol.data),
        ("Images", sizes),
        ("Measured on", split),
        ("Likelihood", likelihood_label(protocol)),
        ("Binarisation", protocol.binarisation),
        ("Runs", f"{len(runs)} (seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))})"),
        ("Epochs", span(runs["epochs"].tolist(), "epoch").rpartition(" ")[0]),
        ("Checkpoint", f"{protocol.checkpoint} epoch"),
        ("Arithmetic", protocol.arithmetic),
        *(
            [("Judge", f"{_percent(judge.accuracy)} right, hash {judge.sha256[:HASH_DIGITS]}")]
            if judge
            else []
        ),
        ("Commit", ", ".join(_commits(runs)) or "unknown"),
    ]


def judge_remarks(judge: JudgeCard) -> dict[Group, str]:
    """What must stand beside the numbers by the judge: how good it is, and what it was shown."""
    real = judge.real
    return {
        "judge": (
            f"The judge is a classifier that names {_percent(judge.accuracy)} of the test images "
            f"rightly; its expected calibration error on them is "
            f"{_percent(judge.calibration_error)}, and was {_percent(judge.uncalibrated_error)} "
            "before its temperature was fitted to the validation split. Each model drew "
            f"{judge.settings.samples:,} images. The last row is what real images score, about as "
            f"well as a perfect model would: {real.images:,} of the training split in place of "
            "drawn ones; for confidence and class entropy those of the test split. Distances are "
            "in the judge's own features and not comparable with Inception FID."
        ),
        "paths": (
            f"A point is plausible where the judge's confidence exceeds "
            f"{number(real.plausible_confidence, 3)}, the 5th percentile of test images."
        ),
    }


def distance_remark(judge: JudgeCard) -> str:
    """What must stand beside a Fréchet distance."""
    return (
        "The Fréchet distance is in the judge's own features and not comparable with Inception "
        f"FID; real images come to {number(judge.real.frechet_distance)}."
    )


def notes(results: Results, summary: pd.DataFrame, confidence: float) -> list[str]:
    """What a reader must know before trusting a number: sentences, most serious first."""
    runs, found = results.runs, []
    for _, run in runs[runs["collapsed"]].iterrows():
        healthy = runs[(runs["model"] == run["model"]) & ~runs["collapsed"]]["elbo"].tolist()
        rest = (
            f"the mean ELBO of the others is {estimate(mean_interval(healthy, confidence))}"
            if healthy
            else "no run of this configuration did not collapse"
        )
        found.append(
            f"{run['run']} collapsed (no active unit, or KL below 0.1 nats). It is part of its "
            f"configuration's mean; {rest}."
        )
    single = summary[summary["seeds"] == 1]["model"].tolist()
    if single:
        which = "Every configuration" if len(single) == len(summary) else listing(single)
        found.append(f"{which}: one seed only, which gives no interval (–) and no verdict.")
    commits = _commits(runs)
    if len(commits) > 1:
        found.append(f"The runs come from {counted(len(commits), 'commit')}: {listing(commits)}.")
    hashes = {*runs["data_hash"], *([results.data.hash] if results.data else [])} - {""}
    if len(hashes) > 1:
        shown = listing(sorted(value[:HASH_DIGITS] for value in hashes))
        found.append(f"The prepared data changed between runs: hashes {shown}.")
    return found


def _percent(share: float) -> str:
    """``99.2 %``: with one digit behind the point."""
    return f"{number(100 * share, 1)}{NBSP}%"


def _commits(runs: pd.DataFrame) -> list[str]:
    return sorted({commit[:COMMIT_DIGITS] for commit in runs["commit"] if commit})


def _sources(shown: list[Exhibit], images: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """For each figure its bytes as a data URI and its size in CSS pixels."""
    kinds = {"svg": "image/svg+xml", "png": "image/png"}
    sources = {}
    for exhibit in shown:
        width, height = exhibit.figure.get_size_inches()
        encoded = base64.b64encode(images[exhibit.name]).decode("ascii")
        sources[exhibit.name] = {
            "uri": f"data:{kinds[exhibit.format]};base64,{encoded}",
            "width": round(width / style.CSS_PIXEL),
            "height": round(height / style.CSS_PIXEL),
        }
    return sources


def _render(template: str, context: Mapping[str, Any]) -> str:
    """HTML is escaped by the engine; Markdown by its filter ``md``."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=template.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = tables.escape_markdown
    environment.filters["md_table"] = tables.to_markdown
    return environment.get_template(template).render(context)


def _replace(path: Path, content: bytes) -> None:
    """Write beside the path, then rename: a reader finds the old file or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
