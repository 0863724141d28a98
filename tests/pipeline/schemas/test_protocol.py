"""Numbers of different protocols are not compared."""

from dataclasses import replace

import pytest

from pipeline.schemas.protocol import (
    PROTOCOL_FIELDS,
    Protocol,
    ProtocolError,
    require_same_protocol,
)

PROTOCOL = Protocol(
    data="mnist",
    split="test",
    split_hash="abc",
    likelihood="bernoulli",
    binarisation="dynamic",
    checkpoint="last",
    arithmetic="float32",
)


def test_one_protocol_is_returned() -> None:
    assert require_same_protocol([PROTOCOL, replace(PROTOCOL)], "table") is PROTOCOL


@pytest.mark.parametrize("field", PROTOCOL_FIELDS)
def test_each_field_counts_and_is_named(field: str) -> None:
    other = replace(PROTOCOL, **{field: "other"})
    with pytest.raises(ProtocolError) as caught:
        require_same_protocol([PROTOCOL, other], "comparison table")
    message = caught.value.message
    assert message.startswith("comparison table: the runs differ in ")
    assert f"{field} (" in message
    assert not [name for name in PROTOCOL_FIELDS if name != field and f"{name} (" in message]


def test_no_run_is_an_error() -> None:
    with pytest.raises(ProtocolError, match="no run to compare"):
        require_same_protocol([], "table")


def test_a_cross_entropy_is_no_likelihood() -> None:
    assert PROTOCOL.is_likelihood
    assert not replace(PROTOCOL, binarisation="none").is_likelihood
    assert replace(PROTOCOL, binarisation="none", likelihood="continuous-bernoulli").is_likelihood
