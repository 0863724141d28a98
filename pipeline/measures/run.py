"""All measures of one run: its row of ``results/metrics.csv`` and its arrays."""

from dataclasses import replace
from pathlib import Path

from pipeline.data.prepared import PreparedData
from pipeline.evaluation.evaluated_model import prepare_model
from pipeline.judge.context import JudgeContext, JudgedModel
from pipeline.measures.registry import measure_all
from pipeline.models import load_model
from pipeline.schemas.arrays import Arrays
from pipeline.schemas.run_card import RunCard
from pipeline.schemas.tables import Row
from pipeline.settings import EvaluateSettings

SPLITS = ("train", "test")  # some measures are fitted on the first and scored on the second


def measure_run(
    name: str,
    folder: Path,
    card: RunCard,
    settings: EvaluateSettings,
    data: PreparedData,
    context: JudgeContext,
) -> tuple[Row, Arrays]:
    """Return one run's row of ``results/metrics.csv`` and its arrays for the report.

    Args:
        name: the run's name.
        folder: the model folder.
        card: the content of the model's ``config.json``.
        settings: section ``evaluate``.
        data: with the splits ``SPLITS``.
        context: the judge and its output for the test split.
    """
    run, test = card.settings, data.splits["test"]
    protocol = replace(card.protocol, split="test", split_hash=test.hash, judge=context.card.sha256)
    subject = prepare_model(
        load_model(folder),
        run,
        data.splits["train"],
        test,
        settings,
        has_likelihood=protocol.is_likelihood,
    )
    numbers, arrays = measure_all(JudgedModel.of(subject, context))
    row = {
        "run": name,
        "architecture": run.architecture,
        "latent_dim": run.latent_dim,
        "beta": run.beta,
        "seed": run.seed,
        "parameters": card.parameters,
        "train_seconds": card.train_seconds,
        "epochs": card.epochs,
        **protocol.as_dict(),
        **numbers,
        "data_hash": data.hash,
        "commit": card.commit,
        "run_id": card.run_id,
    }
    return row, arrays
