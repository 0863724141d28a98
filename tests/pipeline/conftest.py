"""Fixtures for all tests of the pipeline."""

import pytest

from tests.pipeline.tiny_set import Tiny, make_tiny


@pytest.fixture
def tiny() -> Tiny:
    return make_tiny()
