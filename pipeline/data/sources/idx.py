"""IDX files, the format of MNIST and similar data sets: official contents and a strict reader.

Shapes: N images of H rows and W columns. Free of torch.
"""

import gzip
import hashlib
import io
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

CLASS_COUNT = 10
DIGITS = tuple(str(digit) for digit in range(CLASS_COUNT))
GARMENTS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

GZIP_MAGIC = b"\x1f\x8b"
MAGIC_CONTENT = {2049: "labels", 2051: "images"}


@dataclass(frozen=True, slots=True)
class IdxFile:
    """The required content of one IDX file.

    Attributes:
        name: file name without ``.gz``.
        shape: (N, H, W) for images or (N,) for labels.
        sha256: hash of the official content, uncompressed, so that compression does not matter.
        variants: other contents that are accepted with a warning, SHA-256 -> how they differ.
    """

    name: str
    shape: tuple[int, ...]
    sha256: str
    variants: Mapping[str, str] = field(default_factory=dict)

    @property
    def magic(self) -> int:
        """The number at the start of the file: 0x08 for bytes, then the number of dimensions."""
        return 0x0800 | len(self.shape)

    @property
    def header_size(self) -> int:
        """Number of bytes before the values: a magic number and each dimension, 4 bytes each."""
        return 4 * (1 + len(self.shape))

    @property
    def size(self) -> int:
        """Number of bytes, uncompressed."""
        return self.header_size + math.prod(self.shape)

    @property
    def most(self) -> int:
        """Most bytes that are read, packed or unpacked: gzip adds little if it saves nothing."""
        return self.size + self.size // 100 + 10_000


@dataclass(frozen=True, slots=True)
class IdxSet:
    """A data set in four IDX files.

    Attributes:
        name: name of the data set, as in ``data.name``.
        classes: name of each class.
        torchvision: name of its class in ``torchvision.datasets``, and of its folder there.
        train_images: file of the training images; the others likewise.
        mirrors: URLs to which a file's name is appended; None for those of torchvision.
    """

    name: str
    classes: tuple[str, ...]
    torchvision: str
    train_images: IdxFile
    train_labels: IdxFile
    test_images: IdxFile
    test_labels: IdxFile
    mirrors: tuple[str, ...] | None = None

    @property
    def files(self) -> tuple[IdxFile, IdxFile, IdxFile, IdxFile]:
        """Training images and labels, then test images and labels."""
        return self.train_images, self.train_labels, self.test_images, self.test_labels


IDX_SETS: Mapping[str, IdxSet] = {
    "mnist": IdxSet(
        name="mnist",
        classes=DIGITS,
        torchvision="MNIST",
        train_images=IdxFile(
            "train-images-idx3-ubyte",
            (60_000, 28, 28),
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            variants={
                "b61ffb6f513fd9ff8d89824731f6b4ed7863c759c33056d701efb8412469fb04": (
                    "0.05 % of the pixels, those of intensity 1, read 0"
                )
            },
        ),
        train_labels=IdxFile(
            "train-labels-idx1-ubyte",
            (60_000,),
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        test_images=IdxFile(
            "t10k-images-idx3-ubyte",
            (10_000, 28, 28),
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        test_labels=IdxFile(
            "t10k-labels-idx1-ubyte",
            (10_000,),
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    "fashion-mnist": IdxSet(
        name="fashion-mnist",
        classes=GARMENTS,
        torchvision="FashionMNIST",
        train_images=IdxFile(
            "train-images-idx3-ubyte",
            (60_000, 28, 28),
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        train_labels=IdxFile(
            "train-labels-idx1-ubyte",
            (60_000,),
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        test_images=IdxFile(
            "t10k-images-idx3-ubyte",
            (10_000, 28, 28),
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        test_labels=IdxFile(
            "t10k-labels-idx1-ubyte",
            (10_000,),
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
}


class IdxError(ValueError):
    """Invalid content of an IDX file, on disk or downloaded."""


@dataclass(frozen=True, slots=True, eq=False)
class IdxContent:
    """The verified content of an IDX file.

    Attributes:
        values: uint8 of the required shape.
        sha256: hash of the uncompressed content.
        variant: how it differs from the official content; None if it does not.
    """

    values: Bytes
    sha256: str
    variant: str | None


def decode_idx(file: IdxFile, payload: bytes) -> IdxContent:
    """Decode and verify the content of an IDX file, gzipped or plain.

    torchvision's reader is not used: it accepts a flipped bit, does not notice that there are 50
    labels for 100 images until image 51 is read, and fails on a web page with an assertion
    without a message.

    Raises:
        IdxError: for the first rule that the content breaks.
    """
    if len(payload) > file.most:
        raise IdxError(f"is too large: it has more than {file.most:,} bytes")
    # By content, not by name: some browsers unpack a .gz file but keep its name.
    raw = _decompress(payload, file.most + 1) if payload.startswith(GZIP_MAGIC) else payload
    _check_frame(file, raw)
    # A copy, because torch requires writable memory.
    values = np.frombuffer(raw, np.uint8, offset=file.header_size).reshape(file.shape).copy()
    if len(file.shape) == 1 and values.max(initial=0) >= CLASS_COUNT:
        at = int(np.argmax(values >= CLASS_COUNT))
        raise IdxError(f"label {at} is {values[at]}, but labels are 0 to {CLASS_COUNT - 1}")
    sha256 = hashlib.sha256(raw).hexdigest()
    if sha256 != file.sha256 and sha256 not in file.variants:
        raise IdxError(_foreign(file.name, sha256, file.sha256))
    return IdxContent(values, sha256, file.variants.get(sha256))


def _decompress(payload: bytes, most: int) -> bytes:
    """Unpack at most this many bytes: 4 MB of gzip can hold 4 GB."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(payload)) as file:
            return file.read(most)
    except EOFError:
        raise IdxError("is a truncated gzip file") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise IdxError(f"is a corrupt gzip file ({error})") from None


def _check_frame(file: IdxFile, raw: bytes) -> None:
    """Check magic number, shape and length of an uncompressed IDX file."""
    content, header = MAGIC_CONTENT[file.magic], file.header_size
    if not raw:
        raise IdxError("is empty")
    if raw[:64].lstrip().startswith(b"<"):
        raise IdxError("is a web page, not data: it was saved instead of the download")
    if len(raw) < header:
        raise IdxError(f"is truncated: {len(raw)} bytes, but the header alone takes {header}")
    magic, *shape = struct.unpack(f">{header // 4}I", raw[:header])
    if magic != file.magic:
        if magic in MAGIC_CONTENT:
            raise IdxError(
                f"holds {MAGIC_CONTENT[magic]} (magic number {magic}) where {content} "
                f"({file.magic}) belong: two files may be swapped"
            )
        raise IdxError(
            f"is not an IDX file: it starts with {raw[:8]!r}, but IDX {content} start with the "
            f"magic number {file.magic}"
        )
    if tuple(shape) != file.shape:
        raise IdxError(
            f"holds {_count(shape, content)}, but must hold {_count(file.shape, content)}"
        )
    if len(raw) != file.size:
        state = "is truncated" if len(raw) < file.size else "has trailing bytes"
        more = " or more" if len(raw) > file.most else ""
        raise IdxError(
            f"{state}: {len(raw)} bytes{more}, but {_count(file.shape, content)} take {file.size}"
        )


def _count(shape: Sequence[int], content: str) -> str:
    """Return ``60000 images of 28 x 28``."""
    size = " x ".join(map(str, shape[1:]))
    return f"{shape[0]} {content}" + (f" of {size}" if size else "")


def _foreign(name: str, found: str, official: str) -> str:
    """Explain content that is well-formed but not the official one."""
    # The sets use the same file names, so a data.root of another set is a likely mistake.
    for idx_set in IDX_SETS.values():
        for file in idx_set.files:
            if file.name == name and (file.sha256 == found or found in file.variants):
                return f"is the file of {idx_set.name}: data.root or data.name may be wrong"
    return (
        f"is altered: its content has sha256 {found[:12]}..., but the official content has "
        f"{official[:12]}..."
    )
