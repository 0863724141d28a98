"""The protocol that decides whether two numbers can be compared. Free of torch."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

from pipeline.errors import UserError


class ProtocolError(UserError):
    """Numbers with different protocols cannot be compared."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a number was obtained; stored with every number.

    Attributes:
        data: name of the data set.
        split: the split that was measured.
        split_hash: content hash of that split, fixed binarised draw included.
        likelihood: ``bernoulli``, ``continuous-bernoulli`` or ``gaussian``.
        binarisation: ``none``, ``dynamic`` or ``static``.
        checkpoint: ``last`` or ``best`` validation epoch.
        arithmetic: precision of training, ``float32`` or ``bfloat16``. It is not called
            ``precision``, which is a metric.
        judge: hash of the judge's weights, for numbers that depend on a judge; empty for others.
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
        """Return the fields in their order in config.json and metrics.csv."""
        return asdict(self)

    @property
    def is_likelihood(self) -> bool:
        """Whether the ELBO bounds a log-likelihood."""
        return is_likelihood(self.likelihood, self.binarisation)


def is_likelihood(likelihood: str, binarisation: str) -> bool:
    """Return whether p(x|z) is a likelihood: a Bernoulli on grey pixels is only a cross-entropy."""
    return not (likelihood == "bernoulli" and binarisation == "none")


PROTOCOL_FIELDS = tuple(field.name for field in fields(Protocol))


def require_same_protocol(protocols: Iterable[Protocol], where: str) -> Protocol:
    """Return the one protocol that all share.

    Args:
        protocols: at least one.
        where: what the numbers are needed for, such as a table; begins the message.

    Raises:
        ProtocolError: if they differ; the message names each such field and its values.
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
        "train and evaluate them with the same protocol"
    )
