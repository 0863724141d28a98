"""Stage ``prepare``: verify the images, split them and write the prepared file."""

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

import pipeline.data
import pipeline.data.sources
from pipeline.command import Command
from pipeline.data.sources import load_source
from pipeline.errors import UserError
from pipeline.schemas.data_card import DataCard
from pipeline.schemas.fingerprint import file_sha256, fingerprint_of, source_hash
from pipeline.schemas.record import read_record, write_record
from pipeline.settings import DataSettings, load_settings

if TYPE_CHECKING:
    from pipeline.data.prepared import PreparedData

CODE = source_hash(pipeline.data, pipeline.data.sources)
DECIDING = ("numpy", "torch", "safetensors")  # libraries whose version may change the file


@click.command(
    cls=Command, epilog="Example: python -m pipeline.stages.prepare --out data/prepared.safetensors"
)
@click.option(
    "--params",
    type=click.Path(path_type=Path),
    default="params.yaml",
    show_default=True,
    help="Settings file; only its section data is used.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default="data/prepared.safetensors",
    show_default=True,
    help="Output file.",
)
def main(params: Path, out: Path) -> None:
    """Verify the images, split them and write the prepared file.

    Also writes a description next to it, with the suffix .json: names, sizes and hashes.
    """
    settings = load_settings(params).data
    source = load_source(settings)
    wanted = data_fingerprint(settings, source.checksums)
    if finished_data(out) == wanted:
        click.echo("the prepared data are up to date")
        return
    # Imported here, because torch takes seconds: --help and errors in the input appear at once.
    from pipeline.data.prepared import prepare, save_prepared

    data = prepare(source, settings)
    save_prepared(out, data)
    write_record(out.with_suffix(".json"), data_card(data, wanted, file_sha256(out)))
    height, width = data.image_shape
    counts = ", ".join(f"{len(split)} {name}" for name, split in data.splits.items())
    click.echo(f"{data.name}: {counts} images of {height} x {width}, {len(data.classes)} classes")
    click.echo(f"hash {data.hash[:12]}, written to {out}")


def data_fingerprint(settings: DataSettings, checksums: Mapping[str, str]) -> str:
    """Return a hash of everything that decides the prepared file.

    Args:
        settings: section ``data``.
        checksums: SHA-256 of each verified source file.
    """
    return fingerprint_of(
        {
            "settings": settings.model_dump(mode="json"),
            "checksums": dict(checksums),
            "code": CODE,
            "versions": [importlib.metadata.version(name) for name in DECIDING],
        }
    )


def finished_data(path: Path) -> str | None:
    """Return the fingerprint of a prepared file; None unless it is complete and intact."""
    try:
        card = read_record(DataCard, path.with_suffix(".json"))
        return card.fingerprint if file_sha256(path) == card.sha256 else None
    except (OSError, UserError):
        return None


def data_card(data: "PreparedData", fingerprint: str, sha256: str) -> DataCard:
    """Return the description of the data, which can be read without torch.

    Args:
        data: the prepared data.
        fingerprint: from ``data_fingerprint``.
        sha256: hash of the prepared file.
    """
    return DataCard(
        name=data.name,
        classes=data.classes,
        fingerprint=fingerprint,
        sha256=sha256,
        hash=data.hash,
        sizes={name: len(split) for name, split in data.splits.items()},
        split_hashes=dict(data.split_hashes),
        checksums=dict(data.checksums),
        settings=dict(data.settings),
    )


if __name__ == "__main__":
    main()
