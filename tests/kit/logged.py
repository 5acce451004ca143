"""What a test lets the whole process log, taken back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def logged_as_before() -> Iterator[None]:
    """Log again afterwards as before: to where, and from which level on."""
    root, ours = logging.getLogger(), logging.getLogger("supplychain")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(levels[0])
        ours.setLevel(levels[1])
        logging.captureWarnings(capture=False)
