"""The stages one by one, for whoever runs them apart: each gives the digest of what it leaves.

Doing one again does no harm: what is kept is kept by digest, what is signed is not signed twice,
what is recorded stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from supplychain.errors import VerificationError
from supplychain.frozen import dataclass
from supplychain.images.resolve import PlatformImage
from supplychain.model.digest import Digest
from supplychain.model.evidence import Scan
from supplychain.model.subject import Subject
from supplychain.pipeline import drafts
from supplychain.pipeline.drafts import Draft, ExaminedDraft, LearntDraft, Published, Signed
from supplychain.pipeline.examine import Examined, Examiner
from supplychain.pipeline.learnt import Learnt, claims_of, scan_record
from supplychain.pipeline.progress import stage
from supplychain.pipeline.provenance import Invocation
from supplychain.pipeline.run import Pipeline
from supplychain.pipeline.seal import Sealing, claims_about, read_back
from supplychain.pipeline.target import Target
from supplychain.records.content import ContentStore
from supplychain.records.run import AttestationRecord, SbomRecord
from supplychain.scan.scanner import ScanResult
from supplychain.signing.publication import Claim, Publication, publish


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of one image.

    Attributes:
        pipeline: What binds them.
        content: Where they leave what the next one needs.
        target: The image.
        hold: Stops whoever is no longer the one to do this, before anything is written.
    """

    pipeline: Pipeline
    content: ContentStore
    target: Target
    hold: Callable[[], None]

    def examine(self, platform: Digest, examiner: Examiner) -> Digest:
        """Fetch, verify and scan one platform.

        Raises:
            SupplyChainError: As `Examiner.examine`.
        """
        found = examiner.examine(self.target.source, self._image(platform), keep=self.target.keep)
        draft = ExaminedDraft(found.result.scan, found.layers)
        return drafts.put(self.content, draft, found.result.report)

    def describe(self, platform: Digest, examined: Digest) -> Digest:
        """Describe one platform in an SBOM.

        Raises:
            VerificationError: What was found is about another image, or the SBOM is not valid.
        """
        draft = drafts.get(self.content, examined, ExaminedDraft)
        found = Examined(self._image(platform), draft.layers, self._result(draft.scan, platform))
        at = self.pipeline.clock()
        sbom = self.pipeline.sbom_of(found, at)
        learnt = LearntDraft(draft.scan, self.pipeline.config_of(found), sbom.sbom, at)
        return drafts.put(self.content, learnt, sbom.document)

    def sign(self, draft: Draft, sealing: Sealing) -> Digest:
        """Sign and attach everything that is to be said; what was said before is not said again.

        Raises:
            SupplyChainError: As `publish`.
        """
        claims = claims_of(self.target.image.subject.digest, self._learnt(draft))
        published = []
        with stage(self.pipeline.progress, "sign", f"{self.target.image.subject.digest}") as done:
            for digest, said in claims.items():
                self.hold()
                subject = Subject(self.target.image.subject.name, digest)
                published.append(Published(digest, self._publish(subject, said, sealing)))
            count = sum(len(one.publications) for one in published)
            done.text = f"{count} statements attached"
        return drafts.put(self.content, Signed(tuple(published)))

    def record(self, draft: Draft, sealing: Sealing, signed: Digest | None) -> None:
        """Verify what lies beside the image, and record all of it at once.

        Raises:
            VerificationError: What was signed is not found, or does not verify.
            SupersededError: Somebody else has taken this over; nothing was recorded.
        """
        published = drafts.get(self.content, signed, Signed).published if signed else ()
        there = {one.subject: one.publications for one in published}
        learnt = self._learnt(draft)
        sealed: Mapping[Digest, tuple[AttestationRecord, ...]] = {}
        if sealing.signer is not None or sealing.trust.anybody:
            with stage(self.pipeline.progress, "verify", f"{draft.image}") as done:
                sealed = {
                    digest: read_back(
                        self.target.beside(),
                        Subject(self.target.image.subject.name, digest),
                        sealing.signer,
                        there.get(digest, ()),
                        sealing.trust,
                        at=self.pipeline.clock(),
                    )
                    for digest in claims_of(draft.image, learnt)
                }
                count = sum(map(len, sealed.values()))
                done.text = f"{count} statements verified where they are stored"
        self.pipeline.save(self.target, learnt, sealed)

    def _publish(
        self, subject: Subject, said: Sequence[Claim], sealing: Sealing
    ) -> tuple[Publication, ...]:
        if sealing.signer is None:
            return ()
        return publish(
            self.target.beside(),
            subject,
            sealing.signer,
            self.pipeline.sized(sealing, said, subject),
            at=self.pipeline.clock(),
            formats=sealing.formats,
        )

    def _image(self, platform: Digest) -> PlatformImage:
        for image in self.target.image.images:
            if image.subject.digest == platform:
                return image
        raise VerificationError(
            f"{self.target.image.subject} has no platform {platform}",
            because="a stage before said so",
            hint="submit the image again",
        )

    def _learnt(self, draft: Draft) -> dict[Digest, Learnt]:
        """What was learnt, with what is to be said about it: made here, not taken from anybody."""
        subject = self.target.image.subject
        if draft.image != subject.digest:
            raise VerificationError(
                f"what was found is about {draft.image}, not about {subject.digest}",
                hint="submit the image again",
            )
        pipeline = self.pipeline
        run = Invocation(
            pipeline.builder,
            pipeline.product,
            subject,
            self.target.tag,
            draft.purpose,
            draft.begun_at,
        )
        learnt = {}
        for one in drafts.several(self.content, draft.platforms, LearntDraft):
            platform = one.scan.evidence.subject.digest
            image, result = self._image(platform), self._result(one.scan, platform)
            sbom = SbomRecord(one.sbom, self.content.get(one.sbom.evidence.digest))
            claims = claims_about(run, image, result, sbom, finished_at=one.finished_at)
            learnt[platform] = Learnt(scan_record(result), one.config, sbom, tuple(claims))
        return learnt

    def _result(self, scan: Scan, platform: Digest) -> ScanResult:
        if scan.evidence.subject.digest != platform:
            raise VerificationError(
                f"the scan is about {scan.evidence.subject}, not about {platform}",
                hint="submit the image again",
            )
        return ScanResult(scan, self.content.get(scan.evidence.digest))
