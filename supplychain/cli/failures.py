"""Errors and verdicts to exit codes: the one table that scripts rely on."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from supplychain.errors import InputError, SupplyChainError

if TYPE_CHECKING:  # help, and whatever fails early, need none of what decisions are made of
    from supplychain.model.decision import Verdict


class Exit(IntEnum):
    """Exit codes. A denial is never mistaken for a fault, nor a fault for a denial."""

    ALLOW = 0
    FAULT = 1
    USAGE = 2
    DENY = 10
    PENDING = 11
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


def exit_of_verdict(verdict: Verdict) -> Exit:
    """The exit code of a verdict."""
    return Exit[verdict.name]


def exit_of_error(error: SupplyChainError) -> Exit:
    """The exit code of an error: 2 where the caller can repair the call, 1 for everything else."""
    return Exit.USAGE if isinstance(error, InputError) else Exit.FAULT


def lines_of(error: SupplyChainError, *, verbose: bool) -> list[str]:
    """What people read: `error:`, `because:`, `try:`, and the chain of causes where asked."""
    lines = [f"error: {error}"]
    if error.because:
        lines.append(f"because: {error.because}")
    if error.hint:
        lines.append(f"try: {error.hint}")
    if verbose:
        cause = error.__cause__
        while cause is not None:
            lines.append(f"caused by: {type(cause).__name__}: {cause}")
            cause = cause.__cause__
    return lines
