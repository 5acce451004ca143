"""The table of Trivy's complaints, from lines that Trivy 0.76 wrote.

Those that a test provokes with the real binary are in tests/integration/scan/test_failures.py; the
lines here keep the table true where that binary is not, and for what cannot be provoked.
"""

from __future__ import annotations

import pytest

from supplychain.errors import (
    AuthenticationError,
    InputError,
    NotFoundError,
    RegistryError,
    StoreError,
    SupplyChainError,
    ToolError,
    ToolTimeoutError,
    VerificationError,
    VulnerabilityDatabaseError,
)
from supplychain.scan.failures import FAILURES, failure
from supplychain.scan.process import Completed

_SCAN = "run error: image scan error: scan error: "
_DB = "run error: init error: DB error: "
_ROWS: list[tuple[str, type[SupplyChainError], bool]] = [
    (_SCAN + "MANIFEST_UNKNOWN: manifest unknown", NotFoundError, False),
    (_SCAN + "UNAUTHORIZED: authentication required", AuthenticationError, False),
    (_SCAN + "dial tcp 127.0.0.1:1: connect: connection refused", RegistryError, True),
    (_SCAN + "dial tcp: lookup x.invalid on 192.0.2.1:53: no such host", RegistryError, True),
    (_SCAN + "failed to parse the image name: could not parse reference: A::", InputError, False),
    (_SCAN + "unable to inspect the image: No such image: a:1", NotFoundError, False),
    (_SCAN + "failed to connect to the docker API at unix:///x.sock; check", ToolError, True),
    (_SCAN + "failed to analyze layer: unexpected EOF", InputError, False),
    (
        _SCAN + "unable to open x as an image: invalid tar header",
        InputError,
        False,
    ),
    (_SCAN + "file manifest.json not found in tar", InputError, False),
    (_SCAN + "walk error: gzip: invalid checksum", VerificationError, False),
    (
        _SCAN + "failed to get the layer: lstat /l/x: no such file or directory",
        ToolError,
        True,
    ),
    (
        _DB + "database error: --skip-db-update cannot be specified on the first run",
        VulnerabilityDatabaseError,
        False,
    ),
    (
        _DB + "--skip-db-update cannot be specified with the old DB schema. Local DB: 1",
        VulnerabilityDatabaseError,
        False,
    ),
    (
        _DB + "the version of DB schema doesn't match. Local DB: 3, Expected: 2",
        VulnerabilityDatabaseError,
        False,
    ),
    (_DB + "failed to open db: invalid database", VulnerabilityDatabaseError, False),
    (
        _DB + "failed to open db: write /c/db/trivy.db: bad file descriptor",
        VulnerabilityDatabaseError,
        False,
    ),
    (_SCAN + "failed analysis: pipeline error: context deadline exceeded", ToolTimeoutError, True),
    (
        _SCAN + "unable to initialize fs cache: cache may be in use by another process: timeout",
        ToolError,
        True,
    ),
    (
        _SCAN + "unable to initialize fs cache: unable to open cache DB: invalid database",
        ToolError,
        False,
    ),
    (_SCAN + "failed to write json: write /tmp/x: no space left on device", StoreError, False),
    (_SCAN + "no child with platform linux/arm/v7 in index x", NotFoundError, False),
    (
        _SCAN + "Unable to initialize the Java DB: Java DB update failed: '--skip-java-db-update' "
        "cannot be specified on the first run",
        VulnerabilityDatabaseError,
        False,
    ),
]


def fatal(reason: str) -> Completed:
    time = "2026-11-23T07:25:48Z"
    return Completed(1, f"{time}\tINFO\t[vuln] on\n{time}\tFATAL\tFatal error\t{reason}\n")


@pytest.mark.parametrize(("reason", "error", "retryable"), _ROWS, ids=[r[0][-40:] for r in _ROWS])
def test_every_row_maps_to_an_error_with_a_hint(
    reason: str, error: type[SupplyChainError], retryable: bool
) -> None:
    found = failure(fatal(reason))
    assert type(found) is error
    assert found.retryable is retryable
    assert found.because == reason
    assert found.hint


def test_no_row_of_the_table_is_without_a_test() -> None:
    said = " ".join(reason for reason, _, _ in _ROWS)
    assert [row.message for row in FAILURES if not any(text in said for text in row.texts)] == []


def test_a_panic_in_the_database_is_a_damaged_database() -> None:
    stack = "panic: assertion failed: Page expected to be: 9, but self identifies as 0\n\ngo"
    found = failure(Completed(2, stack))
    assert type(found) is VulnerabilityDatabaseError
    assert str(found.because).startswith("panic: assertion failed")


def test_what_nobody_has_seen_before_says_what_trivy_said() -> None:
    found = failure(fatal("run error: the moon is full"))
    assert type(found) is ToolError
    assert "status 1" in str(found)
    assert found.because == "run error: the moon is full"
    assert failure(Completed(1, "")).because == "it said nothing"


def test_several_reasons_are_one_line() -> None:
    found = failure(fatal("2 errors occurred:\n\t* unable to open x: a\n\t* b\n\n"))
    assert found.because == "2 errors occurred: * unable to open x: a * b"
