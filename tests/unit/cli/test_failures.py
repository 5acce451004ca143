"""The one table of exit codes, over every error and every verdict there is."""

from __future__ import annotations

import pytest

from supplychain.cli.failures import Exit, exit_of_error, exit_of_verdict, lines_of
from supplychain.errors import (
    ConfigurationError,
    InputError,
    LimitError,
    MediaTypeError,
    PolicyError,
    StoreError,
    SupplyChainError,
)
from supplychain.model.decision import Verdict

USAGE = {InputError, PolicyError, ConfigurationError, LimitError, MediaTypeError}


def taxonomy(root: type[SupplyChainError] = SupplyChainError) -> list[type[SupplyChainError]]:
    below = [kind for child in root.__subclasses__() for kind in taxonomy(child)]
    ours = root.__module__ == "supplychain.errors"
    return [root, *below] if ours else below


@pytest.mark.parametrize("kind", taxonomy(), ids=lambda kind: kind.__name__)
def test_every_error_is_a_fault_or_wrong_usage_and_never_a_verdict(
    kind: type[SupplyChainError],
) -> None:
    assert exit_of_error(kind("it failed")) is (Exit.USAGE if kind in USAGE else Exit.FAULT)


@pytest.mark.parametrize("kind", taxonomy(), ids=lambda kind: kind.__name__)
def test_every_error_is_told_in_the_same_three_lines(kind: type[SupplyChainError]) -> None:
    error = kind("it failed", because="of this", hint="do that")
    assert lines_of(error, verbose=False) == [
        "error: it failed",
        "because: of this",
        "try: do that",
    ]
    assert lines_of(kind("it failed"), verbose=True) == ["error: it failed"]


def test_codes_of_errors_are_unique() -> None:
    codes = [kind.code for kind in taxonomy()]
    assert len(codes) > 15
    assert len(set(codes)) == len(codes)


def test_every_verdict_has_a_code_that_nothing_else_has() -> None:
    codes = {exit_of_verdict(verdict) for verdict in Verdict}
    assert codes == {0, 10, 11}
    assert codes.isdisjoint({Exit.FAULT, Exit.USAGE, Exit.INTERRUPTED, Exit.TERMINATED})


def test_verbose_adds_the_chain_of_causes() -> None:
    error = StoreError("it cannot be written")
    error.__cause__ = OSError(28, "No space left on device")
    assert lines_of(error, verbose=False) == ["error: it cannot be written"]
    assert lines_of(error, verbose=True) == [
        "error: it cannot be written",
        "caused by: OSError: [Errno 28] No space left on device",
    ]
