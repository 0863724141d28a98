"""The judge and the real images that every model is compared with."""

from dataclasses import dataclass, fields
from pathlib import Path

from pipeline.data.prepared import Split
from pipeline.evaluation.evaluated_model import EvaluatedModel
from pipeline.judge.classifier import Judge, load_judge
from pipeline.judge.reference import Reference, make_reference
from pipeline.schemas.judge_card import JudgeCard


@dataclass(frozen=True, slots=True, eq=False)
class JudgeContext:
    """A judge and its output for the real images.

    Attributes:
        judge: in eval mode.
        card: the judge's card.
        reference: its output for the test images.
    """

    judge: Judge
    card: JudgeCard
    reference: Reference


def load_context(folder: Path, data_hash: str, test: Split) -> JudgeContext:
    """Load a judge and apply it to the test images, once for all models of a process.

    Args:
        folder: contains ``model.safetensors`` and ``judge.json``.
        data_hash: hash of the prepared file that contains the split.
        test: the split to compare with.

    Raises:
        JudgeError: if a file is missing or damaged, or the judge was trained on other data.
    """
    judge, card = load_judge(folder, data_hash)
    return JudgeContext(judge, card, make_reference(judge, test, card.settings))


@dataclass(frozen=True, slots=True, eq=False)
class JudgedModel(EvaluatedModel):
    """A model with what several measures need, including a judge.

    Attributes:
        context: the judge and its output for the real images.
    """

    context: JudgeContext

    @classmethod
    def of(cls, subject: EvaluatedModel, context: JudgeContext) -> "JudgedModel":
        """Return the same model with a judge."""
        known = {field.name: getattr(subject, field.name) for field in fields(subject)}
        return cls(**known, context=context)
