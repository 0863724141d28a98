"""Command lines: every command with wrong, huge, empty and strange values, in any order."""

import random
from collections.abc import Iterator
from pathlib import Path

import click

from benchmarks.fuzz.case import Case
from study.cli import main

# Data that are refused before anything starts, because a worker takes seconds.
STARTING = ("run", "rerun")
NO_DATA = (
    *("none.safetensors", "none.safetensors", "params.yaml", "study.db", "data", "", "/dev/null"),
    *(
        "x" * 5000,
        "x/" * 3000,
        "study.db/x",
        "a\nb",
        "\udcff",
        "~/x",
        "/dev/zero",
        "/proc/self/mem",
    ),
)
TEXTS = (
    "",
    " ",
    "-",
    "--",
    ".",
    "..",
    "/",
    "~",
    "a b",
    "first",
    "none",
    "null",
    "nan",
    "true",
    "study.db",
    "params.yaml",
    "data",
    "/dev/null",
    "/dev/zero",
    "/proc/self/mem",
    "/root/none/none",
    "../../outside",
    "x" * 300,
    "x" * 20_000,
    "x/" * 3000,
    "line\nbreak",
    "\x1b[31mred\x07",
    "\udcff\udcfe",
    "ünï côdé \U0001f600",
    "\u202eright to left",
    "{braces} {0} %s %(x)s $HOME `id` $(id)",
    "'; DROP TABLE studies; --",
    "a=b",
    "=",
    "train.clip_norm=5",
    "train.clip_norm=" + "9" * 400,
    "search.space=[]",
    "search.space=[" * 60,
    "train.grid.seeds=[" + ",".join(map(str, range(3000))) + "]",
    "train={}",
    "data.name=[[[",
    "a.b.c.d=1",
    ".=1",
    "train..x=1",
    "search.trials=.inf",
    "search.trials=!!int abc",
    "train.epochs=&a [*a]",
)
NUMBERS = (
    "0",
    "-1",
    "1",
    "2",
    "7",
    "1e3",
    "1.5",
    "0x10",
    "٣",
    "9" * 30,
    "9" * 5000,
    "nan",
    "inf",
    "-inf",
)


def cases(random: random.Random, folder: Path) -> Iterator[Case]:
    """Yield command lines.

    Args:
        random: decides them.
        folder: the project.
    """
    names = sorted(main.commands)
    while True:
        name = random.choice(names)
        words = _words(main.commands[name], random)
        if random.random() < 0.05:
            name = random.choice(TEXTS) or "x"
        if random.random() < 0.1:
            words.insert(random.randrange(len(words) + 1), random.choice(TEXTS))
        if name == "delete":
            words.append("--yes")
        if name in STARTING:
            words += ["--data", random.choice(NO_DATA)]
        yield Case("commands", (name, *words))


def _words(command: click.Command, random: random.Random) -> list[str]:
    """Return options and arguments of a command, most of them by their right names."""
    words: list[str] = []
    for param in command.params:
        if isinstance(param, click.Argument):
            words.append(_value(param, random))
        elif random.random() < (0.9 if param.required else 0.25):
            option = random.choice(param.opts)
            if random.random() < 0.03:
                option = random.choice((option + "x", option[:-1], option.upper(), "-" + option))
            flag = isinstance(param, click.Option) and param.is_flag
            if flag and random.random() < 0.9:
                words.append(option)
            elif random.random() < 0.5 and option.startswith("--"):
                words.append(f"{option}={_value(param, random)}")
            else:
                words += [option, _value(param, random)]
    if random.random() < 0.2:
        random.shuffle(words)
    return words


def _value(param: click.Parameter, random: random.Random) -> str:
    kind = param.type
    if isinstance(kind, click.Choice) and random.random() < 0.7:
        return str(random.choice(list(kind.choices)))
    if random.random() < (
        0.8 if isinstance(kind, click.types.IntParamType | click.types.FloatParamType) else 0.2
    ):
        return random.choice(NUMBERS)
    if isinstance(param.default, str) and random.random() < 0.3:
        return param.default
    return random.choice(TEXTS)
