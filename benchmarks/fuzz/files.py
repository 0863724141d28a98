"""Cases of raw images, prepared data, records in JSON, and tables."""

import gzip
import json
import math
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from ruamel.yaml import YAML

from benchmarks.fuzz.case import Case
from benchmarks.fuzz.settings import damaged
from pipeline.data.sources.idx import IDX_SETS, IdxFile
from pipeline.schemas.tables import GRID_EPOCHS, RUN_METRICS, TRIALS, Table

PREPARED = "data/prepared.safetensors"
CELLS = (
    *("", "x", "-1", "0", "1", "1.5", "nan", "inf", "1e999", "9" * 5000, "true", "True", "null"),
    *("[", "[" * 5000, "[1, x]", "[[1]]", "{}", '{"a": null}', '"', "\x1b[31m", "a\nb", "\u202e"),
    *(
        "../../../etc/passwd",
        "linear",
        "conv",
        "learned",
        "silu",
        "complete",
        "[400]",
        "x" * 200_000,
    ),
)
JSON = (None, True, -1, 1e308, 10**400, "", "a\nb\x1b[31m", [], {}, [[]], "\u202e", math.nan)
CONTENTS: tuple[Callable[[Random, IdxFile], bytes], ...] = (
    lambda random, file: b"",
    lambda random, file: b"<!DOCTYPE html><title>Sign in</title>",
    lambda random, file: _idx(file)[: random.randrange(64)],
    lambda random, file: _idx(file) + bytes(1_000_000),
    lambda random, file: struct.pack(">4I", *(random.choice((0, 2051, 2**32 - 1)) for _ in "abcd")),
    lambda random, file: gzip.compress(bytes(60_000_000), 9),
    lambda random, file: gzip.compress(bytes(1 << 22), 9) * 300,  # unpacks to more than 1 GB
    lambda random, file: gzip.compress(b"") * 50_000,
    lambda random, file: gzip.compress(_idx(file)),
    lambda random, file: damaged(random, gzip.compress(_idx(file))),
    lambda random, file: gzip.compress(gzip.compress(_idx(file))),
    lambda random, file: random.randbytes(random.randrange(3000)),
)


def cases(random: Random, folder: Path) -> Iterator[Case]:
    """Yield cases without end; all of them must be refused.

    Args:
        random: decides everything.
        folder: the project that is copied; its prepared data and records are damaged.
    """
    makers = [_raw, _trials, _results]
    if (folder / PREPARED).exists():
        makers += [_prepared, _header]
    while True:
        yield random.choice(makers)(random, folder)


def _params(folder: Path, **data: Any) -> bytes:
    """The project's settings with other images."""
    content = YAML(typ="safe", pure=True).load((folder / "params.yaml").read_text("utf-8"))
    return json.dumps(content | {"data": content["data"] | data}).encode()


def _idx(file: IdxFile) -> bytes:
    """A file of the right size with wrong pixels."""
    return struct.pack(f">{1 + len(file.shape)}I", file.magic, *file.shape) + bytes(
        math.prod(file.shape)
    )


def _raw(random: Random, folder: Path) -> Case:
    """Raw images: damaged, of another kind, or compressed without measure, under many names."""
    spellings = ("{}", "{}.gz", "{0}/{0}", "raw/{}", "MNIST/raw/{}.gz", "{}.zip", "\x1b[31m{}")
    spelling, dot = random.choice(spellings), random.choice(("-", "-", ".", "_"))
    files = {"params.yaml": _params(folder, name="mnist", root="images", download=False)}
    for file in IDX_SETS["mnist"].files[: random.choice((4, 4, 3))]:
        name = file.name.replace("-idx", f"{dot}idx")
        content = random.choice(CONTENTS)(random, file)
        files[f"images/{spelling.format(name)}"] = content
    return Case("raw images", ("prepare",), files, valid=False)


def _prepared(random: Random, folder: Path) -> Case:
    """Prepared data with damaged bytes; those of other settings are refused when intact."""
    content = (folder / PREPARED).read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    head = damaged(random, content[:start]) if random.random() < 0.7 else content[:start]
    body = content[start:] if random.random() < 0.7 else damaged(random, content[start:])
    return _search_in(folder, head + body)


def _header(random: Random, folder: Path) -> Case:
    """Prepared data whose header is well-formed, but says something else."""
    content = (folder / PREPARED).read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    match random.randrange(5):
        case 0:
            tensor = header[random.choice([name for name in header if name != "__metadata__"])]
            tensor["dtype"] = random.choice(("BF16", "F8_E4M3", "BOOL", "I8", "F4", "U64", "X"))
        case 1:
            tensor = header[random.choice([name for name in header if name != "__metadata__"])]
            tensor["shape"] = random.choice(([], [0], [2**62, 4], [-1], tensor["shape"][::-1]))
        case 2:
            metadata = json.loads(header["__metadata__"]["prepared"])
            header["__metadata__"]["prepared"] = json.dumps(_changed(random, metadata))
        case 3:
            header["__metadata__"]["prepared"] = "x" * random.choice((10, 2_000_000))
        case _:
            header = _changed(random, header)
    written = json.dumps(header).encode()
    size = len(written) if random.random() < 0.8 else random.choice((0, 2**40, 2**64 - 1))
    return _search_in(folder, struct.pack("<Q", size) + written + content[start:])


def _search_in(folder: Path, prepared: bytes) -> Case:
    """A search that is refused after its data are read, because they are not those it asks for."""
    files = {PREPARED: prepared, "params.yaml": _params(folder, name="fashion-mnist")}
    return Case("prepared", ("run",), files, valid=False)


def _trials(random: Random, folder: Path) -> Case:
    """The table of an earlier search, whose best trials are tried first."""
    values: dict[str, Any] = {
        "state": "complete",
        "latent_dim": 5,
        "hidden": "[16]",
        "activation": "silu",
        "scale": "learned",
        "blocks": 2,
    }
    rows = [
        dict.fromkeys(TRIALS.columns, 1) | {"number": number, "elbo": -90.5 + number} | values
        for number in range(3)
    ]
    table = _damaged_table(random, TRIALS.to_csv(rows))
    command = ("run", "--from", "trials.csv", "--data", "none.safetensors")
    return Case("trials.csv", command, {"trials.csv": table}, valid=False)


def _results(random: Random, folder: Path) -> Case:
    """Results without those of the judge that they name."""
    run = {"run": "linear-2/seed-0", "architecture": "linear", "latent_dim": 2, "beta": 1.0}
    tables = {RUN_METRICS.name: RUN_METRICS, GRID_EPOCHS.name: GRID_EPOCHS}
    files = {
        f"results/{name}": table.to_csv([_row(table) | run]).encode()
        for name, table in tables.items()
    }
    records = {
        "results/data.json": {"name": "mnist-5k", "classes": ["0"], "sizes": {"train": 1}},
        "judge/judge.json": {"format": 1, "settings": {}, "data": "mnist-5k", "classes": ["0"]},
    }
    files |= {name: json.dumps(record).encode() for name, record in records.items()}
    name = random.choice(list(files))
    if name.endswith(".csv"):
        files[name] = _damaged_table(random, files[name].decode())
    else:
        files[name] = _damaged_record(random, records[name])
    return Case("results", ("report",), files, valid=False)


def _row(table: Table) -> dict[str, Any]:
    """A row in which each cell is one that its reader takes."""
    plain = ("1", "0", "valid", "True", "[1.0, 0.5]")
    return {
        column: next(cell for cell in plain if _takes(reader, cell))
        for column, reader in table.columns.items()
    }


def _takes(reader: Callable[[str], Any], cell: str) -> bool:
    try:
        reader(cell)
    except ValueError:
        return False
    return True


def _damaged_table(random: Random, table: str) -> bytes:
    """Change cells, or bytes."""
    if random.random() < 0.3:
        return damaged(random, table.encode(), (b",", b'"', b"\n", b"\0", b"\xff"))
    lines = [line.split(",") for line in table.splitlines()]
    for _ in range(random.choice((1, 1, 2, 4))):
        line = random.choice(lines[random.choice((0, 1, 1)) :])
        cell = random.choice(CELLS)
        quoted = '"' + cell.replace('"', '""') + '"' if random.random() < 0.8 else cell
        line[random.randrange(len(line))] = quoted
    if random.random() < 0.05:
        lines += [[""] * len(lines[0])] * 400_000
    return "\n".join(map(",".join, lines)).encode() + b"\n"


def _damaged_record(random: Random, record: Any) -> bytes:
    """Change values, or bytes, or write much more than fits."""
    content = json.dumps(_changed(random, record)).encode()
    match random.randrange(4):
        case 0:
            return damaged(random, content)
        case 1:
            return random.choice((b"[" * 900_000, b"[" + b"0," * 2_000_000 + b"0]", b"\xff\xfe{}"))
        case _:
            return content


def _changed(random: Random, record: Any) -> Any:
    """Return JSON data in which one value is another one."""
    changed = json.loads(json.dumps(record))
    parent = changed
    key = random.choice(list(parent))
    while isinstance(parent[key], dict) and parent[key] and random.random() < 0.7:
        parent = parent[key]
        key = random.choice(list(parent))
    match random.randrange(3):
        case 0:
            del parent[key]
        case 1:
            parent[random.choice(("a\nb", "\x1b[31m", key + "s"))] = parent[key]
        case _:
            parent[key] = random.choice(JSON)
    return changed
