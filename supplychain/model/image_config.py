"""What an image says about itself: its configuration, and the images that it was built upon."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable of an image, without its value, which may be a secret.

    Attributes:
        name: Its name.
        suspicion: Why its value looks like a secret; "" where it does not.
    """

    name: str
    suspicion: str = ""


@dataclass(frozen=True, slots=True)
class Base:
    """A base that an image names (OCI image specification, annotations.md).

    Attributes:
        name: Its repository; "" where none is named.
        digest: As written; "" where none is.
    """

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """The configuration of a platform manifest (OCI image specification, config.md).

    Attributes:
        digest: Digest of the configuration: the "image ID".
        created_at: When the image was made, by its own word; None where it does not say.
        user: The user that it runs as, as written; "" where none is given, which is root.
        ports: `8080/tcp` …, sorted.
        volumes: Paths, sorted.
        environment: Its variables, in order.
        labels: `(name, value)`, sorted.
        healthcheck: Whether it has a health check that is not `NONE`.
        entrypoint: Its entrypoint.
        command: Its default arguments.
        diff_ids: Its layers, unpacked, from the bottom.
        annotations: `(name, value)` of its manifest, sorted.
    """

    digest: Digest
    created_at: datetime | None
    user: str
    ports: tuple[str, ...]
    volumes: tuple[str, ...]
    environment: tuple[Variable, ...]
    labels: tuple[tuple[str, str], ...]
    healthcheck: bool
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    diff_ids: tuple[Digest, ...]
    annotations: tuple[tuple[str, str], ...] = ()

    @property
    def bases(self) -> tuple[Base, ...]:
        """The bases that its annotations and labels name, as whoever built it wants us to know."""
        said = (dict(self.annotations), dict(self.labels))
        found = (Base(repository_of(s.get(_BASE_NAME, "")), s.get(_BASE_DIGEST, "")) for s in said)
        return tuple(dict.fromkeys(base for base in found if base.name or base.digest))

    def document(self) -> bytes:
        """What is kept of it, as canonical JSON: everything above, and nothing else."""
        made = self.created_at
        said = {
            "schemaVersion": 1,
            "config": str(self.digest),
            "created": made and made.astimezone(UTC).isoformat(timespec="microseconds"),
            "user": self.user,
            "ports": self.ports,
            "volumes": self.volumes,
            "environment": [[v.name, v.suspicion] for v in self.environment],
            "labels": self.labels,
            "healthcheck": self.healthcheck,
            "entrypoint": self.entrypoint,
            "command": self.command,
            "diffIDs": [str(diff_id) for diff_id in self.diff_ids],
            "annotations": self.annotations,
        }
        return json.dumps(said, sort_keys=True, separators=(",", ":")).encode() + b"\n"


# Labels have the same names.
_BASE_DIGEST = "org.opencontainers.image.base.digest"
_BASE_NAME = "org.opencontainers.image.base.name"


def repository_of(reference: str) -> str:
    """The repository in a reference, without tag and digest, and whole as Docker completes it."""
    head, slash, last = reference.partition("@")[0].rpartition("/")
    name = head + slash + last.partition(":")[0]
    registry = name.partition("/")[0]
    if not name or "." in registry or ":" in registry or registry == "localhost":
        return name
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"


def chain_ids(diff_ids: Iterable[Digest]) -> tuple[Digest, ...]:
    """What names the layers up to each one, from the bottom (OCI config.md, "Layer ChainID")."""
    chains: list[Digest] = []
    for diff_id in diff_ids:
        chains.append(Digest.of(f"{chains[-1]} {diff_id}".encode()) if chains else diff_id)
    return tuple(chains)


class Kinship(StrEnum):
    """How we know that an image was built upon another."""

    LAYERS = "layers"
    """It begins with all the layers of that image, which is on record: a fact."""
    PROVENANCE = "provenance"
    """Verified provenance names it among its materials."""
    LABEL = "label"
    """The image's own labels or annotations name it: a claim of whoever built it."""


@dataclass(frozen=True, slots=True)
class Ancestor:
    """An image that another was built upon.

    Attributes:
        subject: The other image.
        known_by: How we know.
        layers: How many layers the two have in common, from the bottom; 0 where nobody can tell.
        local: Whether no registry is known to have it under its name: whoever recorded it chose
            that, so nothing is allowed by it.
        created_at: When it was made, by what it says itself; None where that is not on record.
    """

    subject: Subject
    known_by: Kinship
    layers: int = 0
    local: bool = False
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Secret:
    """Something in an image that looks like a secret; the secret itself is never kept.

    Attributes:
        rule: The scanner's rule: `aws-access-key-id`.
        category: `AWS`, `AsymmetricPrivateKey` …
        severity: As the scanner rates it, lower case.
        title: For people.
        path: The file in the image, without a leading slash.
        line: Where in it, from 1; 0 where unknown.
        layer: The diffID of the layer that brought it; None where unknown.
    """

    rule: str
    category: str
    severity: str
    title: str
    path: str
    line: int = 0
    layer: Digest | None = None
