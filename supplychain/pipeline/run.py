"""The whole way of an image: examine, describe, seal, record. The gate comes after it.

Every platform is examined before anything is signed, and everything is signed and verified before
anything is recorded: a refusal anywhere leaves the record as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from supplychain.errors import DigestMismatchError, NotFoundError
from supplychain.frozen import dataclass
from supplychain.images.configuration import read_configuration
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind, Producer
from supplychain.model.subject import Subject
from supplychain.pipeline.learnt import Claims, Learnt, claims_of, run_record, scan_record
from supplychain.pipeline.progress import Progress, stage
from supplychain.pipeline.provenance import Invocation, Purpose
from supplychain.pipeline.seal import Sealing, by_reference, claims_about, seal
from supplychain.pipeline.target import Target
from supplychain.records.run import (
    AttestationRecord,
    ConfigRecord,
    RunRecord,
    SbomRecord,
)
from supplychain.scan.process import nothing
from supplychain.signing.publication import SIGNATURE, Claim

if TYPE_CHECKING:
    # These take time to load, and who only signs does without.
    from supplychain.pipeline.examine import Examined, Examiner
    from supplychain.records.record import Record
    from supplychain.sbom.cyclonedx import SpecVersion


_AFTER_THE_SCAN = (
    "supplychain.pipeline.describe",
    "jsonschema_rs",
    "license_expression",
    "supplychain.gate.licence_table",
    "supplychain.records.images",
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
            return self._finish(target, learnt, sealing, claims_of(subject, learnt))

    def _underway(self, subject: Digest) -> AbstractContextManager[None]:
        """Until it is done, gates say `pending` where nothing but its evidence is missing."""
        if self.record is None:
            return nullcontext()
        return self.record.history.working(subject, _EVIDENCE, "run", self.clock)

    def scan(self, target: Target, examiner: Examiner) -> RunRecord:
        """Examine, and record the scans alone."""
        learnt = {
            examined.image.subject.digest: Learnt(
                scan_record(examined.result), self.config_of(examined)
            )
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
        return self.save(target, {}, verified)

    def _described(
        self, target: Target, examiner: Examiner, purpose: Purpose
    ) -> dict[Digest, Learnt]:
        subject, begun_at = target.image.subject, self.clock()
        run = Invocation(self.builder, self.product, subject, target.tag, purpose, begun_at)
        examined = _examined(target, examiner, cache(lambda: self._make_ready(subject)))
        return {each.image.subject.digest: self._describe(each, run) for each in examined}

    def _make_ready(self, subject: Subject) -> None:
        """Load what the stages after the scan need, while this process waits for the scanner."""
        for name in _AFTER_THE_SCAN:
            import_module(name)
        if self.record is not None:
            # What a verdict asks is built when it is asked for the first time.
            self.record.consult(subject, at=self.clock(), environment="", needs=frozenset())

    def _describe(self, examined: Examined, run: Invocation) -> Learnt:
        finished_at = self.clock()
        sbom = self.sbom_of(examined, finished_at)
        claims = claims_about(run, examined.image, examined.result, sbom, finished_at=finished_at)
        return Learnt(scan_record(examined.result), self.config_of(examined), sbom, tuple(claims))

    def sbom_of(self, examined: Examined, finished_at: datetime) -> SbomRecord:
        """The SBOM of one platform's image; the one on record, where it says the same.

        Raises:
            VerificationError: It breaks its schema.
        """
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
        return sbom

    def config_of(self, examined: Examined) -> ConfigRecord:
        """What one platform's image says about itself."""
        config = read_configuration(examined.image)
        return ConfigRecord(config, self.product.version, self.clock())

    def _recorded_sbom(self, digest: Digest) -> bytes | None:
        """The document on record; None where there is none, or only a damaged one."""
        if self.record is None:
            return None
        try:
            return self.record.images.document(digest, EvidenceKind.SBOM)
        except (NotFoundError, DigestMismatchError):
            return None

    def _finish(
        self, target: Target, learnt: Mapping[Digest, Learnt], sealing: Sealing, claims: Claims
    ) -> RunRecord:
        """Seal what is claimed, verify it, and record all that was learnt at once."""
        subject = target.image.subject
        sealed: dict[Digest, tuple[AttestationRecord, ...]] = {}
        if claims and (sealing.signer or sealing.trust.anybody):
            with stage(self.progress, "sign", f"{subject.digest}") as done:
                sealed = self._sealed(target, sealing, claims)
                count = sum(map(len, sealed.values()))
                done.text = f"{count} statements verified where they are stored"
        return self.save(target, learnt, sealed)

    def save(
        self,
        target: Target,
        learnt: Mapping[Digest, Learnt],
        sealed: Mapping[Digest, tuple[AttestationRecord, ...]],
    ) -> RunRecord:
        """Record all that was learnt about an image at once."""
        image, subject = target.image, target.image.subject
        run = run_record(image, learnt, sealed, tag=target.tag, resolved=target.resolved)
        if self.record is not None:
            with stage(self.progress, "record", f"{subject.digest}") as done:
                self.record.save_run(run, at=self.clock())
                done.text = f"{subject.digest}"
        return run

    def _sealed(
        self, target: Target, sealing: Sealing, claims: Claims
    ) -> dict[Digest, tuple[AttestationRecord, ...]]:
        store, name = target.beside(), target.image.subject.name
        return {
            digest: seal(
                store,
                Subject(name, digest),
                sealing.signer,
                self.sized(sealing, said, Subject(name, digest)),
                sealing.trust,
                at=self.clock(),
                formats=sealing.formats,
            )
            for digest, said in claims.items()
        }

    def sized(self, sealing: Sealing, claims: Sequence[Claim], subject: Subject) -> list[Claim]:
        """Claims, of which those about too large an SBOM refer to it by its digest."""
        above, attester = sealing.whole_sbom, self.builder
        return [by_reference(one, subject, above=above, attester=attester) for one in claims]


def _examined(
    target: Target, examiner: Examiner, meanwhile: Callable[[], None] = nothing
) -> list[Examined]:
    """All platforms, before anything is done with the first."""
    return [
        examiner.examine(target.source, image, keep=target.keep, meanwhile=meanwhile)
        for image in target.image.images
    ]
