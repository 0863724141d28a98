"""The judge with the real images that every model is compared with."""

from dataclasses import dataclass, fields
from pathlib import Path

from pipeline.data.prepared import Split
from pipeline.evaluation.evaluated_model import EvaluatedModel
from pipeline.judge.classifier import Judge, load_judge
from pipeline.judge.reference import Reference, make_reference
from pipeline.schemas.judge_card import JudgeCard


@dataclass(frozen=True, slots=True, eq=False)
class JudgeContext:
    """A judge and the real images next to which it sees every model's.

    Attributes:
        judge: in eval mode.
        card: what is recorded of it.
        reference: of the measured split.
    """

    judge: Judge
    card: JudgeCard
    reference: Reference


def load_context(folder: Path, data_hash: str, test: Split) -> JudgeContext:
    """Load a judge and show it the measured split, once for all models of a process.

    Args:
        folder: with ``model.safetensors`` and ``judge.json``.
        data_hash: of the prepared file that the split is of.
        test: the split to compare with.

    Raises:
        JudgeError: if a file is missing or damaged, or the judge was trained on other data.
    """
    judge, card = load_judge(folder, data_hash)
    return JudgeContext(judge, card, make_reference(judge, test, card.settings))


@dataclass(frozen=True, slots=True, eq=False)
class JudgedModel(EvaluatedModel):
    """A model with what several measures use, and the judge of what it draws.

    Attributes:
        context: the judge and its real images.
    """

    context: JudgeContext

    @classmethod
    def of(cls, subject: EvaluatedModel, context: JudgeContext) -> "JudgedModel":
        """The same model with a judge."""
        known = {field.name: getattr(subject, field.name) for field in fields(subject)}
        return cls(**known, context=context)
