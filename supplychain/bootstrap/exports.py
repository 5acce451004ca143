"""What others read, made of what is on record: for every door."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.bootstrap import parts
from supplychain.bootstrap.over_record import OverRecord
from supplychain.errors import NotFoundError

if TYPE_CHECKING:
    from supplychain.gate.policy import Policy
    from supplychain.model.digest import Digest
    from supplychain.records.record import Record
    from supplychain.settings import Settings


class Exports(OverRecord):
    """What others read, made of the record on this machine."""

    def sbom(self, image: str, platform: str | None, form: str, *, at: datetime) -> bytes:
        """The SBOM of an image, as somebody typed that; see `sbom`."""
        return sbom(self._opened(), self._recorded(image), platform, form, at=at)

    def summary(self, image: str, environment: str) -> bytes:
        """The last verdict about an image; see `summary`."""
        digest = self._recorded(image)
        return summary(self._settings, self._opened(), digest, environment)

    def vex(
        self,
        image: str,
        environment: str,
        form: str,
        *,
        policy: Path | None,
        author: str | None,
        at: datetime,
    ) -> bytes:
        """What the policy of an environment believes; see `vex`.

        Args:
            image: The image, as somebody typed it.
            environment: Where.
            form: `openvex` or `cyclonedx`.
            policy: Its policy's file; None for where policies are.
            author: Who says so; None for who asks.
            at: Now (aware, UTC).
        """
        from supplychain.bootstrap.targets import subject_of
        from supplychain.bootstrap.trust import policy_of

        rules = policy_of(self._settings, environment, policy)
        digest = subject_of(self._settings, self._opened(), image).digest
        whose = author or parts.actor(self._settings)
        return vex(self._opened(), digest, environment, rules, form, author=whose, at=at)

    def _recorded(self, image: str) -> Digest:
        from supplychain.bootstrap.targets import recorded

        return recorded(self._settings, self._opened(), image)


def sbom(record: Record, digest: Digest, platform: str | None, form: str, *, at: datetime) -> bytes:
    """An image's recorded SBOM: the very bytes that were signed, or the same as XML.

    Args:
        record: The record.
        digest: A platform manifest or an index.
        platform: Of an index, which platform; None where it has one only.
        form: `cyclonedx-json` or `cyclonedx-xml`.
        at: Now (aware, UTC).

    Raises:
        NotFoundError: None is on record.
        InputError: None of its platforms is meant, or more than one.
    """
    from supplychain.bootstrap.targets import platform_of
    from supplychain.export.sbom import render
    from supplychain.model.evidence import EvidenceKind

    found = platform_of(record, digest, platform, at=at)
    return render(record.images.document(found, EvidenceKind.SBOM), form)


def summary(settings: Settings, record: Record, digest: Digest, environment: str) -> bytes:
    """The last verdict about an image as a SLSA verification summary, unsigned.

    Raises:
        NotFoundError: There is none.
    """
    from supplychain.bootstrap import trust
    from supplychain.gate.decision_document import from_document

    found = record.ledger.list(subject=digest, environment=environment, limit=1)
    if not found:
        raise NotFoundError(
            f"no verdict about {digest} in {environment} is on record",
            hint=f"type `supplychain gate {digest} --environment {environment}`",
        )
    decision = from_document(record.ledger.document(found[0].digest))
    return trust.summary(settings, decision).predicate


def vex(
    record: Record,
    digest: Digest,
    environment: str,
    policy: Policy | None,
    form: str,
    *,
    author: str,
    at: datetime,
) -> bytes:
    """What a policy believes about an image's findings, as VEX.

    Raises:
        NotFoundError: Nothing is recorded about it, or nobody who is believed claims anything.
        InputError: The policy believes nobody.
    """
    from supplychain.bootstrap.vex import told
    from supplychain.export import vex as writing

    dossier = record.dossier(digest, at=at, environment=environment)
    if dossier is None:
        raise NotFoundError(
            f"nothing is recorded about {digest}", hint=f"supplychain run IMAGE@{digest}"
        )
    made = writing.openvex if form == "openvex" else writing.cyclonedx
    return made(dossier.subject, told(policy, dossier, at=at), author)
