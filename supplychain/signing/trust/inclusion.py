"""Merkle inclusion proofs (RFC 9162 section 2.1.3) and the checkpoints that they end in.

A checkpoint is a signed note: the log's name, its size, its root hash, and below an empty line
who signed that (C2SP, "tlog-checkpoint" and "signed-note").
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import field
from urllib.parse import urlsplit

from supplychain.errors import InputError, VerificationError
from supplychain.frozen import dataclass
from supplychain.signing.encoding import as_text, read_base64
from supplychain.signing.trust import wire
from supplychain.signing.trust.root import CHECKPOINT_ID, Log

_HASH = 32
# As deep as a tree of 2**63 leaves.
_DEEPEST = 64
_CHECKPOINT_LIMIT = 64 * 1024
_SIGNATURES = 32
_SIGNATURE = re.compile(r"— (?P<name>[^\s+]{1,256}) (?P<base64>[A-Za-z0-9+/=]+)")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
# Rekor v1 calls its tree by a host of its own choice and a number.
_NUMBERED = re.compile(r".+ - [0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Proof:
    """That a leaf is in a tree, and a checkpoint that names the tree's root.

    Attributes:
        index: The leaf's index.
        size: The tree's size.
        root: The tree's root hash.
        hashes: The siblings on the way to the root, from the leaf.
        checkpoint: The signed note.
    """

    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str = field(repr=False)

    @classmethod
    def parse(cls, value: object) -> Proof:
        """Read an `InclusionProof` (sigstore_rekor.proto).

        Raises:
            LimitError: It is longer than any tree is deep.
            InputError: It is malformed.
        """
        names = ("logIndex", "rootHash", "treeSize", "hashes", "checkpoint")
        found = wire.fields(value, "the inclusion proof", optional=names)
        hashes = wire.several(found.get("hashes"), "the proof's hashes", limit=_DEEPEST)
        checkpoint = wire.fields(
            found.get("checkpoint") or {}, "the proof's checkpoint", optional=("envelope",)
        )
        return cls(
            wire.number(found.get("logIndex"), "the proof's logIndex"),
            wire.number(found.get("treeSize"), "the proof's treeSize"),
            _hash(found.get("rootHash"), "the proof's rootHash"),
            tuple(_hash(one, "a hash of the proof") for one in hashes),
            as_text(checkpoint.get("envelope", ""), "the checkpoint"),
        )

    def require(self, leaf: bytes, log: Log) -> None:
        """Check that the log contains a leaf.

        Args:
            leaf: The leaf's data: the entry's body.
            log: Whose checkpoint it must be.

        Raises:
            InputError: The checkpoint is malformed.
            VerificationError: The proof leads to another root, or the log did not sign that.
        """
        if _root_of(self, leaf) != self.root:
            raise VerificationError(
                "the inclusion proof leads to another root than it names",
                because="the entry is not in that tree",
            )
        size, root = _checkpoint(self.checkpoint, log)
        if (size, root) != (self.size, self.root):
            raise VerificationError("the inclusion proof is about another tree than its checkpoint")


def _root_of(proof: Proof, leaf: bytes) -> bytes:
    """The root to which a proof leads (RFC 9162 section 2.1.3.2)."""
    if proof.index >= proof.size:
        raise VerificationError("the inclusion proof is about an index outside of the tree")
    node = hashlib.sha256(b"\x00" + leaf).digest()
    index, last = proof.index, proof.size - 1
    for sibling in proof.hashes:
        if last == 0:
            raise VerificationError("the inclusion proof is longer than the tree is deep")
        if index & 1 or index == last:
            node = _parent(sibling, node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = _parent(node, sibling)
        index, last = index >> 1, last >> 1
    if last:
        raise VerificationError("the inclusion proof is shorter than the tree is deep")
    return node


def _parent(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _hash(value: object, what: str) -> bytes:
    found = wire.octets(value, what)
    if len(found) != _HASH:
        raise InputError(f"{what} is no SHA-256")
    return found


def _checkpoint(note: str, log: Log) -> tuple[int, bytes]:
    """Size and root of a checkpoint that the log signed."""
    if len(note) > _CHECKPOINT_LIMIT:
        raise InputError("the checkpoint is longer than any")
    body, separator, tail = note.rpartition("\n\n")
    lines = body.split("\n")
    signatures = tail.split("\n")
    if not separator or signatures[-1] or not 1 < len(signatures) <= _SIGNATURES + 1:
        raise InputError("the checkpoint is no signed note")
    if len(lines) < 3 or not lines[0] or not _SIZE.fullmatch(lines[1]):
        raise InputError("the checkpoint does not name a log, its size and its root")
    root = read_base64(lines[2], "the checkpoint's root")
    origin = _origin(lines[0], log)
    # All are looked at: where one of the log's is wrong, the note is not what it signed.
    if True not in [_signs(line, f"{body}\n", origin, log) for line in signatures[:-1]]:
        raise VerificationError(
            "the checkpoint is not signed by the log",
            because=f"{log.url or 'the log'} has the key {log.key.fingerprint[:19]}",
        )
    return int(lines[1]), root


def _origin(origin: str, log: Log) -> str | None:
    """By what name the log signs; None where any will do.

    One key may sign for several logs. Since Rekor v2 the name says for which, and the trusted root
    has it as the log's host; before, hosts called themselves what they liked.
    """
    if _NUMBERED.fullmatch(origin):
        return None
    try:
        host = urlsplit(log.url).hostname
    except ValueError:
        host = None
    if origin != host:
        raise VerificationError(
            "the checkpoint is another log's",
            because=f"its origin is {origin[:80]!r}, and the log is {host or 'without a host'!r}",
        )
    return origin


def _signs(line: str, body: str, name: str | None, log: Log) -> bool:
    """Whether a signature line is the log's; others' (witnesses') say nothing to us."""
    match = _SIGNATURE.fullmatch(line)
    if match is None:
        raise InputError("the checkpoint has a signature that is none")
    found = read_base64(match["base64"], "the checkpoint's signature")
    if found[:CHECKPOINT_ID] != log.checkpoint_id or name not in (None, match["name"]):
        return False
    try:
        log.key.verify(found[CHECKPOINT_ID:], body.encode())
    except VerificationError as error:
        raise VerificationError(
            "the checkpoint has a signature of the log that does not verify", because=error.because
        ) from None
    return True
