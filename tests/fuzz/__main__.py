"""Fuzz one target: `make fuzz TARGET=bundle SECONDS=60`.

What is tried is kept in `.cache/fuzz/<target>`, so that the next run goes on from there. An input
that ends in anything but a refusal is written into the target's seeds, from where the tests run it
for ever.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["supplychain"]):
    from tests.fuzz.targets import SEEDS, TARGETS, run

_REPOSITORY = Path(__file__).parents[2]
_MOST_BYTES = 1 << 16
# What JSON readers tend not to expect.
_ODD: tuple[object, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**20,
    "",
    "\0",
    "\ud800",
    [],
    {},
    [[]],
    "sha256:",
    "A" * 300,
)


def main() -> None:
    """Fuzz until the time is over or something is found."""
    if len(sys.argv) != 3 or sys.argv[1] not in TARGETS or not sys.argv[2].isdigit():
        sys.exit(f"usage: make fuzz TARGET=… SECONDS=…; the targets are {', '.join(TARGETS)}")
    name, seconds = sys.argv[1:]
    kept = _REPOSITORY / ".cache" / "fuzz" / name
    kept.mkdir(parents=True, exist_ok=True)
    options = (
        f"-max_total_time={seconds}",
        f"-max_len={_MOST_BYTES}",
        "-timeout=20",
        "-rss_limit_mb=2048",
        f"-artifact_prefix={SEEDS / name}/found-",
    )
    target = TARGETS[name]

    arguments = [sys.argv[0], *options, str(kept), str(SEEDS / name)]
    atheris.Setup(arguments, lambda data: run(target, data), custom_mutator=_mutated)
    atheris.Fuzz()


def _mutated(data: bytes, most: int, seed: int) -> bytes:
    """JSON is changed as a document half of the time: bytes alone rarely stay JSON."""
    chance = random.Random(seed)
    if data[:1] == b"{" and chance.random() < 0.5:
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            return bytes(atheris.Mutate(data, most))
        _change(value, chance)
        changed = json.dumps(value).encode()
        if len(changed) <= most:
            return changed
    return bytes(atheris.Mutate(data, most))


def _change(value: Any, chance: random.Random) -> None:
    """Replace, remove or repeat one thing somewhere in a document."""
    while True:
        if isinstance(value, dict) and value:
            place: Any = chance.choice(list(value))
        elif isinstance(value, list) and value:
            place = chance.randrange(len(value))
        else:
            return
        inner = value[place]
        if not isinstance(inner, dict | list) or chance.random() < 0.3:
            break
        value = inner
    if chance.random() < 0.2:
        del value[place]
    elif isinstance(value, list) and chance.random() < 0.3:
        value.extend([inner] * chance.choice([1, 2, 40]))
    elif isinstance(inner, str) and inner and chance.random() < 0.5:
        at = chance.randrange(len(inner))
        value[place] = inner[:at] + chance.choice("\0\n =A0é\U0001f600") + inner[at + 1 :]
    else:
        value[place] = chance.choice(_ODD)


if __name__ == "__main__":
    main()
