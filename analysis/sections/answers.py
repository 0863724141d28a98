"""The short answer: a question, up to four sentences built from the numbers, the best model."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.estimate.intervals import interval_of
from analysis.estimate.verdicts import ModelComparison, Rule, compare_values
from analysis.present.intervals import format_estimate
from analysis.read.frames import beta_name, plain_beta
from analysis.words import CAVEAT, format_percent, join_and, pluralise
from pipeline.schemas.metrics import ELBO
from pipeline.schemas.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Answer:
    """The text of the first screen.

    Attributes:
        question: in one line.
        sentences: pairs of topic and sentence, without topics that cannot be compared.
        best: display name of the configuration with the highest mean ELBO.
        use: where its models are and how to retrain them, with code in backticks.
    """

    question: str
    sentences: tuple[tuple[str, str], ...]
    best: str
    use: str


def answer(
    runs: pd.DataFrame,
    summary: pd.DataFrame,
    architectures: Sequence[ModelComparison],
    sizes: Sequence[ModelComparison],
    protocol: Protocol,
    rule: Rule,
    search: str = "",
) -> Answer:
    """Answer which configuration is best, and what architecture, latent size and the search change.

    Args:
        runs: from ``load_results``.
        summary: from ``summarise``.
        architectures: from ``compare_architectures``.
        sizes: from ``compare_sizes``.
        protocol: shared by all numbers.
        rule: what decides the verdicts.
        search: whether the search beat the grid, in one sentence; empty if that is not known.
    """
    # With several betas, the figure shows all comparisons; the answer is about one beta.
    beta = plain_beta(summary)
    at_beta = f"At {beta_name(beta)}, " if summary["beta"].nunique() > 1 else ""
    architectures = [comparison for comparison in architectures if comparison.beta == beta]
    sizes = [comparison for comparison in sizes if comparison.beta == beta]
    sentences = {
        "Best configuration": _best(runs, summary, protocol, rule),
        "Architecture": _sentence(at_beta, _architecture_clauses(architectures)),
        "Latent size": _sentence(at_beta, _size_clauses(sizes)),
        "Search against defaults": search,
    }
    best = str(summary.iloc[int(summary["elbo_mean"].argmax())]["model"])
    return Answer(
        question=_question(summary, protocol),
        sentences=tuple((about, text) for about, text in sentences.items() if text),
        best=best,
        use=_use(best, runs[runs["model"] == best]["run"].tolist()),
    )


def _question(summary: pd.DataFrame, protocol: Protocol) -> str:
    names = list(dict.fromkeys(summary["architecture"]))
    sizes = [str(size) for size in sorted(set(summary["latent_dim"]))]
    dimensions = f"{_either(sizes)} latent dimension{'' if sizes == ['1'] else 's'}"
    if len(summary) == 1:
        return f"How well does a {names[0]} model with {dimensions} explain {protocol.data}?"
    return f"Which model explains {protocol.data} best: {_either(names)}, with {dimensions}?"


def _either(items: Sequence[str]) -> str:
    """``a, b or c``."""
    return " or ".join(filter(None, (", ".join(items[:-1]), items[-1])))


def _use(model: str, runs: Sequence[str]) -> str:
    folders = {run.rpartition("/")[0] for run in runs}
    names = {run.rpartition("/")[2].rpartition("seed-")[0] for run in runs}
    inside = f"{names.pop()}seed-*/" if len(names) == 1 and names != {""} else ""
    place = join_and([f"`models/{folder}/{inside}`" for folder in sorted(folders)])
    return (
        f"The {model} models are in {place}, one folder per seed. Load the first with "
        f'`pipeline.models.load_model("models/{runs[0]}")`; `dvc repro train` retrains any that '
        "are missing."
    )


def _best(runs: pd.DataFrame, summary: pd.DataFrame, protocol: Protocol, rule: Rule) -> str:
    best = summary.iloc[int(summary["elbo_mean"].argmax())]
    interval, seeds = interval_of(best, "elbo"), int(best["seeds"])
    caveat = "" if protocol.is_likelihood else f" ({CAVEAT})"
    basis = f"{format_percent(rule.confidence)} interval over {pluralise(seeds, 'seed')}"
    if not interval.is_known:
        basis = "one seed, so no interval"
    among = (
        f"Of {len(summary)} configurations, {best['model']} has the highest mean ELBO"
        if len(summary) > 1
        else f"The only configuration, {best['model']}, has a mean ELBO"
    )
    separator = ":" if len(summary) > 1 else " of"
    text = (
        f"{among}{caveat}{separator} {format_estimate(interval)} nats per image on the "
        f"{protocol.split} split ({basis})"
    )
    values = {name: group["elbo"].tolist() for name, group in runs.groupby("model", sort=False)}
    own = values.pop(best["model"])
    differences = compare_values([[(own, other)] for other in values.values()], ELBO, rule)
    rivals: dict[str, list[str]] = {}
    for name, difference in zip(values, differences, strict=True):
        rivals.setdefault(difference.verdict, []).append(str(name))
    if set(rivals) == {"better"}:
        text += ", better than every other configuration"
    phrases = {
        "equivalent": f"equivalent within {rule.margin:g} nats to",
        "borderline": "borderline against",
        "not distinguishable": "not distinguishable from",
    }
    text += "".join(
        f", {phrase} {join_and(rivals[word])}" for word, phrase in phrases.items() if word in rivals
    )
    if best["collapsed"]:
        text += f"; {int(best['collapsed'])} of its {pluralise(seeds, 'run')} collapsed"
    return f"{text}."


def _sentence(start: str, clauses: Iterable[str]) -> str:
    """Join clauses into one sentence; empty if there are none."""
    text = start + "; ".join(clauses)
    return f"{text[:1].upper()}{text[1:]}." if text != start else ""


def _architecture_clauses(comparisons: Sequence[ModelComparison]) -> Iterator[str]:
    """Yield one clause per pair of architectures and verdict."""
    for change, group in _grouped(comparisons, lambda comparison: comparison.change):
        subject, _, reference = change.partition(" against ")
        phrases: dict[str, str] = {
            "better": f"{subject} is better than {reference}",
            "worse": f"{subject} is worse than {reference}",
            "borderline": f"{subject} against {reference} is borderline",
            "equivalent": f"{subject} and {reference} are equivalent",
            "not distinguishable": f"{subject} and {reference} are not distinguishable",
            "unknown": f"{subject} minus {reference} (one seed, so no verdict)",
        }
        for word, members in _grouped(group, lambda comparison: comparison.verdict):
            sizes = {_plain(one, " and β").partition(" ")[0]: one for one in members}
            noun = "dimension" if list(sizes) == ["1"] else "dimensions"
            yield f"{phrases[word]} at {join_and(list(sizes))} {noun} ({_amounts(sizes, 'at')})"


def _size_clauses(comparisons: Sequence[ModelComparison]) -> Iterator[str]:
    """Yield clauses on the first comparison (10 against 2, if any) and on the largest step."""
    groups = list(_grouped(comparisons, lambda comparison: comparison.change))
    for change, group in dict([groups[0], groups[-1]]).items() if groups else ():
        large, _, small = change.partition(" against ")
        phrases: dict[str, str] = {
            "better": f"{large} dimensions are better than {small}",
            "worse": f"{large} dimensions are worse than {small}",
            "borderline": f"{large} dimensions against {small} is borderline",
            "equivalent": f"{large} and {small} dimensions are equivalent",
            "not distinguishable": f"{large} and {small} dimensions are not distinguishable",
            "unknown": f"{large} dimensions minus {small} (one seed, so no verdict)",
        }
        for word, members in _grouped(group, lambda comparison: comparison.verdict):
            names = {_plain(one, " at β"): one for one in members}
            yield f"{phrases[word]} for {join_and(list(names))} ({_amounts(names, 'for')})"


def _plain(comparison: ModelComparison, before_beta: str) -> str:
    return comparison.setting.partition(before_beta)[0]


def _amounts(members: dict[str, ModelComparison], preposition: str) -> str:
    """Each difference in ELBO, or if there are many the smallest and the largest."""
    if len(members) > 2:
        ranked = sorted(members.items(), key=lambda item: item[1].difference.mean)
        ends = [f"{_size(one)} nats {preposition} {name}" for name, one in (ranked[0], ranked[-1])]
        return f"from {' to '.join(ends)}"
    return f"{' and '.join(_size(one) for one in members.values())} nats"


def _size(comparison: ModelComparison) -> str:
    return format_estimate(comparison.difference, signed=True)


def _grouped(
    comparisons: Iterable[ModelComparison], key: Callable[[ModelComparison], str]
) -> Iterator[tuple[str, list[ModelComparison]]]:
    """Yield groups in the order of their first member."""
    groups: dict[str, list[ModelComparison]] = {}
    for comparison in comparisons:
        groups.setdefault(key(comparison), []).append(comparison)
    yield from groups.items()
