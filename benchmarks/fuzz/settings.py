"""Cases of settings: values, structure and bytes of params.yaml, search spaces, and `-S`."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, get_args

from ruamel.yaml import YAML

from benchmarks.fuzz.case import Case
from pipeline.settings.space import Name

CHECK = ("check", "--params", "params.yaml")

# YAML that stands for one value.
TEXTS = (
    *("", "~", "null", "[]", "{}", "''", "x", "true", "yes", "on", "-", "?", "|", ">", "*a", "&a"),
    *("0", "-0", "-1", "1", "2.5", "1e999", "-1e999", ".nan", ".inf", "1e-320", "0x1F", "0o17"),
    *("017", "1_000", "1:30", "0x_", "+_", "9" * 5000, "1" + "0" * 400, f"0.{'1' * 5000}"),
    *('!!int "abc"', '!!float "x"', "!!binary abc=", "!!set {a, b}", "!!omap [a: 1]", "!x y"),
    *("!!python/object/apply:os.system [ls]", "2001-01-01", "2001-01-01T01:02:03Z", "=", "<<"),
    *('"\\uD800"', '"\\0"', '"a\\nb"', '"\\x1b[31mred"', '"\\UFFFFFFFF"', '"\\u202Etxt"', "\x00"),
    *("[" * 500 + "]" * 500, "{a: " * 300 + "}" * 300, "- " * 300, "[1, [2, [a]]]", "{1: 2}"),
    *("{a: 1, a: 2}", "{? [1] : 2}", "[&a [*a], *a]", "../../../etc/passwd", "~nobody/x"),
    *("/dev/zero", "x" * 5000, "linear", "conv", "auto", "learned", "[400, 200]", "[0]", "[1.5]"),
    *("[-1]", "[null]", "[true]", "[[1]]", f"[{', '.join(['1'] * 3000)}]", "1000000000000"),
)
# Text anywhere in the file.
LINES = (
    *("", "---", "...", "- 1", "a: 1", "%YAML 1.1", "%TAG ! x", "\t", "# comment", "? a", ": b"),
    *("&a a: *a", "<<: {a: 1}", "<<: *a", '"a\\nb": 1', "1: 2", "null: 1", "[1]: 2", "}", "]"),
    *("a0: &a0 [x, x]", "train: {}", "data:", "\x1b[2J: 1", "\ufeff", "'", '"', "|", ">-", "@x"),
)
BYTES = (
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"\x1b",
    b"\r",
    b"\x85",
    "\u2028".encode(),
    b"\xef\xbb\xbf",
)
WORDS = ("linear", "conv", "silu", "learned", "last", None, True, [], [32], [8] * 5, [10**6])
KEYS = ("a", "1", "a\nb", "\x1b[0m", "", "epochs")
VALUES = (None, True, "", "a", [], {}, [None], "\ud800", "x\x00")
NUMBERS = (0, 1, -1, 2, 5, 8, 16, 28, 100, 512, 513, 2000, 10**5, 10**8, 10**12, 0.5, 1e-9, 1e300)


def cases(random: Random, folder: Path) -> Iterator[Case]:
    """Yield cases without end.

    Args:
        random: decides everything.
        folder: the project that is copied, whose params.yaml is changed.
    """
    text = (folder / "params.yaml").read_text(encoding="utf-8")
    content = YAML(typ="safe", pure=True).load(text)
    kinds = (_value, _lines, _structure, _bytes, _space, _assignment, _large)
    yield Case("unchanged", CHECK, {"params.yaml": text.encode()}, valid=True)
    while True:
        yield random.choices(kinds, weights=(6, 3, 3, 3, 4, 3, 1))[0](random, text, content)


def _case(kind: str, params: str | bytes) -> Case:
    # A lone surrogate is written as the bytes that it would have.
    written = params.encode("utf-8", "surrogatepass") if isinstance(params, str) else params
    return Case(kind, CHECK, {"params.yaml": written})


def _value(random: Random, text: str, content: Any) -> Case:
    """Replace the values of some lines."""
    lines = text.splitlines()
    places = [place for place, line in enumerate(lines) if re.match(r"\s*\w+: \S", line)]
    for place in random.choices(places, k=random.choice((1, 1, 1, 2, 4))):
        key = lines[place].partition(":")[0]
        lines[place] = f"{key}: {random.choice(TEXTS)}"
    return _case("values", "\n".join(lines))


def _lines(random: Random, text: str, content: Any) -> Case:
    """Insert, remove, repeat, indent and exchange lines."""
    lines = text.splitlines()
    for _ in range(random.choice((1, 1, 2, 5))):
        place = random.randrange(len(lines))
        match random.randrange(5):
            case 0:
                lines.insert(place, random.choice(LINES))
            case 1:
                del lines[place]
            case 2:
                lines.insert(place, lines[random.randrange(len(lines))])
            case 3:
                lines[place] = random.choice((" ", "  ", "\t", "- ")) + lines[place]
            case _:
                lines[place] = lines[place].replace(random.choice(":[],"), "")
    return _case("lines", "\n".join(lines))


def _structure(random: Random, text: str, content: Any) -> Case:
    """Replace, remove, rename and nest parts of the content; JSON is YAML too."""
    changed = json.loads(json.dumps(content))
    for _ in range(random.choice((1, 1, 2, 3))):
        parent, key = _place(random, changed)
        match random.randrange(6):
            case 0:
                parent[key] = random.choice(NUMBERS)
            case 1:
                parent[key] = [parent[key]]
            case 2:
                parent[key] = {random.choice(KEYS): parent[key]}
            case 3:
                parent[key] = random.choice(VALUES)
            case 4 if isinstance(parent, dict):
                parent[key + random.choice(("s", "\n", "", " ", "\u200b"))] = parent.pop(key)
            case _:
                other, theirs = _place(random, changed)
                parent[key] = json.loads(json.dumps(other[theirs]))
    return _case("structure", json.dumps(changed))


def _place(random: Random, content: Any) -> tuple[Any, Any]:
    """Choose a place in nested sections and lists: the section or list, and a key or index."""
    parent, key = content, random.choice(list(content))
    while isinstance(parent[key], dict | list) and parent[key] and random.random() < 0.8:
        parent = parent[key]
        key = random.choice(list(parent) if isinstance(parent, dict) else range(len(parent)))
    return parent, key


def _bytes(random: Random, text: str, content: Any) -> Case:
    """Change, insert and remove bytes, cut the file, or write it in another encoding."""
    if random.random() < 0.1:
        encoding = random.choice(("utf-16", "utf-32", "utf-8-sig", "latin-1", "cp500"))
        return _case("bytes", f"{text}# \u00fc".encode(encoding))
    return _case("bytes", damaged(random, text.encode(), BYTES))


def damaged(random: Random, content: bytes, inserted: tuple[bytes, ...] = BYTES) -> bytes:
    """Return content with some bytes changed, inserted, removed or cut off."""
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 8, 40))):
        place = random.randrange(len(changed) + 1)
        match random.randrange(5):
            case 0:
                changed[place : place + 1] = bytes([random.randrange(256)])
            case 1:
                changed[place:place] = random.choice(inserted)
            case 2:
                del changed[place : place + random.choice((1, 1, 2, 30))]
            case 3:
                changed[place:place] = changed[place : place + random.choice((1, 10, 100))]
            case _ if random.random() < 0.1:
                del changed[place:]
    return bytes(changed)


def _space(random: Random, text: str, content: Any) -> Case:
    """Search dimensions of random ranges and choices, some of them with conditions."""
    names = random.sample(get_args(Name), k=random.randrange(1, 5))
    if random.random() < 0.2:
        names += [random.choice(("epochs", "seed", "latent", "a\nb", "beta"))]
    space = [_dimension(random, name) for name in names]
    for place, dimension in enumerate(space[1:], 1):
        if random.random() < 0.3:
            other = space[random.randrange(place + (random.random() < 0.1))]
            values = other.get("choices") or [1]
            dimension["when"] = {other["name"]: random.choice(values)}
    search = {
        "space": space,
        "sampler": random.choice(("tpe", "grid", "grid", "qmc", "gp")),
        "balance": random.choice(([], [space[0]["name"]])),
        "first": random.choice(([], "grid", ["conv-10"], [{space[0]["name"]: _number(random)}])),
    }
    return _case("space", json.dumps(content | {"search": content["search"] | search}))


def _dimension(random: Random, name: str) -> dict[str, Any]:
    kinds = ("int", "int", "int", "float", "float", "categorical", "categorical", "ints", None)
    kind = random.choice(kinds)
    if kind == "categorical":
        word = random.random() < 0.3
        choices = [random.choice(WORDS) if word else _number(random) for _ in range(3)]
        return {"name": name, "kind": kind, "choices": choices}
    low, high = sorted((_number(random), _number(random)))
    dimension = {"name": name, "kind": kind, "low": low, "high": high}
    if random.random() < 0.3:
        dimension["step"] = _number(random)
    if random.random() < 0.3:
        dimension["log"] = random.choice((True, False, "yes"))
    return dimension


def _number(random: Random) -> float:
    plain = random.choice((random.randrange(1, 40), random.randrange(1, 40), random.random()))
    return plain if random.random() < 0.8 else random.choice(NUMBERS)


def _assignment(random: Random, text: str, content: Any) -> Case:
    """Set values on the command line; what comes after the settings is refused in any case."""
    sections = [key for key, value in content.items() if isinstance(value, dict)]
    section = random.choice(sections)
    key = f"{section}.{random.choice(list(content[section]))}"
    spelt: list[Callable[[], str]] = [
        lambda: f"{key}={random.choice(TEXTS)}",
        lambda: f"{key}.x={random.choice(TEXTS)}",
        lambda: random.choice(("", "=", ".=1", "a", "a.b", key, f"{key}\n=1", f"\x1b[31m{key}=1")),
    ]
    # A command line ends at a NUL, and bytes that are no text reach us as lone surrogates.
    assignment = random.choice(spelt)().replace("\x00", "\udcff")
    command = ("run", f"-S{assignment}", "--from", "none.csv")
    return Case("-S", command, valid=False)


def _large(random: Random, text: str, content: Any) -> Case:
    """Content that takes long to read, or much memory, unless there are limits."""
    size = random.choice((3000, 100_000, 3_000_000))
    aliases = [f"a{number}: &a{number} [{f'*a{number - 1}, ' * 9}]" for number in range(1, 9)]
    added = random.choice(
        (
            f"a: [{'1, ' * (size // 3)}]",
            "\n".join(f"a{number}: 1" for number in range(size // 10)),
            "#" * size,
            f'a: "{"x" * size}"',
            "a: " + "[" * size,
            "a: " + "{" * size,
            "- " * (size // 2),
            "\n".join(["a0: &a0 x", *aliases]),
        )
    )
    return _case("large", f"{text}\n{added}\n")
