"""Judge what is attached to an image by a policy, without any record: with the gate's own rules.

Only the rules about signatures and attestations can be asked so. What scans found, and since when
that is known, the record alone can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from supplychain.errors import InputError, NotFoundError, VerificationError
from supplychain.frozen import dataclass
from supplychain.gate.authorities import Authorities
from supplychain.gate.case import Case, Rule, made_at
from supplychain.gate.entry import RuleEntry
from supplychain.gate.evaluate import evaluate
from supplychain.gate.policy import Policy
from supplychain.gate.rules.base_image import BaseImage
from supplychain.gate.rules.sbom import SbomPresent
from supplychain.images.resolve import PlatformImage
from supplychain.model.artifact import ArtifactStore
from supplychain.model.decision import Decision, Outcome, RuleResult
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, PlatformDossier
from supplychain.model.evidence import (
    CYCLONEDX_PREDICATE,
    Evidence,
    EvidenceKind,
    Producer,
    Sbom,
    VerifiedAttestation,
)
from supplychain.pipeline.attachments import subjects_of
from supplychain.pipeline.target import Target
from supplychain.sbom.document import described
from supplychain.sbom.parsing import SIZE_LIMIT
from supplychain.signing.found import Rejection
from supplychain.signing.statement import Statement
from supplychain.signing.trust.trust import Trust
from supplychain.signing.verification import (
    VerificationReport,
    VerifiedDocument,
    read_signed,
    verify,
)

_UNASKED = "not judged here, the record knows: supplychain gate"
_CYCLONEDX = "application/vnd.cyclonedx+json"


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is attached to an image, and what a policy says of it.

    Attributes:
        decision: What the policy's rules about signatures and attestations say. The other rules
            are in it as not applicable.
        verified: What holds.
        rejected: What does not, each with its reason.
    """

    decision: Decision
    verified: tuple[VerifiedAttestation, ...]
    rejected: tuple[Rejection, ...]


def inspect(target: Target, policy: Policy, trust: Trust, *, at: datetime) -> Inspection:
    """Judge an image by what is attached to it.

    Args:
        target: The image.
        policy: The policy.
        trust: Those whom the policy names.
        at: Now (aware, UTC).

    Raises:
        InputError: The policy names nobody, or all that it says of whom it names only warns:
            there is nothing to judge by.
        SupplyChainError: As `verify`.
    """
    asked = tuple(entry for entry in policy.rules if _can_be_asked(entry.rule))
    if not trust.anybody:
        raise InputError(
            "the policy names nobody whose word counts",
            because="what is attached to an image proves nothing by itself",
            hint="ask the record: supplychain gate; or add a rule: signature: {keys: [...]}",
        )
    _require_force(asked, policy, at)
    reports = {s.digest: verify(target.source, s, trust, at=at) for s in subjects_of(target)}
    demands = [e.rule for e in asked if isinstance(e.rule, SbomPresent)]
    dossier = _dossier(target, reports, demands, at)
    subject, environment = target.image.subject, policy.environment
    judged = evaluate(
        dossier, replace(policy, rules=asked), subject=subject, environment=environment, at=at
    )
    return Inspection(
        replace(judged, policy=policy.digest, results=(*judged.results, *_unasked(policy.rules))),
        tuple(held for report in reports.values() for held in report.verified),
        tuple(refused for report in reports.values() for refused in report.rejected),
    )


def _require_force(asked: Sequence[RuleEntry], policy: Policy, at: datetime) -> None:
    """Refuse to judge by rules that deny nothing: whatever lies beside the image would do."""
    if any(entry.denies(policy.environment, at) for entry in asked):
        return
    raise InputError(
        f"what the policy for {policy.environment} says of signatures and attestations only warns",
        because="nothing that is attached to an image, or missing, would be refused by it",
        hint="ask the record, which shows warnings too: supplychain gate; or take warn or "
        "warn_until from one of these rules",
    )


def _unasked(entries: Iterable[RuleEntry]) -> tuple[RuleResult, ...]:
    return tuple(
        RuleResult(entry.rule.name, Outcome.NOT_APPLICABLE, _UNASKED, id=entry.terms.id)
        for entry in entries
        if not _can_be_asked(entry.rule)
    )


def _can_be_asked(rule: Rule) -> bool:
    """Whether what is attached to an image suffices; upon what it stands the record alone knows."""
    return isinstance(rule, Authorities) and not isinstance(rule, BaseImage)


def _dossier(
    target: Target,
    reports: Mapping[Digest, VerificationReport],
    demands: Sequence[SbomPresent],
    at: datetime,
) -> Dossier:
    whole = reports[target.image.subject.digest]
    platforms = [
        _platform(target.source, image, reports[image.subject.digest], demands, at)
        for image in target.image.images
    ]
    return Dossier(target.image.subject, tuple(platforms), whole.verified)


def _platform(
    store: ArtifactStore,
    image: PlatformImage,
    report: VerificationReport,
    demands: Sequence[SbomPresent],
    at: datetime,
) -> PlatformDossier:
    """What is attached to a platform: the SBOM is the latest that the policy is content with."""
    bare = PlatformDossier(image.subject, image.platform, None, (), None, 0, report.verified)
    if not demands:
        return bare
    attested = [d for d in report.documents if d.attestation.predicate_type == CYCLONEDX_PREDICATE]
    attested.sort(key=lambda d: (made_at(d.attestation), str(d.attestation.envelope)), reverse=True)
    first = None
    for document in attested:
        sbom = _sbom(store, document)
        if sbom is None:
            continue
        found = replace(bare, sbom=sbom, component_count=sbom.component_count)
        first = first or found
        case = Case(Dossier(image.subject, (found,), report.verified), "", (found,), at)
        if not any(rule.judge(case).violations for rule in demands):
            return found
    return first or bare


def _sbom(store: ArtifactStore, document: VerifiedDocument) -> Sbom | None:
    """The SBOM that a statement carries or refers to; None where it cannot be read."""
    held = document.attestation
    try:
        if document.refers_to is not None:
            data = store.blob(document.refers_to, limit=SIZE_LIMIT)
        else:
            data = Statement.parse(
                read_signed(document.data, document.media_type)[0].payload
            ).predicate
        evidence = Evidence(
            subject=held.subject,
            kind=EvidenceKind.SBOM,
            digest=Digest.of(data),
            media_type=_CYCLONEDX,
            producer=Producer("", ""),
            produced_at=made_at(held),
            verified_by=held.verified_by,
        )
        return described(data, evidence)
    except (InputError, NotFoundError, VerificationError):
        return None
