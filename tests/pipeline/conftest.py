"""Fixtures for all tests of the pipeline."""

import pytest
import torch

from tests.pipeline.tiny_set import Tiny, make_tiny

# Tests run in parallel: with more threads than cores, training a tiny model takes 20 s in place
# of 1 s.
torch.set_num_threads(1)


@pytest.fixture
def tiny() -> Tiny:
    return make_tiny()
