"""The list of metrics is consistent."""

from pipeline.metrics import GROUPS, METRICS, main_metrics


def test_every_metric_is_described_and_grouped() -> None:
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.group in GROUPS
        assert metric.definition.endswith(".")
        assert metric.digits >= 0
    labels = [metric.label for metric in METRICS.values()]
    assert len(set(labels)) == len(labels)


def test_the_main_ones_keep_their_order_whatever_is_there() -> None:
    names = [metric.name for metric in main_metrics(["nll_500", "kl", "contrast", "elbo"])]
    assert names == ["elbo", "kl", "nll_500"]
