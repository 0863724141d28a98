"""pythae's trainer and estimator with the networks of `peers.plain_torch`.

All network sizes are the same, so that only the trainers and estimators differ.
"""

import contextlib
import io
import logging
import os
import tempfile
import threading
import time
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from tqdm import tqdm

from benchmarks.peers import plain_torch

# Read when pythae is imported; without it, pythae may contact a server.
os.environ.setdefault("WANDB_MODE", "disabled")

from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback

# tqdm's default lock between processes would be left behind when the measuring process ends.
tqdm.set_lock(threading.RLock())


class Encoder(BaseEncoder):
    """The encoder of a plain network, with the interface of pythae."""

    def __init__(self, network: plain_torch.LinearVAE) -> None:
        BaseEncoder.__init__(self)
        self.network = network
        self.latent_dim = plain_torch.LATENT

    def forward(self, x: Tensor) -> ModelOutput:
        mu, log_var = self.network.encode(x)
        return ModelOutput(embedding=mu, log_covariance=log_var)


class Decoder(BaseDecoder):
    """The decoder of a plain network; pythae's cross-entropy expects means, not logits."""

    def __init__(self, network: plain_torch.LinearVAE) -> None:
        BaseDecoder.__init__(self)
        self.network = network

    def forward(self, z: Tensor) -> ModelOutput:
        image = torch.sigmoid(self.network.decode(z)).view(-1, 1, 28, 28)
        return ModelOutput(reconstruction=image)


def build(architecture: str, seed: int) -> nn.Module:
    """Build pythae's VAE from the encoder of one plain network and the decoder of another."""
    torch.manual_seed(seed)
    config = VAEConfig(
        input_dim=(1, 28, 28), latent_dim=plain_torch.LATENT, reconstruction_loss="bce"
    )
    network = plain_torch.MODELS[architecture]
    encoder, decoder = Encoder(network()), Decoder(network())
    for unused in ("up", "out"):
        if hasattr(encoder.network, unused):
            delattr(encoder.network, unused)
    for unused in ("hidden", "down", "mu", "log_var"):
        if hasattr(decoder.network, unused):
            delattr(decoder.network, unused)
    return VAE(config, encoder=encoder, decoder=decoder)


class EpochEnds(TrainingCallback):
    """Record the time at the end of each epoch."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_epoch_end(self, training_config: object, **kwargs: object) -> None:
        self.times.append(time.perf_counter())


def images_per_second(
    architecture: str, images: npt.NDArray[np.uint8], epochs: int, seed: int
) -> float:
    """Return the throughput of BaseTrainer after the first epoch, without an evaluation split."""
    data = torch.from_numpy(images).unsqueeze(1).float() / 255
    ends = EpochEnds()
    with tempfile.TemporaryDirectory() as folder, quiet():
        config = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=epochs,
            per_device_train_batch_size=plain_torch.BATCH,
            learning_rate=plain_torch.LEARNING_RATE,
            no_cuda=True,
            seed=seed,
        )
        trainer = BaseTrainer(
            model=build(architecture, seed),
            train_dataset=BaseDataset(data, torch.zeros(len(data))),
            training_config=config,
            callbacks=[ends],
        )
        trainer.train()
    return (epochs - 1) * len(data) / (ends.times[-1] - ends.times[0])


def nll_seconds(model: nn.Module, images: Tensor, samples: int) -> float:
    """Return the seconds of `get_nll` with its default batch size."""
    model.eval()
    start = time.perf_counter()
    with quiet():
        model.get_nll(images, n_samples=samples)
    return time.perf_counter() - start


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Discard pythae's progress bars, which would otherwise slow down every batch."""
    logging.disable(logging.INFO)
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        yield
