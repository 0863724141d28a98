"""Stage ``prepare``: verify the images, split them and write the prepared file."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.data.sources.official import load_source
from pipeline.schemas.data_card import DataCard
from pipeline.schemas.record import write_record
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pipeline.data.prepared import PreparedData


@click.command(epilog="Example: python -m pipeline.stages.prepare --out data/prepared.safetensors")
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
    # Imported here, because torch takes seconds: --help and errors in the input appear at once.
    from pipeline.data.prepared import prepare, save_prepared

    data = prepare(source, settings)
    save_prepared(out, data)
    write_record(out.with_suffix(".json"), _card(data))
    height, width = data.image_shape
    counts = ", ".join(f"{len(split)} {name}" for name, split in data.splits.items())
    click.echo(f"{data.name}: {counts} images of {height} x {width}, {len(data.classes)} classes")
    click.echo(f"hash {data.hash[:12]}, written to {out}")


def _card(data: "PreparedData") -> DataCard:
    """Return the description of the data, which can be read without torch."""
    return DataCard(
        name=data.name,
        classes=data.classes,
        hash=data.hash,
        sizes={name: len(split) for name, split in data.splits.items()},
        split_hashes=dict(data.split_hashes),
        checksums=dict(data.checksums),
        settings=dict(data.settings),
    )


if __name__ == "__main__":
    main()
