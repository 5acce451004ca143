"""Evidence as a policy's test imagines it: nothing of it was verified, and nothing is recorded.

A dossier of this kind is judged for a test and thrown away. A test of ours holds that nothing but
the tests of policies comes here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from supplychain.errors import SupplyChainError
from supplychain.gate import nodes
from supplychain.gate.imagined_signers import Signers, fields_of, items_of
from supplychain.gate.imagined_values import Imagining, hints_of
from supplychain.gate.nodes import Node, ProblemError
from supplychain.gate.options import scalar
from supplychain.gate.policy import Policy
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, PlatformDossier, Running
from supplychain.model.evidence import (
    CLAIM,
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
from supplychain.model.history import Deployment
from supplychain.model.predicate_types import type_uri
from supplychain.model.subject import Platform, Subject
from supplychain.model.unsigned import UNKNOWN_DATABASE, Claimed, Told

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
    "claimed",
    *(
        n
        for n in hints_of(PlatformDossier)
        if n not in {"subject", "platform", "scan", "sbom"}
        and n not in {"attestations", "component_count", "config_evidence", "claims"}
    ),
)
_CLAIM = ("by", "scanned", "operating_system", "findings", "components", "secrets", "sbom")
_SBOM = tuple(name for name in hints_of(Sbom) if name != "evidence")
KEYS = ("repository", "platform", "platforms", "signed", "running", *_PLATFORM, *_DOSSIER)


class Imagined:
    """The evidence that one test describes."""

    def __init__(self, imagining: Imagining, policy: Policy) -> None:
        """Begin.

        Args:
            imagining: What values are made with.
            policy: Whose keys can be named as it names them.
        """
        self._make = imagining
        self._environment = policy.environment
        self._signers = Signers(imagining, policy)

    def dossier(self, node: Node) -> Dossier | None:
        """The dossier; None where there are problems, or where nothing is recorded: `{}`."""
        found = fields_of(node, KEYS, "the image of a test")
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
        if "running" in found:
            given["running"] = self._running(found["running"], platforms)
        signed = [
            self._signers.said(one, subject, SIGNATURE_PREDICATE)
            for one in items_of(found.get("signed"))
        ]
        stated = self._attested(found.get("attested"), subject)
        return Dossier(subject, tuple(platforms), (*signed, *stated), **given)

    def _platforms(self, node: Node, shared: Mapping[str, Node]) -> list[PlatformDossier]:
        """Each platform has what the image has, where it does not say otherwise."""
        made = []
        for number, item in enumerate(items_of(node)):
            own = fields_of(item, ("platform", *_PLATFORM), "a platform of a test")
            subject = dataclasses.replace(
                self._make.subject, digest=Digest.of(f"platform {number}".encode())
            )
            made.append(self._platform(subject, own.pop("platform", None), {**shared, **own}))
        return made

    def _running(self, node: Node, platforms: Sequence[PlatformDossier]) -> Running:
        """What runs there of its repository, the same on each platform of the image."""
        own = fields_of(node, ("since", *_PLATFORM), "what runs there")
        since = self._make.moment(own.pop("since")) if "since" in own else self._make.at
        subject = dataclasses.replace(self._make.subject, digest=Digest.of(b"what runs there"))
        there = self._platform(subject, None, own)
        deployment = Deployment(
            environment=self._environment,
            subject=subject,
            since_at=since,
            until_at=None,
            reported_by="",
            document=Digest.of(b"the report of what runs there"),
        )
        return Running(
            deployment,
            tuple(dataclasses.replace(there, platform=one.platform) for one in platforms),
        )

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
            claims=tuple(self._claims(found.get("claimed"), subject)),
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
            found = fields_of(node, ("made", "by", *_SBOM), "an SBOM")
        at = self._make.moment(found["made"]) if "made" in found else self._make.at
        evidence = _evidence(EvidenceKind.SBOM, subject, at)
        more = {
            name: self._make.make(hints_of(Sbom)[name], found[name])
            for name in _SBOM
            if name in found
        }
        sbom = dataclasses.replace(Sbom(evidence, "1.6", 1), **more)
        said = [
            self._signers.said(one, subject, CYCLONEDX_PREDICATE)
            for one in items_of(found.get("by"))
        ]
        return sbom, [dataclasses.replace(a, predicate_digest=evidence.digest) for a in said]

    def _claims(self, node: Node | None, subject: Subject) -> Iterator[Claimed]:
        """What people hand in without a signature."""
        for number, item in enumerate(items_of(node)):
            found = fields_of(item, _CLAIM, "a claim")
            if "by" not in found:
                raise ProblemError(item.position, "a claim needs 'by'", "by: machine:shop-ci")
            by = scalar(found["by"], "a caller's name").text
            scan, (sbom, _) = self._scan(found, subject), self._sbom(found.get("sbom"), subject)
            if scan is not None:
                parts, hints = ("components", "findings", "secrets"), hints_of(PlatformDossier)
                said = {n: self._make.make(hints[n], found[n]) for n in parts if n in found}
                findings = tuple(one.finding for one in said.pop("findings", ()))
                whole = dataclasses.replace(scan, findings=findings, **said)
                claimed = _claimed(scan.evidence, by, number)
                told = dataclasses.replace(whole, evidence=claimed, database=UNKNOWN_DATABASE)
                yield Claimed(by, self._make.at, Told(scan=told))
            if sbom is not None:
                claimed = _claimed(sbom.evidence, by, number)
                told_sbom = dataclasses.replace(sbom, evidence=claimed)
                yield Claimed(by, self._make.at, Told(sbom=told_sbom))

    def _attested(self, node: Node | None, subject: Subject) -> list[VerifiedAttestation]:
        """Statements of other types: of the image as a whole, and of each platform."""
        made = []
        for item in items_of(node):
            found = fields_of(item, ("type", "by", "builder", "build_type"), "a statement")
            for name in ("type", "by"):
                if name not in found:
                    raise ProblemError(item.position, f"a statement needs {name!r}")
            try:
                uri = type_uri(scalar(found["type"], "a predicate type").text)
            except SupplyChainError as error:
                raise ProblemError(found["type"].position, str(error), error.hint) from None
            said = self._signers.said(found["by"], subject, uri)
            if "builder" in found:
                kind = found.get("build_type", found["builder"])
                build = Build(scalar(found["builder"], "a URI").text, scalar(kind, "a URI").text)
                said = dataclasses.replace(said, build=build)
            made.append(said)
        return made


def _claimed(evidence: Evidence, by: str, number: int) -> Evidence:
    digest = Digest.of(f"{number} {evidence.digest}".encode())
    return dataclasses.replace(evidence, digest=digest, verified_by=f"{CLAIM}{by}")


def _evidence(kind: EvidenceKind, subject: Subject, at: datetime) -> Evidence:
    digest = Digest.of(f"{kind} of {subject.digest}".encode())
    return Evidence(subject, kind, digest, "", Producer("policy test", ""), at, "first-hand")
