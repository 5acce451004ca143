"""Who signed what a policy's test imagines: a key by its path, or an identity, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from supplychain.errors import SupplyChainError
from supplychain.gate import nodes
from supplychain.gate.authorities import trusted_by
from supplychain.gate.fields import fields
from supplychain.gate.imagined_values import Imagining, hints_of
from supplychain.gate.keys import TrustedKey
from supplychain.gate.nodes import Node, ProblemError
from supplychain.gate.options import BOOLEAN, scalar
from supplychain.gate.policy import Policy
from supplychain.model.digest import Digest
from supplychain.model.evidence import VerifiedAttestation
from supplychain.model.identity import Clock, Identity, LogEntry, NameKind, TrustedTime
from supplychain.model.subject import Subject

# Whose signature nobody trusts.
STRANGER = "stranger"
_LOG = LogEntry("https://log.example", "00", 0, "dsse 0.0.1")


def fields_of(node: Node, known: Sequence[str], what: str) -> dict[str, Node]:
    """The values of a mapping, none of which has to be there.

    Raises:
        ProblemError: It has others, or is none.
    """
    problems: list[ProblemError] = []
    found = fields(node, dict.fromkeys(known, False), what, problems)
    if problems:
        raise problems[0]
    return found


def items_of(node: Node | None) -> tuple[Node, ...]:
    """The values of a list; none where nothing is said.

    Raises:
        ProblemError: It is none.
    """
    if node is None:
        return ()
    if not isinstance(node, nodes.Sequence):
        raise ProblemError(node.position, f"expected a list, found {node}")
    return node.items


class Signers:
    """Those who can have signed in a test: whom the policy names, and anybody else."""

    def __init__(self, imagining: Imagining, policy: Policy) -> None:
        """Begin.

        Args:
            imagining: What values are made with.
            policy: Whose keys can be named as it names them.
        """
        self._make = imagining
        trusted = [one for entry in policy.rules for one in trusted_by(entry.rule)]
        self._keys = {one.name: one.fingerprint for one in trusted if isinstance(one, TrustedKey)}

    def said(self, node: Node, subject: Subject, predicate: str) -> VerifiedAttestation:
        """What somebody signed: a key by its path, or a mapping with key or identity and when.

        Raises:
            ProblemError: The node says nothing of the kind.
        """
        found = {"key": node}
        if isinstance(node, nodes.Mapping):
            found = fields_of(
                node,
                ("key", "identity", "issuer", "claims", "kind", "ago", "logged", "timestamped"),
                "a signature",
            )
        if ("key" in found) == ("identity" in found):
            raise ProblemError(
                node.position,
                "a signature is by a key or by an identity",
                "{key: release.pub} or {identity: NAME, issuer: URL}",
            )
        at = self._make.moment(found["ago"]) if "ago" in found else self._make.at
        identity = self._identity(found) if "identity" in found else None
        # What identities sign is logged and timestamped unless the test says otherwise.
        usual = identity is not None
        logged = BOOLEAN.read(found["logged"], self._make.reading) if "logged" in found else usual
        timed = (
            BOOLEAN.read(found["timestamped"], self._make.reading)
            if "timestamped" in found
            else usual
        )
        signer = (
            self._key(found["key"]) if "key" in found else str(Digest.of(repr(identity).encode()))
        )
        named = f"{subject.digest} {predicate} {signer} {at}".encode()
        return VerifiedAttestation(
            subject=subject,
            predicate_type=predicate,
            payload=Digest.of(named),
            envelope=Digest.of(b"envelope of " + named),
            key_fingerprint=signer,
            verified_at=at,
            identity=identity,
            log_entries=(_LOG,) if logged else (),
            times=(TrustedTime(at, Clock.LOG, _LOG.log),) if timed else (),
        )

    def _identity(self, found: Mapping[str, Node]) -> Identity:
        name = scalar(found["identity"], "a name").text
        form = NameKind.URI if "://" in name else NameKind.EMAIL if "@" in name else NameKind.OTHER
        given = {
            n: self._make.make(hints_of(Identity)[n], found[n])
            for n in ("kind", "claims")
            if n in found
        }
        issuer = scalar(found["issuer"], "an issuer").text if "issuer" in found else ""
        return Identity(**{"name": name, "kind": form, "issuer": issuer, **given})

    def _key(self, node: Node) -> str:
        """The fingerprint of a key: as the policy calls it, or by its path beside the test."""
        text = scalar(node, "the path of a key").text
        if text == STRANGER:
            return str(Digest.of(STRANGER.encode()))
        if text in self._keys:
            return self._keys[text]
        reading = self._make.reading
        try:
            return reading.fingerprint(reading.read_key(text))
        except SupplyChainError as error:
            raise ProblemError(
                node.position,
                str(error),
                f"a path, {STRANGER}, or a key as the policy calls it: "
                f"{', '.join(self._keys) or 'it names none'}",
            ) from error
