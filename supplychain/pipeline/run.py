"""The whole way of an image: examine, describe, seal, record. The gate comes after it.

Every platform is examined before anything is signed, and everything is signed and verified before
anything is recorded: a refusal anywhere leaves the record as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING

from supplychain.errors import DigestMismatchError, InputError, NotFoundError
from supplychain.images.configuration import read_configuration
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind, Producer
from supplychain.model.subject import Subject
from supplychain.pipeline.progress import Progress, stage
from supplychain.pipeline.provenance import Invocation, Purpose
from supplychain.pipeline.seal import Sealing, by_reference, claims_about, seal
from supplychain.pipeline.target import Target
from supplychain.records.run import (
    AttestationRecord,
    ConfigRecord,
    PlatformRecord,
    RunRecord,
    SbomRecord,
    ScanRecord,
)
from supplychain.signing.publication import SIGNATURE, Claim

if TYPE_CHECKING:
    # These take time to load, and who only signs does without.
    from supplychain.pipeline.examine import Examined, Examiner
    from supplychain.records.record import Record
    from supplychain.sbom.cyclonedx import SpecVersion


@dataclass(frozen=True, slots=True)
class _Learnt:
    """What was learnt about one platform, and what is to be said about it."""

    scan: ScanRecord
    config: ConfigRecord
    sbom: SbomRecord | None = None
    claims: tuple[Claim, ...] = ()


_AFTER_THE_SCAN = (
    "supplychain.pipeline.describe",
    "jsonschema_rs",
    "license_expression",
    "supplychain.records.writing",
)

# What comes of a whole run.
_EVIDENCE = (
    EvidenceKind.SCAN,
    EvidenceKind.SBOM,
    EvidenceKind.SIGNATURE,
    EvidenceKind.ATTESTATION,
    EvidenceKind.CONFIG,
)
# What is to be said about which digest.
_Claims = Mapping[Digest, Sequence[Claim]]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The stages, bound.

    Attributes:
        record: Where everything goes; None records nothing.
        product: This program.
        spec_version: Which CycloneDX to write.
        author: Whom SBOMs name as their author; None leaves it out.
        builder: Whom provenance names as the one who runs this: a URI.
        clock: The time now (aware, UTC).
        progress: Who hears of it.
    """

    record: Record | None
    product: Producer
    spec_version: SpecVersion
    author: str | None
    builder: str
    clock: Callable[[], datetime]
    progress: Progress

    def run(
        self, target: Target, examiner: Examiner, sealing: Sealing, purpose: Purpose
    ) -> RunRecord:
        """Examine, describe, seal and record every platform that was selected.

        Raises:
            SupplyChainError: A stage refused; then nothing was recorded.
        """
        sealing.require_key()
        subject = target.image.subject.digest
        with self._underway(subject):
            learnt = self._described(target, examiner, purpose)
            claims: dict[Digest, Sequence[Claim]] = {subject: (SIGNATURE,)}
            claims |= {digest: found.claims for digest, found in learnt.items()}
            return self._finish(target, learnt, sealing, claims)

    def _underway(self, subject: Digest) -> AbstractContextManager[None]:
        """Until it is done, gates say `pending` where nothing but its evidence is missing."""
        if self.record is None:
            return nullcontext()
        return self.record.history.working(subject, _EVIDENCE, "run", self.clock)

    def scan(self, target: Target, examiner: Examiner) -> RunRecord:
        """Examine, and record the scans alone."""
        learnt = {
            examined.image.subject.digest: _Learnt(_scan_record(examined), self._config(examined))
            for examined in _examined(target, examiner)
        }
        return self._finish(target, learnt, Sealing(None), {})

    def describe(self, target: Target, examiner: Examiner) -> RunRecord:
        """Examine and describe, and record that without any signature."""
        return self._finish(target, self._described(target, examiner, Purpose()), Sealing(None), {})

    def sign(self, target: Target, sealing: Sealing, claims: Sequence[Claim] = ()) -> RunRecord:
        """Sign an image, index and platforms, and record what then verifies beside it.

        Args:
            target: The image.
            sealing: Who signs.
            claims: What is stated beside, about exactly the digest that was asked for.
        """
        sealing.require_key()
        subjects = (target.image.subject, *(image.subject for image in target.image.images))
        said: dict[Digest, Sequence[Claim]] = {s.digest: (SIGNATURE,) for s in subjects}
        said[target.image.subject.digest] = (SIGNATURE, *claims)
        return self._finish(target, {}, sealing, said)

    def attest(self, target: Target, sealing: Sealing, claim: Claim) -> RunRecord:
        """Make one statement about exactly the digest that was asked for, and record it."""
        sealing.require_key()
        return self._finish(target, {}, sealing, {target.image.subject.digest: (claim,)})

    def keep(
        self, target: Target, verified: Mapping[Digest, tuple[AttestationRecord, ...]]
    ) -> RunRecord:
        """Record what was verified about an image and its platforms, and nothing else."""
        return self._save(target, {}, verified)

    def _described(
        self, target: Target, examiner: Examiner, purpose: Purpose
    ) -> dict[Digest, _Learnt]:
        subject, begun_at = target.image.subject, self.clock()
        run = Invocation(self.builder, self.product, subject, target.tag, purpose, begun_at)
        Thread(target=_load_what_follows).start()
        return {e.image.subject.digest: self._describe(e, run) for e in _examined(target, examiner)}

    def _describe(self, examined: Examined, run: Invocation) -> _Learnt:
        finished_at = self.clock()
        from supplychain.pipeline.describe import describe

        image = examined.image
        with stage(self.progress, "sbom", f"{image.platform}") as done:
            sbom = describe(
                examined.result.scan,
                image,
                examined.layers,
                spec_version=self.spec_version,
                product=self.product,
                author=self.author,
                at=finished_at,
                recorded=self._recorded_sbom(image.subject.digest),
            )
            done.text = (
                f"{image.platform}: {sbom.sbom.component_count} components, "
                f"CycloneDX {sbom.sbom.spec_version}"
            )
        claims = claims_about(run, image, examined.result, sbom, finished_at=finished_at)
        return _Learnt(_scan_record(examined), self._config(examined), sbom, tuple(claims))

    def _config(self, examined: Examined) -> ConfigRecord:
        config = read_configuration(examined.image)
        return ConfigRecord(config, self.product.version, self.clock())

    def _recorded_sbom(self, digest: Digest) -> bytes | None:
        """The document on record; None where there is none, or only a damaged one."""
        if self.record is None:
            return None
        try:
            return self.record.document(digest, EvidenceKind.SBOM)
        except (NotFoundError, DigestMismatchError):
            return None

    def _finish(
        self, target: Target, learnt: Mapping[Digest, _Learnt], sealing: Sealing, claims: _Claims
    ) -> RunRecord:
        """Seal what is claimed, verify it, and record all that was learnt at once."""
        subject = target.image.subject
        sealed: dict[Digest, tuple[AttestationRecord, ...]] = {}
        if claims and (sealing.signer or sealing.trust.anybody):
            with stage(self.progress, "sign", f"{subject.digest}") as done:
                sealed = self._sealed(target, sealing, claims)
                count = sum(map(len, sealed.values()))
                done.text = f"{count} statements verified where they are stored"
        return self._save(target, learnt, sealed)

    def _save(
        self,
        target: Target,
        learnt: Mapping[Digest, _Learnt],
        sealed: Mapping[Digest, tuple[AttestationRecord, ...]],
    ) -> RunRecord:
        run, subject = _run_record(target, learnt, sealed), target.image.subject
        if self.record is not None:
            with stage(self.progress, "record", f"{subject.digest}") as done:
                self.record.save_run(run, at=self.clock())
                done.text = f"{subject.digest}"
        return run

    def _sealed(
        self, target: Target, sealing: Sealing, claims: _Claims
    ) -> dict[Digest, tuple[AttestationRecord, ...]]:
        store, name = target.beside(), target.image.subject.name
        above, attester = sealing.whole_sbom, self.builder

        def sized(claims: Sequence[Claim], subject: Subject) -> list[Claim]:
            return [by_reference(c, subject, above=above, attester=attester) for c in claims]

        return {
            digest: seal(
                store,
                Subject(name, digest),
                sealing.signer,
                sized(said, Subject(name, digest)),
                sealing.trust,
                at=self.clock(),
                formats=sealing.formats,
            )
            for digest, said in claims.items()
        }


def _examined(target: Target, examiner: Examiner) -> list[Examined]:
    """All platforms, before anything is done with the first."""
    return [
        examiner.examine(target.source, image, keep=target.keep) for image in target.image.images
    ]


def _load_what_follows() -> None:
    """Import what the stages after the scan need while this process waits for the scanner."""
    for name in _AFTER_THE_SCAN:
        import_module(name)


def _scan_record(examined: Examined) -> ScanRecord:
    return ScanRecord(examined.result.scan, examined.result.report)


def _run_record(
    target: Target,
    learnt: Mapping[Digest, _Learnt],
    sealed: Mapping[Digest, tuple[AttestationRecord, ...]],
) -> RunRecord:
    """Everything about one digest; an index lists all its platforms, examined or not."""
    image = target.image
    platforms = []
    for child in image.children:
        found = learnt.get(child.digest)
        if child.platform is None:  # `resolve` names every platform; a silent gap would be an allow
            raise InputError(f"{child.digest} has no platform", because=f"in {image.subject}")
        platform = PlatformRecord(
            Subject(image.subject.name, child.digest),
            child.platform,
            child.media_type,
            found.scan if found else None,
            found.sbom if found else None,
            sealed.get(child.digest, ()),
            found.config if found else None,
        )
        platforms.append(platform)
    about_index = sealed.get(image.subject.digest, ()) if image.is_index else ()
    return RunRecord(
        image.subject,
        image.media_type,
        tuple(platforms),
        about_index,
        target.tag,
        target.resolved,
    )
