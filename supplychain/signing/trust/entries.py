"""Entries of transparency logs as bundles and cosign's annotations carry them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import field
from datetime import datetime

from supplychain.errors import InputError, VerificationError
from supplychain.frozen import dataclass
from supplychain.model.identity import Clock, LogEntry, TrustedTime
from supplychain.signing.encoding import as_text, members, read_hex, read_json, write_base64
from supplychain.signing.trust import bodies, wire
from supplychain.signing.trust.bodies import Logged
from supplychain.signing.trust.inclusion import Proof
from supplychain.signing.trust.root import Log
from supplychain.signing.trust.window import text

# Nobody logs a signature in more places.
ENTRY_LIMIT = 32
_PROMISE_LIMIT = 64 * 1024 * 1024
# What Rekor v2 has in place of all kinds before.
_TIMELESS = ("hashedrekord 0.0.2", "dsse 0.0.2")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it was read; nothing in it is checked yet.

    Attributes:
        log_id: The log.
        index: The entry's index in it.
        kind: `<kind> <version>`; "" in annotations, which do not say.
        integrated_at: When the log says that it took it (aware, UTC).
        promise: The log's signature over all this; b"" for none (SignedEntryTimestamp).
        proof: The inclusion proof.
        body: What was logged.
    """

    log_id: bytes
    index: int
    kind: str
    integrated_at: datetime | None
    promise: bytes
    proof: Proof | None
    body: bytes = field(repr=False)

    @classmethod
    def parse(cls, value: object) -> Entry:
        """Read a `TransparencyLogEntry` (sigstore_rekor.proto).

        Raises:
            LimitError: It is too large.
            InputError: It is malformed.
        """
        found = wire.fields(
            value,
            "the log entry",
            required=("logId", "kindVersion", "canonicalizedBody"),
            optional=(
                "logIndex",
                "integratedTime",
                "inclusionPromise",
                "inclusionProof",
            ),
        )
        named = wire.fields(found["logId"], "the log's ID", required=("keyId",))
        seconds = wire.number(found.get("integratedTime"), "the integratedTime")
        proof = found.get("inclusionProof")
        return cls(
            wire.octets(named["keyId"], "the log's ID"),
            wire.number(found.get("logIndex"), "the logIndex"),
            _kind(found["kindVersion"]),
            wire.unix_time(seconds, "the integratedTime") if seconds else None,
            _promise(found.get("inclusionPromise")),
            None if proof is None else Proof.parse(proof),
            wire.octets(found["canonicalizedBody"], "the log entry's body"),
        )

    @classmethod
    def parse_annotation(cls, annotation: str) -> Entry:
        """Read cosign's annotation `dev.sigstore.cosign/bundle`, which has no inclusion proof.

        Raises:
            LimitError: It is too large.
            InputError: It is malformed.
        """
        read = read_json(annotation.encode(), "the log entry", limit=_PROMISE_LIMIT)
        found = members(read.value, "the log entry", required=("SignedEntryTimestamp", "Payload"))
        payload = members(
            found["Payload"],
            "the entry's Payload",
            required=("body", "integratedTime", "logIndex", "logID"),
        )
        return cls(
            read_hex(payload["logID"], "the logID"),
            wire.number(payload["logIndex"], "the logIndex"),
            "",
            wire.unix_time(payload["integratedTime"], "the integratedTime"),
            wire.octets(found["SignedEntryTimestamp"], "the signed entry timestamp"),
            None,
            wire.octets(payload["body"], "the log entry's body"),
        )

    def require(
        self, logged: Logged, logs: Sequence[Log], moments: Sequence[datetime], *, proof: bool
    ) -> tuple[LogEntry, TrustedTime | None]:
        """Check that a trusted log holds this entry, and that it is the signature's.

        Args:
            logged: The signature.
            logs: The logs that are trusted.
            moments: When the entry was made, where it does not promise that itself.
            proof: Whether an inclusion proof is demanded; else it is a promise.

        Returns:
            The entry, and when the log promises that it came; None where it promises nothing.

        Raises:
            InputError: It is malformed.
            VerificationError: It is another signature's, or no trusted log holds it.
        """
        kind = bodies.require(self.body, logged)
        if self.kind not in ("", kind):
            raise VerificationError(f"the log entry says that it is {self.kind!r}, and is {kind!r}")
        log = self._log(logs, moments)
        if proof and self.proof is None:
            raise VerificationError("the log entry has no inclusion proof")
        if not proof and not self.promise:
            raise VerificationError("the log entry has no promise of the log")
        if kind in _TIMELESS:
            self._require_timeless()
        if self.proof is not None:
            self.proof.require(self.body, log)
        time = self._promised(log) if self.promise else None
        index = self.index if self.promise or self.proof is None else self.proof.index
        return LogEntry(log.url, log.log_id.hex(), index, kind), time

    def _require_timeless(self) -> None:
        """Rekor v2 counts through all its trees, and promises nothing."""
        if self.promise:
            raise VerificationError("the log entry has a promise, and is of a kind that has none")
        if self.proof is not None and self.proof.index != self.index:
            raise VerificationError("the log entry has another index than its inclusion proof")

    def _log(self, logs: Sequence[Log], moments: Sequence[datetime]) -> Log:
        """The log that it names, with the key that was in use then."""
        named = [log for log in logs if log.log_id == self.log_id]
        if not named:
            raise VerificationError(
                "the log entry is of a log that the trusted root does not name",
                because=f"its ID is {self.log_id.hex()[:16] or 'empty'}",
                hint="name the root of the services that were used: --trusted-root",
            )
        if self.promise and self.integrated_at is not None:
            moments = (self.integrated_at,)
        for log in named:
            if all(log.window.covers(moment) for moment in moments):
                return log
        raise VerificationError(
            f"the log entry is of {', '.join(text(moment) for moment in moments[:3])}",
            because=f"the log's key counts {named[-1].window}",
        )

    def _promised(self, log: Log) -> TrustedTime:
        """When the log promises that it took the entry (Rekor, "Signed Entry Timestamp")."""
        if self.integrated_at is None:
            raise InputError("the log promises an entry at no time")
        promised = {
            "body": write_base64(self.body),
            "integratedTime": int(self.integrated_at.timestamp()),
            "logID": self.log_id.hex(),
            "logIndex": self.index,
        }
        # ASCII text and whole numbers, sorted: that is its canonical form (RFC 8785).
        data = json.dumps(promised, separators=(",", ":"), sort_keys=True).encode()
        try:
            log.key.verify(self.promise, data)
        except VerificationError:
            raise VerificationError(
                "the log's promise does not verify",
                because=f"it was not made by {log.url or 'the log'}",
            ) from None
        return TrustedTime(self.integrated_at, Clock.LOG, log.url)


def _promise(value: object) -> bytes:
    """The promise; b"" for none. One that is there and empty is not taken for none."""
    if value is None:
        return b""
    found = wire.fields(value, "the inclusion promise", required=("signedEntryTimestamp",))
    promise = wire.octets(found["signedEntryTimestamp"], "the signed entry timestamp")
    if not promise:
        raise InputError("the inclusion promise is empty")
    return promise


def _kind(value: object) -> str:
    found = wire.fields(value, "the kindVersion", required=("kind", "version"))
    kind = as_text(found["kind"], "the entry's kind")
    return f"{kind} {as_text(found['version'], 'the entry version')}"
