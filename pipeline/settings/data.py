"""Section ``data``."""

from typing import Literal

from pipeline.settings.base import Fraction, Seed, SettingsSection
from pipeline.settings.train import Likelihood

DataName = Literal["mnist-5k", "mnist", "fashion-mnist"]
SIDE = 28  # height and width of the images of all of them, in pixels


class DataSettings(SettingsSection):
    """Section ``data``: which images to use and how to split them."""

    name: DataName
    root: str | None
    download: bool
    valid_fraction: Fraction
    test_fraction: Fraction
    seed: Seed

    @property
    def likelihood(self) -> Likelihood:
        """The likelihood that ``train.model.likelihood: auto`` selects for this data set."""
        return "continuous-bernoulli" if self.name == "fashion-mnist" else "bernoulli"
