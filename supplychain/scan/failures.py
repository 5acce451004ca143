"""What Trivy's complaints mean, and what the user should do about each.

Trivy ends with 1 for every operational error and with 2 for a panic; which one it was stands only
in what it says. The table is read from the top: the first text that occurs decides.
"""

from __future__ import annotations

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
from supplychain.frozen import dataclass
from supplychain.scan.process import Completed

_PULL = "supplychain vulndb pull"


@dataclass(frozen=True, slots=True)
class Failure:
    """One row of the table.

    Attributes:
        texts: What Trivy says; any of them.
        error: Our error for it.
        message: What happened.
        hint: What the user should do.
        retryable: Whether the same call may succeed later by itself.
    """

    texts: tuple[str, ...]
    error: type[SupplyChainError]
    message: str
    hint: str
    retryable: bool = False


FAILURES = (
    Failure(
        ("no space left on device", "disk quota exceeded"),
        StoreError,
        "the disk is full",
        "free some space, or move the caches: SUPPLYCHAIN_CACHE_DIR=/larger/disk",
    ),
    Failure(
        ("context deadline exceeded",),
        ToolTimeoutError,
        "the scan did not end in time",
        "give it more time: --timeout 30m",
        retryable=True,
    ),
    Failure(
        ("Unable to initialize the Java DB",),
        VulnerabilityDatabaseError,
        "the image holds Java archives and there is no Java database to tell what they are",
        "put a Trivy Java database (trivy-java.db and metadata.json) into the folder vulndb/java "
        "of the data folder: supplychain doctor prints where that is",
    ),
    Failure(
        ("with the old DB schema", "version of DB schema doesn't match"),
        VulnerabilityDatabaseError,
        "the vulnerability database has a schema that this Trivy does not read",
        "update the older of the two: " + _PULL + ", or another Trivy",
    ),
    Failure(
        ("cannot be specified on the first run",),
        VulnerabilityDatabaseError,
        "there is no usable vulnerability database",
        _PULL,
    ),
    Failure(
        (
            "failed to open db: invalid database",
            "bad file descriptor",
            "assertion failed: Page expected to be",
            "go.etcd.io/bbolt",
        ),
        VulnerabilityDatabaseError,
        "the vulnerability database is damaged",
        "fetch it again: " + _PULL,
    ),
    Failure(
        ("cache may be in use by another process",),
        ToolError,
        "another process holds the scanner's cache",
        "run the same command again",
        retryable=True,
    ),
    Failure(
        ("unable to open cache DB",),
        ToolError,
        "the scanner's cache is damaged",
        "delete the cache folder; supplychain doctor prints where it is",
    ),
    Failure(
        ("MANIFEST_UNKNOWN", "NAME_UNKNOWN"),
        NotFoundError,
        "there is no such image",
        "check the repository's name and the tag",
    ),
    Failure(
        ("UNAUTHORIZED", "DENIED:"),
        AuthenticationError,
        "the registry refused us",
        "log in: docker login HOST, or pass --registry-username",
    ),
    Failure(
        ("failed to connect to the docker API",),
        ToolError,
        "the Docker daemon does not answer",
        "start it, or set DOCKER_HOST",
        retryable=True,
    ),
    Failure(
        ("connection refused", "no such host", "i/o timeout", "connection reset by peer"),
        RegistryError,
        "the registry cannot be reached",
        "check the host's name and the network, then run the same command again",
        retryable=True,
    ),
    Failure(
        ("could not parse reference",),
        InputError,
        "the reference is not one",
        "write it as HOST/REPOSITORY@sha256:…",
    ),
    Failure(
        ("no child with platform",),
        NotFoundError,
        "the image does not exist for this platform",
        "name one that it has: --platform linux/amd64",
    ),
    Failure(
        ("No such image",),
        NotFoundError,
        "the Docker daemon has no such image",
        "pull it first: docker pull IMAGE",
    ),
    Failure(
        ("gzip: invalid", "zstd: invalid", "flate: corrupt", "magic number mismatch"),
        VerificationError,
        "a layer cannot be unpacked",
        "fetch the image again",
    ),
    Failure(
        (
            "unable to open",
            "unexpected EOF",
            "invalid tar header",
            "manifest.json not found in tar",
        ),
        InputError,
        "the image's files do not make an image",
        "write it again: docker save, or skopeo copy … oci:FOLDER",
    ),
    Failure(
        ("no such file or directory",),
        ToolError,
        "a file of the image vanished while it was scanned",
        "run the same command again",
        retryable=True,
    ),
)

_LONGEST_REASON = 600


def failure(completed: Completed) -> SupplyChainError:
    """The error that a failed run of Trivy stands for."""
    reason = _reason(completed)
    for row in FAILURES:
        if any(text in completed.output for text in row.texts):
            return row.error(row.message, because=reason, hint=row.hint, retryable=row.retryable)
    return ToolError(
        f"Trivy ended with status {completed.status}",
        because=reason,
        hint="run it again with --verbose and report what it says",
    )


def _reason(completed: Completed) -> str:
    """What Trivy itself gives as the reason, on one line, without time and level."""
    lines = completed.output.splitlines()
    fatal = [n for n, line in enumerate(lines) if "\tFATAL\t" in line or line.startswith("panic: ")]
    if not fatal:
        return " ".join(lines[-3:])[-_LONGEST_REASON:].strip() or "it said nothing"
    first = lines[fatal[0]].rpartition("\tFATAL\t")[2].removeprefix("Fatal error\t")
    rest = [line.strip() for line in lines[fatal[0] + 1 :] if line.strip().startswith("* ")]
    return " ".join([first, *rest])[:_LONGEST_REASON]
