"""The short answer: one question, up to three sentences made from the numbers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.estimate.intervals import summarise
from analysis.estimate.verdicts import Rule, compare_architectures, compare_sizes
from analysis.sections.answers import Answer, answer
from tests.analysis.conftest import read_results

MakeResults = Callable[..., Path]
NBSP = "\N{NO-BREAK SPACE}"


def answered(folder: Path) -> Answer:
    results = read_results(folder)
    runs = results.runs
    return answer(
        runs,
        summarise(runs, 0.95),
        compare_architectures(runs, Rule()),
        compare_sizes(runs, Rule()),
        results.protocol,
        Rule(),
    )


def test_a_question_and_three_sentences(results_folder: Path) -> None:
    found = answered(results_folder)
    assert found.question == (
        "Which model explains mnist-5k best: linear or conv, with 2 or 10 latent dimensions?"
    )
    sentences = dict(found.sentences)
    assert list(sentences) == ["Best configuration", "Architecture", "Latent size"]
    best = sentences["Best configuration"]
    assert best.startswith("Of 4 configurations, conv-10 has the highest mean ELBO: −111.75 [")
    assert f"nats per image on the test split (95{NBSP}% interval over 2 seeds)" in best
    assert best.endswith(", not distinguishable from linear-10.")
    architecture = sentences["Architecture"]
    assert architecture.startswith("Conv is better than linear at 2 dimensions (+5.00 [")
    assert "; conv and linear are not distinguishable at 10 dimensions (+0.25 [" in architecture
    size = sentences["Latent size"]
    assert size.startswith("10 dimensions are better than 2 for linear and conv (+48.00 [")
    assert "] and +43.25 [" in size
    for sentence in sentences.values():
        assert sentence.count(". ") == 0, "one sentence each"
        assert sentence.endswith(".")


def test_the_best_can_be_found_and_loaded(results_folder: Path) -> None:
    found = answered(results_folder)
    assert found.best == "conv-10"
    assert "`models/conv-10/`" in found.use
    assert 'load_model("models/conv-10/seed-0")`' in found.use
    assert "`dvc repro train`" in found.use


def test_many_differences_are_summarised_by_their_range(make_results: MakeResults) -> None:
    found = dict(answered(make_results(latent_dims=[2, 3, 4, 5, 10])).sentences)
    # Between 3 and 5 dimensions both are alike in these results.
    assert "not distinguishable at 3, 4, 5 and 10 dimensions (from 0.00 [" in found["Architecture"]
    assert " nats at 3 to +0.25 [" in found["Architecture"]
    assert found["Architecture"].endswith(" nats at 10).")
    assert "20" not in found["Latent size"].partition("(")[0]


def test_several_betas_are_never_mixed(make_results: MakeResults) -> None:
    found = answered(make_results(betas=[1, 4]))
    assert dict(found.sentences)["Architecture"].startswith(
        f"At β{NBSP}={NBSP}1, conv against linear is borderline at 2 dimensions"
    ), "four comparisons in place of two"
    assert "β" not in dict(found.sentences)["Latent size"].partition(", ")[2]
    assert found.best == f"conv-10 (β{NBSP}={NBSP}1)"
    assert "`models/conv-10/beta-1-seed-*/`" in found.use
    assert 'load_model("models/conv-10/beta-1-seed-0")`' in found.use


def test_one_seed_gives_no_verdict(make_results: MakeResults) -> None:
    found = dict(answered(make_results(seeds=[0])).sentences)
    assert "one seed, so no interval" in found["Best configuration"]
    assert "no verdict" in found["Architecture"]
    assert "no verdict" in found["Latent size"]
    assert not any(word in " ".join(found.values()) for word in ("better", "worse", "nan"))


def test_one_configuration_has_no_comparison(make_results: MakeResults) -> None:
    found = answered(make_results(architectures=["conv"], latent_dims=[2]))
    assert [about for about, _ in found.sentences] == ["Best configuration"]
    assert found.sentences[0][1].startswith("The only configuration, conv-2")
    assert found.question == "How well does a conv model with 2 latent dimensions explain mnist-5k?"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"protocol": {"binarisation": "none"}}, "ELBO (cross-entropy, not a likelihood)"),
        ({"collapsed": ["conv-2/seed-1"], "latent_dims": [2]}, "linear-2 has the highest"),
        (
            {"collapsed": ["conv-2/seed-1"], "latent_dims": [2], "architectures": ["conv"]},
            "1 of its 2 runs collapsed.",
        ),
    ],
    ids=["no-likelihood", "another-is-best", "the-best-collapsed"],
)
def test_remarks_on_the_best_configuration(
    make_results: MakeResults, changes: dict[str, object], words: str
) -> None:
    assert words in answered(make_results(**changes)).sentences[0][1]
