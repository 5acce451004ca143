"""Pin what is wanted with extras without them, too: `pydantic[email]==2` and `pydantic==2`.

Up to 23.0 at least, pip takes neither for a pin of the other where hashes are demanded.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_ENTRY = re.compile(r"^(?=[a-z0-9])", re.MULTILINE)
_EXTRAS = re.compile(r"^([a-z0-9._-]+)\[[a-z0-9,._-]+\](?===)")


def main(names: list[str]) -> None:
    """Write each of these requirement files anew."""
    for path in map(Path, names):
        head, *entries = _ENTRY.split(path.read_text("utf-8"))
        plain = (_EXTRAS.sub(r"\1", entry) for entry in entries)
        both = ("".join(dict.fromkeys(pair)) for pair in zip(plain, entries, strict=True))
        path.write_text(head + "".join(both), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
