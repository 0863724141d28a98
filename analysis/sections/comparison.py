"""Comparison of all configurations, and what can be concluded from the differences."""

from collections.abc import Sequence

import pandas as pd

from analysis.estimate.verdicts import ModelComparison, Rule
from analysis.figures.effects import differences, metrics_by_size
from analysis.figures.multiples import small_multiples
from analysis.figures.tradeoffs import COSTS, MOST_NAMES, frontier, tradeoffs
from analysis.findings import Findings
from analysis.present.architectures import (
    compare_metrics,
    metric_differences_frame,
    metric_differences_table,
)
from analysis.present.exhibits import Exhibit, ReportSection, Styles, TableExhibit, drop_missing
from analysis.present.intervals import format_estimate
from analysis.present.tables import comparison_table, differences_frame, differences_table
from analysis.read.frames import Results, beta_name, plain_beta
from analysis.sections.training import machine_remark
from analysis.sections.wording import UNCORRECTED, over_seeds, verdict_rule
from analysis.words import format_number, format_percent, join_and, pluralise
from pipeline.schemas.metric import Metric
from pipeline.schemas.metrics import METRICS, main_metrics

# What most questions are about, from every group, in rows of four.
CHOSEN = (
    *("elbo", "reconstruction", "kl", "nll_500"),
    *("active_units", "mutual_information", "marginal_kl", "latent_accuracy"),
    *("frechet_distance", "precision", "recall", "coverage"),
    *("confidence", "class_entropy", "sharpness", "path_plausibility"),
)
OF_REAL_IMAGES = (
    *("frechet_distance", "precision", "recall", "coverage"),
    *("confidence", "class_entropy"),
)


def section(found: Findings) -> ReportSection:
    """The section."""
    several = found.results.runs["architecture"].nunique() > 1
    notes = () if several else ("There is only one architecture, so there is none to compare.",)
    return ReportSection(
        "comparison",
        "Comparison",
        drop_missing(
            sizes_exhibit(found.results, found.summary, found.styles, found.confidence),
            multiples_exhibit(found),
            differences_exhibit(found.architectures, found.sizes, found.rule),
            differences_table_exhibit(found),
            metric_differences_exhibit(found),
            tradeoffs_exhibit(found),
            comparison_exhibit(found),
        ),
        notes=notes,
    )


def comparison_exhibit(found: Findings) -> TableExhibit:
    """Table 1 with the columns that it omits, and the CSV file of all metrics."""
    return TableExhibit(
        "comparison",
        "All configurations",
        f"Table 1 with more columns: means {over_seeds(found.summary, found.confidence)}. The CSV "
        "file contains every metric.",
        comparison_table(found.summary, found.results.protocol),
        found.summary.drop(columns="model"),
        folded=True,
    )


def chosen_metrics(runs: pd.DataFrame) -> list[Metric]:
    """Return the metrics of ``CHOSEN`` that some run has, and any other main metric."""
    held = [name for name in METRICS if runs[name].notna().any()]
    main = [metric.name for metric in main_metrics(held) if metric.name not in CHOSEN]
    return [METRICS[name] for name in (*CHOSEN, *main) if name in held]


def references(results: Results) -> dict[str, float]:
    """Reference levels of metrics: scores of real images, and the ceiling of the information."""
    real = results.judge.real.model_dump()
    return {
        "sharpness": 1.0,
        "mutual_information": float(results.runs["mutual_information_ceiling"].mean()),
        **{name: real[name] for name in OF_REAL_IMAGES},
    }


def multiples_exhibit(found: Findings) -> Exhibit:
    """The chosen metrics against latent size."""
    results = found.results
    beta = plain_beta(found.summary)
    summary = found.summary[found.summary["beta"] == beta]
    metrics = chosen_metrics(results.runs[results.runs["beta"] == beta])
    known = references(results)
    levels = {metric.name: known[metric.name] for metric in metrics if metric.name in known}
    of_beta = f", at {beta_name(beta)}" if results.several_betas else ""
    names = [metric.label for metric in metrics]
    best = []
    for metric in metrics:
        if metric.sign:
            row = summary.iloc[int((metric.sign * summary[f"{metric.name}_mean"]).argmax())]
            best.append(
                f"{metric.label} {row['model']} "
                f"{format_number(row[f'{metric.name}_mean'], metric.digits)}"
            )
    return Exhibit(
        name="metrics-by-size",
        title="Metrics against latent size",
        caption=(
            f"{pluralise(len(metrics), 'metric')} on the {results.protocol.split} split{of_beta}, "
            f"one line per architecture: means {over_seeds(summary, found.confidence)}, shown as "
            "bands and clipped at the edge of a panel. Each model has the same marker in all "
            "figures. The unit is at the top right of each panel (nats are per image), and arrows "
            "show which direction is better. Dotted lines are the scores of real images and the "
            f"ceiling of the mutual information, log N. Intervals are {UNCORRECTED}."
        ),
        alt=(
            f"Small line charts over latent dimensions: {join_and(names)}. Best means: "
            f"{join_and(best)}."
        ),
        figure=small_multiples(summary, metrics, found.styles, results.protocol, levels),
        format="svg",
    )


def metric_differences_exhibit(found: Findings) -> TableExhibit | None:
    """Differences between architectures in each chosen metric; None if there is only one."""
    runs = found.results.runs
    compared = compare_metrics(runs, found.rule, chosen_metrics(runs))
    if not compared:
        return None
    table = metric_differences_table(compared, found.results.protocol)
    changes = join_and(list(dict.fromkeys(item.comparison.change for item in compared)))
    beta = plain_beta(found.summary)
    of_beta = (
        f" At {beta_name(beta)}; the CSV file contains the other values too."
        if found.results.several_betas
        else ""
    )
    known = [item for item in compared if item.comparison.difference.is_known]
    remark = (
        f" {verdict_rule(found.rule, 'latent sizes of one metric')} A metric without a better "
        "direction is higher or lower, and only likelihoods have a margin. The intervals "
        f"themselves are {UNCORRECTED}."
        if known
        else " With one seed there is no interval and no verdict."
    )
    return TableExhibit(
        "differences-by-metric",
        "Differences between architectures in the main metrics",
        f"{changes[:1].upper()}{changes[1:]}: the first minus the second at each latent size, "
        f"with the {format_percent(found.confidence)} interval over seeds (Welch) and the "
        f"verdict. There is no interval over images here.{remark}{of_beta}",
        table,
        metric_differences_frame(compared),
        folded=True,
    )


def tradeoffs_exhibit(found: Findings) -> Exhibit | None:
    """The ELBO against its cost; None with a single configuration or a training time of zero."""
    summary, results = found.summary, found.results
    if len(summary) < 2 or not (summary[list(COSTS)] > 0).all(axis=None):
        return None
    best = {cost: join_and(frontier(summary, cost)) for cost in COSTS}
    named = "" if len(summary) <= MOST_NAMES else "Only the optimal configurations are labelled. "
    values = [
        f"{row['model']} {format_number(row['elbo_mean'])} with {row['parameters']:,} parameters "
        f"in {format_number(row['train_seconds_mean'], 1)} seconds"
        for _, row in summary.iterrows()
    ]
    return Exhibit(
        name="tradeoffs",
        title="Quality and cost",
        caption=(
            f"ELBO on the {results.protocol.split} split, in nats per image, against the number of "
            "parameters and the mean training time: means "
            f"{over_seeds(summary, found.confidence)}. {named}{_optimal(best)} Optimality is based "
            "on means alone: neighbours within each other's intervals could swap places. "
            f"{machine_remark(results)}"
        ),
        alt=f"Two scatter charts. {join_and(values)}. {_optimal(best)}",
        figure=tradeoffs(summary, found.styles, results.protocol),
        format="svg",
    )


def _optimal(best: dict[str, str]) -> str:
    return (
        f"Pareto-optimal in parameters: {best['parameters']}; in training time: "
        f"{best['train_seconds_mean']}."
    )


def differences_table_exhibit(found: Findings) -> TableExhibit | None:
    """The differences in ELBO as numbers; None if nothing can be compared."""
    comparisons = [*found.architectures, *found.sizes]
    if not comparisons:
        return None
    return TableExhibit(
        "differences",
        "Differences in ELBO",
        "The first configuration minus the second, with two "
        f"{format_percent(found.confidence)} intervals for two sources of uncertainty that are "
        "never mixed: over seeds (Welch), for other runs with the same settings, and over images "
        "(paired bootstrap), for these models on another test set. "
        f"{verdict_rule(found.rule, 'comparisons of one factor')} The probability of improvement "
        "is the share of pairs of runs in which the first is better.",
        differences_table(comparisons, found.results.protocol),
        differences_frame(comparisons),
        folded=True,
    )


def sizes_exhibit(
    results: Results, summary: pd.DataFrame, styles: Styles, confidence: float
) -> Exhibit:
    """ELBO and its terms against latent size."""
    values = [
        f"{row['model']} {format_number(row['elbo_mean'])}" for _, row in summary.iterrows()
    ]  # fmt: skip
    return Exhibit(
        name="latent-size",
        title="Latent size",
        caption=(
            "ELBO (higher is better), reconstruction (lower is better) and KL on the "
            f"{results.protocol.split} split, in nats per image. Large points are means "
            f"{over_seeds(summary, confidence)}, clipped at the edge of a panel; small dots are "
            "single runs. Each model has the same colour in all figures. Where the lines level "
            "off, additional dimensions encode nothing more."
        ),
        alt=(
            "Three charts of ELBO, reconstruction and KL against the number of latent dimensions, "
            f"one line per architecture. Mean ELBO: {join_and(values)} nats."
        ),
        figure=metrics_by_size(results.runs, summary, styles, results.protocol),
        format="svg",
    )


def differences_exhibit(
    architectures: Sequence[ModelComparison], sizes: Sequence[ModelComparison], rule: Rule
) -> Exhibit | None:
    """Differences in ELBO with intervals; None if nothing can be compared."""
    titles = {"Architecture": architectures, "Latent size": sizes}
    groups = {title: group for title, group in titles.items() if group}
    if not groups:
        return None
    shown = [comparison for group in groups.values() for comparison in group]
    return Exhibit(
        name="differences",
        title="Differences in ELBO",
        caption=(
            f"Each row is the first configuration minus the second, with the "
            f"{format_percent(rule.confidence)} interval over seeds (Welch), in nats per image on "
            f"the test split. {verdict_rule(rule, 'comparisons of one factor')} Filled points are "
            "better or worse. A very wide interval is clipped, with its ends printed next to it."
        ),
        alt="Intervals and a line at zero. "
        + " ".join(
            f"{comparison.change}, {comparison.setting}: "
            f"{format_estimate(comparison.difference, signed=True)}, {comparison.verdict}."
            for comparison in shown
        ),
        figure=differences(groups),
        format="svg",
    )
