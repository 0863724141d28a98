"""`study compare`: results against a baseline, with intervals and verdicts."""

import textwrap
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from analysis.estimate.between import Comparison, Effect, compare_sources
from analysis.estimate.verdicts import Rule
from analysis.present.compared import headline, lacking_sentences, row_name, verdict_words
from analysis.present.intervals import format_interval, format_p
from analysis.read.changes import Change
from analysis.read.source import BOUND
from analysis.sections.wording import how_to_read
from analysis.words import format_number, metric_unit
from pipeline.errors import UserError
from pipeline.files import write_text
from pipeline.settings import load_settings
from study.commands.document import print_json
from study.commands.tables import new_table, print_table
from study.outcome.sources import read_source

WIDTH = 80  # columns that everything fits


def compare_command(
    words: Sequence[str],
    params: Path | None,
    across: Collection[str],
    as_json: bool,
    as_markdown: bool,
    html: Path | None,
) -> None:
    """Compare the results that words mean with those that the first means."""
    if len(words) < 2:
        raise UserError("needs a baseline and at least one more: `study compare BASELINE OTHER`")
    if as_json and as_markdown:
        raise UserError("--json and --markdown exclude each other; choose one")
    if html is not None and html.exists():
        raise UserError(f"{html}: is there already; move it away, or choose another file")
    rule = _rule(params)
    baseline, *others = [read_source(word) for word in words]
    comparisons = compare_sources(baseline, others, rule, across)
    if html is not None:
        from analysis.comparison_page import make_page  # draws, so it imports matplotlib

        write_text(html, make_page(comparisons, rule))
    if as_json:
        print_json(_document(comparisons, rule))
    elif as_markdown:
        from analysis.comparison_page import make_markdown

        click.echo(make_markdown(comparisons, rule), nl=False)
    else:
        _print(comparisons, rule)
        if html is not None:
            click.echo(f"page: {html}")


def _rule(params: Path | None) -> Rule:
    """Return the rule of a settings file; without a file, that of the repository's settings."""
    if params is None:
        params = Path("params.yaml")
        if not params.exists():  # folders can be compared anywhere
            return Rule()
    analyze = load_settings(params).analyze
    return Rule(analyze.confidence, analyze.margin)


def _print(comparisons: Sequence[Comparison], rule: Rule) -> None:
    for one in comparisons:
        protocol = one.source.protocol
        title = f"{one.source.name} against {one.baseline.name}"
        _wrapped(f"{title}: {protocol.data}, {protocol.split} split", bold=True)
        _wrapped(headline(one))
        click.echo()
        _changes("change under study", one.settings)
        _changes("also different", one.circumstances)
        for text in (*lacking_sentences(one), *one.notes):
            _wrapped(text)
        click.echo()
        for metric in BOUND:
            unit = metric_unit(metric, protocol)
            print_table(_table(one.of(metric)), f"Difference in {metric.label}, {unit}")
            click.echo()
    _wrapped(how_to_read(rule))


def _wrapped(text: str, *, bold: bool = False) -> None:
    lines = textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
    click.echo(click.style(lines, bold=bold))


def _changes(heading: str, changes: Sequence[Change]) -> None:
    """Print one line per change."""
    if not changes:
        if heading == "change under study":
            click.echo(f"{heading}: no recorded setting differs")
        return
    click.echo(f"{heading}:")
    width = max(len(change.name) for change in changes)
    for change in changes:
        text = f"  {change.name:<{width}}  {change.before} → {change.after}"
        click.echo(textwrap.fill(text, WIDTH, subsequent_indent=" " * (width + 4)))


def _table(effects: Sequence[Effect]) -> Table:
    """Return the columns that fit; the other outputs also have means, seeds and probabilities."""
    table = new_table()
    table.padding = (0, 0)  # lines keep one space between columns
    table.add_column("", max_width=13)
    for heading in ("differ-\nence", "interval\nover seeds", "p,\nHolm", "interval\nover images"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", max_width=15)
    for place, effect in enumerate(effects):
        found, digits = effect.difference, effect.metric.digits
        table.add_row(
            row_name(effect),
            format_number(found.interval.mean, digits, signed=True),
            format_interval(found.interval, digits, signed=True),
            format_p(found.p_holm),
            format_interval(found.over_images, digits, signed=True),
            verdict_words(effect),
            end_section=place + 1 < len(effects) and effects[place + 1].factor != effect.factor,
        )
    return table


def _document(comparisons: Sequence[Comparison], rule: Rule) -> dict[str, Any]:
    baseline = comparisons[0].baseline
    return {
        "baseline": baseline.name,
        "rule": {"confidence": rule.confidence, "level": rule.level, "margin": rule.margin},
        "protocol": baseline.protocol,
        "comparisons": [
            {
                "source": one.source.name,
                "settings": one.settings,
                "circumstances": one.circumstances,
                "only_in_baseline": one.only_baseline,
                "only_in_source": one.only_source,
                "notes": one.notes,
                "effects": [_effect(effect) for effect in one.effects],
            }
            for one in comparisons
        ],
    }


def _effect(effect: Effect) -> dict[str, Any]:
    found = effect.difference
    return {
        "metric": effect.metric.name,
        "unit": effect.metric.unit,
        "better": effect.metric.better,
        "factor": effect.factor,
        "level": effect.label,
        "cells": effect.cells,
        "baseline_mean": effect.before,
        "source_mean": effect.after,
        "difference": found.interval.mean,
        "low": found.interval.low,
        "high": found.interval.high,
        "over_images_low": found.over_images.low,
        "over_images_high": found.over_images.high,
        "p_holm": found.p_holm,
        "probability_of_improvement": found.improvement,
        "seeds_baseline": found.seeds[1],
        "seeds_source": found.seeds[0],
        "collapsed": found.collapsed,
        "verdict": found.verdict,
    }
