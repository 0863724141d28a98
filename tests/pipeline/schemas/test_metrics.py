"""The list of metrics is consistent."""

from pipeline.schemas.metric import GROUPS
from pipeline.schemas.metrics import METRICS, main_metrics
from pipeline.schemas.protocol import PROTOCOL_FIELDS
from pipeline.schemas.tables import IDENTITY


def test_every_metric_is_described_and_grouped() -> None:
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.group in GROUPS
        assert metric.definition.endswith(".")
        assert metric.digits >= 0
    labels = [metric.label for metric in METRICS.values()]
    assert len(set(labels)) == len(labels)


def test_the_main_ones_keep_their_order_whatever_is_there() -> None:
    names = ["nll_500", "frechet_distance", "kl", "contrast", "elbo"]
    found = [metric.name for metric in main_metrics(names)]
    assert found == ["elbo", "kl", "nll_500", "frechet_distance"]


def test_the_groups_follow_each_other() -> None:
    order = [metric.group for metric in METRICS.values()]
    assert list(dict.fromkeys(order)) == list(GROUPS)
    assert sorted(order, key=list(GROUPS).index) == order


def test_a_label_is_compared_with_nothing() -> None:
    labels = [metric for metric in METRICS.values() if metric.is_label]
    assert [metric.name for metric in labels] == ["grid_center_class"]
    assert not any(metric.sign or metric.main for metric in labels)


def test_no_metric_has_the_name_of_another_column() -> None:
    assert not set(METRICS) & {*PROTOCOL_FIELDS, *IDENTITY}
