"""Evidence as a policy's test imagines it: nothing of it was verified, and nothing is recorded.

A dossier of this kind is judged for a test and thrown away. A test of ours holds that nothing but
the tests of policies comes here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime

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
from supplychain.model.dossier import Dossier, PlatformDossier
from supplychain.model.evidence import (
    CYCLONEDX_PREDICATE,
    SIGNATURE_PREDICATE,
    Build,
    Evidence,
    EvidenceKind,
    Producer,
    Sbom,
    Scan,
    VerifiedAttestation,
    VulnerabilityDatabase,
)
from supplychain.model.identity import Clock, Identity, LogEntry, NameKind, TrustedTime
from supplychain.model.predicate_types import type_uri
from supplychain.model.subject import Platform, Subject

# What a test says of the image as a whole, and of each platform; what is left out of the first has
# a word of its own here, or none.
_DOSSIER = tuple(
    n for n in hints_of(Dossier) if n not in {"subject", "platforms", "attestations", "running"}
)
_PLATFORM = (
    "scanned",
    "database",
    "operating_system",
    "sbom",
    "attested",
    *(
        n
        for n in hints_of(PlatformDossier)
        if n not in {"subject", "platform", "scan", "sbom"}
        and n not in {"attestations", "component_count", "config_evidence"}
    ),
)
_SBOM = tuple(name for name in hints_of(Sbom) if name != "evidence")
KEYS = ("repository", "platform", "platforms", "signed", *_PLATFORM, *_DOSSIER)
# Whose signature nobody trusts.
STRANGER = "stranger"
_LOG = LogEntry("https://log.example", "00", 0, "dsse 0.0.1")


class Imagined:
    """The evidence that one test describes."""

    def __init__(self, imagining: Imagining, policy: Policy) -> None:
        """Begin.

        Args:
            imagining: What values are made with.
            policy: Whose keys can be named as it names them.
        """
        self._make = imagining
        trusted = [one for entry in policy.rules for one in trusted_by(entry.rule)]
        self._keys = {one.name: one.fingerprint for one in trusted if isinstance(one, TrustedKey)}

    def dossier(self, node: Node) -> Dossier | None:
        """The dossier; None where there are problems, or where nothing is recorded: `{}`."""
        found = self._fields(node, KEYS, "the image of a test")
        if not found:
            return None
        subject = self._make.subject
        shared = {name: one for name, one in found.items() if name in _PLATFORM}
        if "platforms" in found:
            platforms = self._platforms(found["platforms"], shared)
        else:
            platforms = [self._platform(subject, found.get("platform"), shared)]
        hints = hints_of(Dossier)
        given = {
            name: self._make.make(hints[name], found[name]) for name in _DOSSIER if name in found
        }
        # A test imagines an image in its registry, unless it says where it is.
        given.setdefault("repositories", (subject.name,))
        signed = [
            self._said(one, subject, SIGNATURE_PREDICATE) for one in _items(found.get("signed"))
        ]
        stated = self._attested(found.get("attested"), subject)
        return Dossier(subject, tuple(platforms), (*signed, *stated), **given)

    def _fields(self, node: Node, known: Sequence[str], what: str) -> dict[str, Node]:
        problems: list[ProblemError] = []
        found = fields(node, dict.fromkeys(known, False), what, problems)
        if problems:
            raise problems[0]
        return found

    def _platforms(self, node: Node, shared: Mapping[str, Node]) -> list[PlatformDossier]:
        """Each platform has what the image has, where it does not say otherwise."""
        made = []
        for number, item in enumerate(_items(node)):
            own = self._fields(item, ("platform", *_PLATFORM), "a platform of a test")
            subject = dataclasses.replace(
                self._make.subject, digest=Digest.of(f"platform {number}".encode())
            )
            made.append(self._platform(subject, own.pop("platform", None), {**shared, **own}))
        return made

    def _platform(
        self, subject: Subject, platform: Node | None, found: Mapping[str, Node]
    ) -> PlatformDossier:
        make, hints = self._make, hints_of(PlatformDossier)
        named = make.make(Platform, platform) if platform else Platform("linux", "amd64")
        sbom, said = self._sbom(found.get("sbom"), subject)
        given = {
            name: make.make(hints[name], node)
            for name, node in found.items()
            if name in hints and name != "sbom"
        }
        given.setdefault("findings", ())
        if "config" in given:
            since = given.get("recorded_at", make.at)
            given["config_evidence"] = _evidence(EvidenceKind.CONFIG, subject, since)
        return PlatformDossier(
            subject=subject,
            platform=named,
            scan=self._scan(found, subject),
            sbom=sbom,
            component_count=len(given.get("components", ())),
            attestations=(*said, *self._attested(found.get("attested"), subject)),
            **given,
        )

    def _scan(self, found: Mapping[str, Node], subject: Subject) -> Scan | None:
        if "scanned" not in found:
            for name in ("findings", "components", "secrets", "database"):
                if name in found:
                    raise ProblemError(
                        found[name].position,
                        f"{name} come of a scan, and there is none",
                        "scanned: 2h",
                    )
            return None
        at = self._make.moment(found["scanned"])
        built = self._make.moment(found["database"]) if "database" in found else at
        system = (
            scalar(found["operating_system"], "a name").text if "operating_system" in found else ""
        )
        return Scan(
            _evidence(EvidenceKind.SCAN, subject, at),
            VulnerabilityDatabase(Digest.of(b"the database"), built),
            system,
            (),
            (),
        )

    def _sbom(
        self, node: Node | None, subject: Subject
    ) -> tuple[Sbom | None, list[VerifiedAttestation]]:
        if node is None:
            return None, []
        found = {"made": node}
        if isinstance(node, nodes.Mapping):
            found = self._fields(node, ("made", "by", *_SBOM), "an SBOM")
        at = self._make.moment(found["made"]) if "made" in found else self._make.at
        evidence = _evidence(EvidenceKind.SBOM, subject, at)
        more = {
            name: self._make.make(hints_of(Sbom)[name], found[name])
            for name in _SBOM
            if name in found
        }
        sbom = dataclasses.replace(Sbom(evidence, "1.6", 1), **more)
        said = [self._said(one, subject, CYCLONEDX_PREDICATE) for one in _items(found.get("by"))]
        return sbom, [dataclasses.replace(a, predicate_digest=evidence.digest) for a in said]

    def _attested(self, node: Node | None, subject: Subject) -> list[VerifiedAttestation]:
        """Statements of other types: of the image as a whole, and of each platform."""
        made = []
        for item in _items(node):
            found = self._fields(item, ("type", "by", "builder", "build_type"), "a statement")
            for name in ("type", "by"):
                if name not in found:
                    raise ProblemError(item.position, f"a statement needs {name!r}")
            try:
                uri = type_uri(scalar(found["type"], "a predicate type").text)
            except SupplyChainError as error:
                raise ProblemError(found["type"].position, str(error), error.hint) from None
            said = self._said(found["by"], subject, uri)
            if "builder" in found:
                kind = found.get("build_type", found["builder"])
                build = Build(scalar(found["builder"], "a URI").text, scalar(kind, "a URI").text)
                said = dataclasses.replace(said, build=build)
            made.append(said)
        return made

    def _said(self, node: Node, subject: Subject, predicate: str) -> VerifiedAttestation:
        """What somebody signed: a key by its path, or a mapping with key or identity and when."""
        found = {"key": node}
        if isinstance(node, nodes.Mapping):
            found = self._fields(
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


def _items(node: Node | None) -> tuple[Node, ...]:
    if node is None:
        return ()
    if not isinstance(node, nodes.Sequence):
        raise ProblemError(node.position, f"expected a list, found {node}")
    return node.items


def _evidence(kind: EvidenceKind, subject: Subject, at: datetime) -> Evidence:
    digest = Digest.of(f"{kind} of {subject.digest}".encode())
    return Evidence(subject, kind, digest, "", Producer("policy test", ""), at, "first-hand")
