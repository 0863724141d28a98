"""What makes two numbers comparable, and the refusal to compare others. Free of torch."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

from pipeline.errors import UserError


class ProtocolError(UserError):
    """Numbers of different protocols were about to enter one table."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a number was obtained; stored beside every one.

    Attributes:
        data: name of the data set.
        split: the split that was measured.
        split_hash: content hash of that split, fixed binarised draw included.
        likelihood: ``bernoulli``, ``continuous-bernoulli`` or ``gaussian``.
        binarisation: ``none``, ``dynamic`` or ``static``.
        checkpoint: ``last`` or ``best`` validation epoch.
        arithmetic: of the training, ``float32`` or ``bfloat16``; ``precision`` is a metric.
        judge: hash of the weights of the judge that some of the numbers are by; empty where none
            had a part in them.
    """

    data: str
    split: str
    split_hash: str
    likelihood: str
    binarisation: str
    checkpoint: str
    arithmetic: str
    judge: str = ""

    def as_dict(self) -> dict[str, str]:
        """The fields in their order, as they stand in config.json and metrics.csv."""
        return asdict(self)

    @property
    def is_likelihood(self) -> bool:
        """Whether the ELBO bounds a log-likelihood."""
        return is_likelihood(self.likelihood, self.binarisation)


def is_likelihood(likelihood: str, binarisation: str) -> bool:
    """Whether p(x|z) is a likelihood: a Bernoulli on grey pixels is a cross-entropy."""
    return not (likelihood == "bernoulli" and binarisation == "none")


PROTOCOL_FIELDS = tuple(field.name for field in fields(Protocol))


def require_same_protocol(protocols: Iterable[Protocol], where: str) -> Protocol:
    """The one protocol that all share.

    Args:
        protocols: at least one.
        where: what is about to be made of them, for the message.

    Raises:
        ProtocolError: if they differ, naming each field that does and its values.
    """
    distinct = list(dict.fromkeys(protocols))
    if not distinct:
        raise ProtocolError(f"{where}: there is no run to compare; run `dvc repro evaluate` first")
    if len(distinct) == 1:
        return distinct[0]
    differing = []
    for name in PROTOCOL_FIELDS:
        values = sorted({str(getattr(protocol, name)) for protocol in distinct})
        if len(values) > 1:
            differing.append(f"{name} ({' / '.join(values)})")
    raise ProtocolError(
        f"{where}: the runs differ in {', '.join(differing)}, so their numbers cannot be compared; "
        "train and evaluate them under one protocol"
    )
