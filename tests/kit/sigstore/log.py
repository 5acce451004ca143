"""A transparency log like Rekor: a Merkle tree (RFC 6962), its checkpoints and its promises."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.kit.sigstore.bodies import Body
from tests.kit.sigstore.keys import AT, YEAR, Key, new_key, sign, spki, text

TREE_ID = 1193050959916656506
_ED25519 = b"\x01"


@dataclass(frozen=True, slots=True)
class Proof:
    """That an entry is in the tree, and a checkpoint that says which tree."""

    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str | None

    def value(self) -> dict[str, object]:
        """As a bundle holds it."""
        made: dict[str, object] = {
            "logIndex": str(self.index),
            "rootHash": text(self.root),
            "treeSize": str(self.size),
            "hashes": [text(one) for one in self.hashes],
        }
        if self.checkpoint is not None:
            made["checkpoint"] = {"envelope": self.checkpoint}
        return made


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a log, with all that proves it.

    Attributes:
        index: Its number in the log, which may be more than that in its tree.
        log_id: Which log.
        kind: What kind of entry, and in which version.
        body: The entry itself, canonical JSON.
        integrated_at: When the log says that it got it; Rekor v2 does not say.
        promise: The signed entry timestamp (SET); Rekor v2 gives none.
        proof: That it is in the tree.
    """

    index: int
    log_id: bytes
    kind: tuple[str, str]
    body: bytes
    integrated_at: datetime | None
    promise: bytes | None
    proof: Proof | None

    def value(self) -> dict[str, object]:
        """As a bundle holds it, and as Rekor v2 answers."""
        made: dict[str, object] = {
            "logIndex": str(self.index),
            "logId": {"keyId": text(self.log_id)},
            "kindVersion": {"kind": self.kind[0], "version": self.kind[1]},
            "canonicalizedBody": text(self.body),
        }
        if self.integrated_at is not None:
            made["integratedTime"] = str(int(self.integrated_at.timestamp()))
        if self.promise is not None:
            made["inclusionPromise"] = {"signedEntryTimestamp": text(self.promise)}
        if self.proof is not None:
            made["inclusionProof"] = self.proof.value()
        return made

    @property
    def uuid(self) -> str:
        """How Rekor v1 names it: its tree and the hash of its leaf."""
        return f"{TREE_ID:016x}{_leaf(self.body).hex()}"

    def answer(self) -> dict[str, object]:
        """As Rekor v1 answers."""
        assert self.integrated_at is not None
        assert self.promise is not None
        assert self.proof is not None
        proof = {
            "checkpoint": self.proof.checkpoint,
            "hashes": [one.hex() for one in self.proof.hashes],
            "logIndex": self.proof.index,
            "rootHash": self.proof.root.hex(),
            "treeSize": self.proof.size,
        }
        entry = {
            "body": text(self.body),
            "integratedTime": int(self.integrated_at.timestamp()),
            "logID": self.log_id.hex(),
            "logIndex": self.index,
            "verification": {
                "inclusionProof": proof,
                "signedEntryTimestamp": text(self.promise),
            },
        }
        return {self.uuid: entry}

    def promised(self) -> bytes:
        """What a promise signs: RFC 8785 of these four."""
        assert self.integrated_at is not None
        value = {
            "body": text(self.body),
            "integratedTime": int(self.integrated_at.timestamp()),
            "logID": self.log_id.hex(),
            "logIndex": self.index,
        }
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class TransparencyLog:
    """The log.

    Attributes:
        version: 1 promises and says when, 2 does neither.
        key: Signs its checkpoints and promises.
        url: Its address; its host names it in checkpoints.
        trusted: From when to when a trusted root lets it count; no end where None.
        offset: How many entries are in older trees of the same log; Rekor v1 counts them.
        leaves: The bodies in the tree.
    """

    version: int
    key: Key = field(repr=False)
    url: str
    trusted: tuple[datetime, datetime | None]
    offset: int = 0
    leaves: list[bytes] = field(default_factory=list, repr=False)

    @classmethod
    def create(
        cls,
        name: str = "rekor",
        version: int = 1,
        *,
        at: datetime = AT,
        key: Key | None = None,
        offset: int | None = None,
        filled: int = 5,
        url: str = "",
    ) -> TransparencyLog:
        """A new one, with entries of others in it.

        Args:
            name: What it is called.
            version: Of Rekor.
            at: A trusted root lets it count from a year before that.
            key: Its key; P-256 for version 1 and Ed25519 for version 2 where missing.
            offset: Entries in older trees; a thousand for version 1, where missing.
            filled: Entries of others in this tree; without any, the first index is 0.
            url: Its address; made of the name where missing.
        """
        key = key or (new_key() if version == 1 else Ed25519PrivateKey.generate())
        if offset is None:
            offset = 1000 if version == 1 else 0
        address = url or f"https://{name}.example.com"
        leaves = _of_others(0, filled)
        return cls(version, key, address, (at - YEAR, None), offset, leaves)

    def rotated(self, key: Key | None = None) -> TransparencyLog:
        """The same log after its key was replaced."""
        fresh = new_key() if self.version == 1 else Ed25519PrivateKey.generate()
        return replace(self, key=key or fresh)

    @property
    def origin(self) -> str:
        """The first line of its checkpoints."""
        host = self._host
        return host if self.version != 1 else f"{host} - {TREE_ID}"

    @property
    def log_id(self) -> bytes:
        """How entries and trusted roots name it."""
        if self.version == 1 or not isinstance(self.key, Ed25519PrivateKey):
            return hashlib.sha256(spki(self.key)).digest()
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return hashlib.sha256(self._host.encode() + b"\n" + _ED25519 + raw).digest()

    def record(self, body: Body, at: datetime, *, followers: int = 2) -> Entry:
        """Take an entry in.

        Args:
            body: The entry.
            at: When, as version 1 says.
            followers: How many entries of others come before the checkpoint.
        """
        index = len(self.leaves)
        self.leaves.append(body.data)
        self.leaves.extend(_of_others(index + 1, followers))
        entry = Entry(
            index=self.offset + index,
            log_id=self.log_id,
            kind=(body.kind, body.version),
            body=body.data,
            integrated_at=at if self.version == 1 else None,
            promise=None,
            proof=self.prove(index),
        )
        return replace(entry, promise=self.promise(entry)) if self.version == 1 else entry

    def prove(self, index: int) -> Proof:
        """That the leaf of this number is in the tree as it is now."""
        root, size = _root(self.leaves), len(self.leaves)
        return Proof(index, size, root, _path(index, self.leaves), self.checkpoint())

    def promise(self, entry: Entry) -> bytes:
        """The signed entry timestamp."""
        return sign(self.key, entry.promised())

    def checkpoint(
        self, *, root: bytes | None = None, size: int | None = None, origin: str | None = None
    ) -> str:
        """A signed note about the tree as it is now, or about what is given."""
        known = _root(self.leaves) if root is None else root
        lines = (origin or self.origin, str(len(self.leaves) if size is None else size))
        note = "\n".join((*lines, text(known))) + "\n"
        signature = self.log_id[:4] + sign(self.key, note.encode())
        return f"{note}\n\N{EM DASH} {self._host} {text(signature)}\n"

    @property
    def _host(self) -> str:
        host = urlsplit(self.url).hostname
        assert host is not None
        return host


def _of_others(first: int, count: int) -> list[bytes]:
    return [b'{"entry":%d}' % number for number in range(first, first + count)]


def _leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(count: int) -> int:
    """The largest power of two below the count."""
    return 1 << (count - 1).bit_length() - 1


def _root(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return _leaf(leaves[0])
    at = _split(len(leaves))
    return _node(_root(leaves[:at]), _root(leaves[at:]))


def _path(index: int, leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    if len(leaves) == 1:
        return ()
    at = _split(len(leaves))
    if index < at:
        return (*_path(index, leaves[:at]), _root(leaves[at:]))
    return (*_path(index - at, leaves[at:]), _root(leaves[:at]))
