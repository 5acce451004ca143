"""A TUF repository that hands out a trusted root, where clients of a private Sigstore fetch it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from tests.kit.json_server import Reply, Request, json_server

_TARGET = "trusted_root.json"
# What Sigstore's clients read beside the digest of a target.
_CUSTOM = {"sigstore": {"status": "Active", "usage": "Unknown"}}


@dataclass(frozen=True, slots=True)
class TufRepository:
    """A repository that answers.

    Attributes:
        address: Where it is.
        root: Its `root.json`, with which a client begins to trust it.
    """

    address: str
    root: bytes


@contextmanager
def tuf_repository(trusted_root: bytes) -> Iterator[TufRepository]:
    """Serve a trusted root on the loopback."""
    files = _signed(trusted_root)

    def answer(request: Request) -> Reply:
        data = files.get(request.path.removeprefix("/"))
        return Reply(404) if data is None else Reply(200, data)

    with json_server(answer) as server:
        yield TufRepository(server.address, files["1.root.json"])


def _signed(trusted_root: bytes) -> dict[str, bytes]:
    """Every file of a repository with one key, of one version, that is good for a day."""
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    signer = CryptoSigner.generate_ecdsa()
    root = Root(expires=expires)
    for role in ("root", "targets", "snapshot", "timestamp"):
        root.add_key(signer.public_key, role)
    target = TargetFile.from_data(_TARGET, trusted_root, ["sha256"])
    target.unrecognized_fields["custom"] = _CUSTOM
    stated: dict[str, Any] = {
        "1.root.json": root,
        "1.targets.json": Targets(expires=expires, targets={_TARGET: target}),
        "1.snapshot.json": Snapshot(expires=expires, meta={"targets.json": MetaFile(1)}),
        "timestamp.json": Timestamp(expires=expires, snapshot_meta=MetaFile(1)),
    }
    files = {f"targets/{hashlib.sha256(trusted_root).hexdigest()}.{_TARGET}": trusted_root}
    for name, signed in stated.items():
        document = Metadata(signed)
        document.sign(signer)
        files[name] = document.to_bytes()
    return files
