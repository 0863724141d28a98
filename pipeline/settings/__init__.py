"""params.yaml as frozen, checked types; free of torch, so that commands start quickly."""

from pipeline.settings.base import SettingsError
from pipeline.settings.data import DataSettings
from pipeline.settings.evaluate import EvaluateSettings, JudgeSettings
from pipeline.settings.load import load_settings, override, parse_settings
from pipeline.settings.params import Settings, cell_name, run_names, shortest_repr
from pipeline.settings.search import Objective, SearchPlan, SearchSettings
from pipeline.settings.train import (
    Activation,
    Architecture,
    Binarisation,
    Checkpoint,
    Device,
    Likelihood,
    Precision,
    RunSettings,
    Schedule,
)

__all__ = [
    "Activation",
    "Architecture",
    "Binarisation",
    "Checkpoint",
    "DataSettings",
    "Device",
    "EvaluateSettings",
    "JudgeSettings",
    "Likelihood",
    "Objective",
    "Precision",
    "RunSettings",
    "Schedule",
    "SearchPlan",
    "SearchSettings",
    "Settings",
    "SettingsError",
    "cell_name",
    "load_settings",
    "override",
    "parse_settings",
    "run_names",
    "shortest_repr",
]
