"""Linear and convolutional VAEs: building them from settings, saving and loading them."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from pipeline.models.likelihoods import OBSERVATIONS
from pipeline.schemas.run_card import CONFIG, WEIGHTS, ModelError, RunCard, load_card
from pipeline.settings import Activation, Likelihood, RunSettings
from pipeline.settings.sizes import require_trainable

ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "silu": nn.SiLU,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
}

# Scale of the initial weights relative to He's. On mnist-5k the final ELBO of linear models with 5,
# 10 and 20 dimensions is 0.4 to 0.6 nats better at 0.8 than at 1 (five seeds each); at 0.7 a
# dimension sometimes stays inactive.
SCALE = 0.8

KERNEL, STRIDE, PADDING = 4, 2, 1  # halves each side, rounded down

Layer = nn.Linear | nn.Conv2d | nn.ConvTranspose2d  # all layers with weights


@dataclass(frozen=True, slots=True)
class ImageShape:
    """Height and width of the one-channel images, in pixels."""

    height: int
    width: int

    @property
    def pixels(self) -> int:
        """Number of pixels in an image."""
        return self.height * self.width

    def halved(self) -> "ImageShape":
        """The shape after one stride-2 block."""
        return ImageShape(self.height // STRIDE, self.width // STRIDE)


class VAE(nn.Module):
    """A variational auto-encoder with a diagonal Gaussian posterior and a standard normal prior.

    ``encoder`` maps (B, 1, H, W) to (B, 2d), ``decoder`` maps (B, d) to (B, 1, H, W).
    """

    log_scale: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        latent_dim: int,
        likelihood: Likelihood,
        scale: float | str,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.latent_dim = latent_dim
        self.likelihood: Likelihood = likelihood
        # A scalar that only the Gaussian uses; a parameter only if it is learned.
        learned = likelihood == "gaussian" and scale == "learned"
        start = torch.tensor(math.log(0.3) if isinstance(scale, str) else math.log(scale))
        if learned:
            self.log_scale = nn.Parameter(start)
        else:
            self.register_buffer("log_scale", start)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, 1, H, W) in [0, 1] to the mean and log-variance of q(z|x), each (B, d)."""
        mu, log_var = self.encoder(x).chunk(2, dim=1)
        return mu, log_var

    def decode(self, z: Tensor) -> Tensor:
        """Map (B, d) to logits (B, 1, H, W); for the Gaussian these are its mean."""
        logits: Tensor = self.decoder(z)
        return logits

    def log_prob(self, logits: Tensor, x: Tensor) -> Tensor:
        """Return log p(x|z) in nats, summed over pixels: (B,), or (B, K) if x broadcasts."""
        return OBSERVATIONS[self.likelihood].log_prob(logits, x, self.log_scale)

    def mean(self, logits: Tensor) -> Tensor:
        """Return E[x|z], the image to show, with the shape of ``logits``."""
        return OBSERVATIONS[self.likelihood].mean(logits)

    @torch.no_grad()
    def mean_images(self, codes: Tensor, batch_size: int = 500) -> Tensor:
        """Decode latent codes to mean images: (..., d) -> (N, 1, H, W) in [0, 1].

        Args:
            codes: on the model's device; N is the product of all axes but the last.
            batch_size: number of codes to decode at once.

        Returns:
            E[x|z] in the order of the codes. A Gaussian's mean is clipped to [0, 1].
        """
        parts = codes.reshape(-1, codes.shape[-1]).split(batch_size)
        return torch.cat([self.mean(self.decode(part)) for part in parts]).clamp(0, 1)

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return the mean images of n draws from the prior: (n, 1, H, W)."""
        z = torch.randn(n, self.latent_dim, generator=generator, device=generator.device)
        return self.mean(self.decode(z.to(self.log_scale.device)))

    @property
    def parameter_count(self) -> int:
        """Number of trainable parameters."""
        return sum(parameter.numel() for parameter in self.parameters())


def build_model(settings: RunSettings, shape: ImageShape) -> VAE:
    """Build the VAE that the settings describe, with uninitialised weights.

    Raises:
        ModelError: if the images are too small for the number of stride-2 blocks, or the model is
            too large to be trained.
    """
    try:
        require_trainable(settings, shape.height, shape.width)
    except ValueError as error:
        raise ModelError(f"train.model: {error}") from None
    # On the meta device, layers do not initialise their weights; see ``initialise``.
    with torch.device("meta"):
        if settings.architecture == "linear":
            encoder, decoder = _linear(settings, shape)
        else:
            encoder, decoder = _conv(settings, shape)
    _allocate(encoder)
    _allocate(decoder)
    return VAE(encoder, decoder, settings.latent_dim, settings.likelihood, settings.scale)


class FlattenPositions(nn.Module):
    """Flatten (B, C, H, W) to (B, H W C), the memory order of channels-last tensors."""

    def forward(self, x: Tensor) -> Tensor:
        """Return a view of a channels-last tensor; nn.Flatten would copy, 5 % of a step."""
        return x.permute(0, 2, 3, 1).flatten(1)


class UnflattenPositions(nn.Module):
    """Unflatten (B, H W C) to (B, C, H, W), the inverse of ``FlattenPositions``."""

    def __init__(self, channels: int, shape: ImageShape) -> None:
        super().__init__()
        self._sizes = (shape.height, shape.width, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return a view in the channels-last layout."""
        image: Tensor = x.unflatten(1, self._sizes)
        return image.permute(0, 3, 1, 2)


class TransposedConv(nn.ConvTranspose2d):
    """A transposed convolution that adds its bias in a separate step.

    Same weights and result. The CPU kernel takes as long for the gradient of the bias as for that
    of the weights: in bfloat16, with 128 images, 32 and 64 channels, a whole training step takes
    45 ms with it and 40 ms this way.
    """

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Map (B, C, H, W) to (B, C', 2 H + lost, 2 W + lost)."""
        assert output_size is None
        assert self.bias is not None
        image = F.conv_transpose2d(x, self.weight, None, STRIDE, PADDING, self.output_padding)
        return image + self.bias.to(image.dtype).view(1, -1, 1, 1)


class OneChannelTransposedConv(TransposedConv):
    """A transposed convolution with one output channel, as a matrix product.

    Same weights and result. The CPU kernel does not exploit the single channel: in bfloat16, with
    128 images and 32 channels, a training step of the default model takes 51 ms with it and 42 ms
    this way.
    """

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Map (B, C, H, W) to (B, 1, 2 H + lost, 2 W + lost)."""
        assert output_size is None
        assert self.bias is not None
        _, channels, height, width = x.shape
        size = tuple(
            STRIDE * side + lost
            for side, lost in zip((height, width), self.output_padding, strict=True)
        )
        # Each input position adds a patch of KERNEL x KERNEL numbers to the image.
        patches = x.permute(0, 2, 3, 1).flatten(1, 2) @ self.weight.reshape(channels, KERNEL**2)
        patches = patches.to(torch.promote_types(patches.dtype, torch.float32))
        image = F.fold(patches.transpose(1, 2), size, KERNEL, padding=PADDING, stride=STRIDE)
        return image + self.bias.to(image.dtype).view(1, 1, 1, 1)


def _allocate(module: nn.Module) -> None:
    """Move a module from the meta device to uninitialised memory on the CPU."""
    # Like to_empty, which would import sympy: 2 s in each process.
    for part in module.modules():
        for name, parameter in part.named_parameters(recurse=False):
            setattr(part, name, nn.Parameter(torch.empty(parameter.shape)))


def _linear(settings: RunSettings, shape: ImageShape) -> tuple[nn.Sequential, nn.Sequential]:
    activation = ACTIVATIONS[settings.activation]
    encoder_widths = [shape.pixels, *settings.hidden, 2 * settings.latent_dim]
    decoder_widths = [settings.latent_dim, *reversed(settings.hidden), shape.pixels]
    return (
        nn.Sequential(nn.Flatten(), *_affine_chain(encoder_widths, activation)),
        nn.Sequential(
            *_affine_chain(decoder_widths, activation),
            nn.Unflatten(1, (1, shape.height, shape.width)),
        ),
    )


def _affine_chain(widths: Sequence[int], activation: type[nn.Module]) -> list[nn.Module]:
    """Return affine maps with activations between them, but none after the last."""
    layers: list[nn.Module] = []
    for width_in, width_out in pairwise(widths):
        layers += [nn.Linear(width_in, width_out), activation()]
    return layers[:-1]


def _conv(settings: RunSettings, shape: ImageShape) -> tuple[nn.Sequential, nn.Sequential]:
    activation = ACTIVATIONS[settings.activation]
    shapes = [shape]
    for _ in settings.channels:
        shapes.append(shapes[-1].halved())
    channels = [1, *settings.channels]
    features = channels[-1] * shapes[-1].pixels

    encoder: list[nn.Module] = []
    for channels_in, channels_out in pairwise(channels):
        encoder += [nn.Conv2d(channels_in, channels_out, KERNEL, STRIDE, PADDING), activation()]
    dense = settings.conv_hidden
    encoder.append(FlattenPositions())
    encoder += _affine_chain([features, *dense, 2 * settings.latent_dim], activation)

    decoder = _affine_chain([settings.latent_dim, *reversed(dense), features], activation)
    decoder += [
        activation(),
        UnflattenPositions(channels[-1], shapes[-1]),
    ]
    for block in reversed(range(len(settings.channels))):
        larger, smaller = shapes[block], shapes[block + 1]
        # Halving an odd side lost its last row or column, which is restored here.
        lost = (larger.height - STRIDE * smaller.height, larger.width - STRIDE * smaller.width)
        layer = TransposedConv if block else OneChannelTransposedConv
        decoder += [
            layer(
                channels[block + 1], channels[block], KERNEL, STRIDE, PADDING, output_padding=lost
            ),
            activation(),
        ]
    return nn.Sequential(*encoder), nn.Sequential(*decoder[:-1])


def initialise(model: VAE, mean_image: Tensor, generator: torch.Generator) -> None:
    """Initialise weights as in He et al. 2015 (arXiv 1502.01852), scaled, and biases to 0.

    The decoder's last bias is set to the mean of the data, which would take an epoch to learn.

    Args:
        model: the VAE, on the CPU.
        mean_image: (H, W) in [0, 1], the mean of the training split.
        generator: on the CPU; the only source of randomness.
    """
    layers = layers_of(model)
    with torch.no_grad():
        for layer in layers:
            layer.weight.normal_(0, SCALE * math.sqrt(2 / fan_in(layer)), generator=generator)
            assert layer.bias is not None
            layer.bias.zero_()
        output = layers[-1]
        # A transposed convolution has a single bias for all pixels.
        mean = mean_image.flatten() if isinstance(output, nn.Linear) else mean_image.mean()
        assert output.bias is not None
        output.bias.copy_(OBSERVATIONS[model.likelihood].inverse_mean(mean))


def layers_of(module: nn.Module) -> list[Layer]:
    """Return all layers with weights, from the encoder's first to the decoder's last."""
    return [part for part in module.modules() if isinstance(part, Layer)]


def fan_in(layer: Layer) -> int:
    """Return the number of inputs of one output."""
    if isinstance(layer, nn.Linear):
        return layer.in_features
    if isinstance(layer, nn.ConvTranspose2d):
        return layer.in_channels * (KERNEL // STRIDE) ** 2
    return layer.in_channels * KERNEL**2


# --- folders ----------------------------------------------------------------------------------


def save_weights(folder: Path, model: VAE) -> None:
    """Write ``model.safetensors``, in float32, into an existing folder."""
    weights = {name: value.cpu().contiguous() for name, value in model.state_dict().items()}
    (folder / WEIGHTS).write_bytes(save(weights))


def load_model(folder: Path | str) -> VAE:
    """Load the VAE of a model folder: in eval mode, float32, on the CPU.

    Raises:
        ModelError: if a file is missing or damaged, or if the files do not match.
    """
    folder = Path(folder)
    card = load_card(folder)
    model = build_model(card.settings, ImageShape(card.image.height, card.image.width))
    path = folder / WEIGHTS
    try:
        weights = path.read_bytes()
        if hashlib.sha256(weights).hexdigest() != card.sha256.get(WEIGHTS):
            raise RunCard.unusable(path, f"is damaged: its hash does not match {CONFIG}")
        model.load_state_dict(load(weights))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise RunCard.unusable(path, f"cannot be loaded: {error}") from None
    return model.eval()
