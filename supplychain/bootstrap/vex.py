"""VEX documents in and out: whose word counts at the door, and what is told of an image."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.bootstrap.believed import Believed, believed
from supplychain.bootstrap.keys import Ask
from supplychain.bootstrap.trust import policy_of, read_document, trust_in
from supplychain.errors import InputError, NotFoundError, VerificationError
from supplychain.settings import Settings

if TYPE_CHECKING:
    from supplychain.export.vex import Told
    from supplychain.gate.policy import Policy
    from supplychain.model.digest import Digest
    from supplychain.model.dossier import Dossier
    from supplychain.model.vex import VexDocument
    from supplychain.pipeline.progress import Progress
    from supplychain.records.record import Record
    from supplychain.signing.trust.trust import Trust

_NAMED = re.compile(r"(?P<document>(sha256:)?[0-9a-f]{6,64})(#(?P<position>[0-9]{1,6}))?")


def trust(
    settings: Settings, whom: Believed, environment: str | None, file: Path | None, ask: Ask
) -> Trust:
    """Whose documents are taken: theirs who are named, or theirs whom a policy believes.

    Raises:
        InputError: Nobody's.
        SupplyChainError: As `believed` and `policy_of`.
    """
    if whom.anybody or (environment is None and file is None):
        return believed(settings, whom, ask)
    return policy_vex_trust(settings, policy_of(settings, environment or "", file), environment)


def policy_vex_trust(settings: Settings, policy: Policy | None, environment: str | None) -> Trust:
    """Whose documents a policy believes.

    Raises:
        InputError: Nobody's.
        SupplyChainError: The trusted root cannot be read.
    """
    if policy is None or policy.vex is None:
        raise InputError(
            "the policy believes nobody's claims",
            because="it has no vex" if policy else f"there is no policy for {environment}",
            hint="name whose word counts: --key vendor.pub; or vex: {trust: {keys: [vendor.pub]}}",
        )
    return trust_in(settings, list(policy.vex.everybody()))


def import_vex(
    record: Record,
    file: Path,
    bundle: Path | None,
    trusted: Trust,
    *,
    image: Dossier | None = None,
    at: datetime,
) -> VexDocument:
    """Verify a document, read it and record it with whose word it is.

    Args:
        record: The record.
        file: The document.
        bundle: The signature, as `sign-blob` writes it.
        trusted: Whose word counts.
        image: An image that it has to be about; None for whatever it is about.
        at: Now (aware, UTC).

    Raises:
        InputError: Nobody signed it; it cannot be read; or it is not about the image.
        VerificationError: Nobody trusted signed it.
        SupplyChainError: A file cannot be read, or nothing can be recorded.
    """
    from supplychain.signing.bundle import BUNDLE_LIMIT
    from supplychain.vex.nodes import SIZE_LIMIT

    if bundle is None:
        raise InputError(
            "nobody signed this document",
            because="a claim is worth what its author's word is, and anybody can write a file",
            hint=f"give the author's signature: --bundle FILE; "
            f"or sign it yourself: supplychain sign-blob {file} --bundle {file}.sigstore.json",
        )
    data = read_document(file, "VEX document", limit=SIZE_LIMIT)
    signed = read_document(bundle, "bundle", limit=BUNDLE_LIMIT)
    return record_vex(record, file.name, data, signed, trusted, image=image, at=at)


def record_vex(
    record: Record,
    name: str,
    data: bytes,
    bundle: bytes,
    trusted: Trust,
    *,
    image: Dossier | None = None,
    at: datetime,
) -> VexDocument:
    """The same of what was read already.

    Args:
        record: The record.
        name: What the document is called.
        data: The document.
        bundle: The signature.
        trusted: Whose word counts.
        image: As `import_vex`.
        at: Now (aware, UTC).

    Raises:
        InputError: It cannot be read; or it is not about the image.
        VerificationError: Nobody trusted signed it.
    """
    from supplychain.signing.signed_files import verify_file
    from supplychain.vex.document import read_vex

    signature = verify_file(name, data, bundle, trusted, at=at)
    document = read_vex(data)
    if image is not None and not _is_about(document, image):
        named = dict.fromkeys(str(p) for claim in document.claims for p in claim.products)
        raise InputError(
            f"the document says nothing about {image.subject}",
            because=f"it is about {', '.join(list(named)[:3])[:300]}",
            hint=f"name the product by its digest: pkg:oci/NAME@{image.subject.digest}",
        )
    record.vex.add(document, data, signature, bundle, at=at)
    return document


def import_attached(
    settings: Settings,
    record: Record,
    source: str,
    trusted: Trust,
    progress: Progress,
    *,
    at: datetime,
) -> tuple[tuple[Digest, ...], tuple[str, ...]]:
    """Verify what lies beside an image, and record what is claimed there; nothing else of it.

    Args:
        settings: All settings.
        record: The record.
        source: The image, as the user named it.
        trusted: Whose word counts.
        progress: Who hears of it.
        at: Now (aware, UTC).

    Returns:
        The documents, and why the rest of what is there claims nothing.

    Raises:
        VerificationError: Nobody trusted claims anything there.
        SupplyChainError: The image cannot be read, or nothing can be recorded.
    """
    from supplychain.bootstrap import parts, targets
    from supplychain.pipeline.attachments import verified

    with targets.target(settings, source) as target:
        found, refused = verified(target, trusted, at=at)
        claiming = {
            digest: tuple(one for one in held if one.claims is not None)
            for digest, held in found.items()
        }
        claims = [one.claims for held in claiming.values() for one in held if one.claims]
        documents = sorted({claim.document.digest for claim in claims})
        if not documents:
            raise VerificationError(
                f"nobody who is trusted claims anything beside {target.image.subject}",
                because="; ".join(refused[:3]) or "what they state there is no VEX document",
                hint="see what there is with: supplychain attestations list",
            )
        parts.pipeline(settings, record, progress).keep(target, claiming)
    return tuple(documents), refused


def _is_about(document: VexDocument, dossier: Dossier) -> bool:
    """Whether a document names an image, or a package in it that has a finding."""
    from supplychain.gate.products import Image, is_image, is_of

    products = {product for claim in document.claims for product in claim.products}
    for platform in dossier.platforms:
        image = Image(platform, dossier.subject, dossier.called)
        for product in products:
            if is_image(product, image):
                return True
            if any(is_of(product, one.finding, image) for one in platform.findings):
                return True
    return False


def named(record: Record, text: str, *, at: datetime) -> tuple[Digest, int | None]:
    """The document that somebody means, and which of its claims: `sha256:…#3`.

    Raises:
        InputError: It is not written so.
        NotFoundError: There is no such document.
    """
    match = _NAMED.fullmatch(text)
    if match is None:
        raise InputError(
            f"{text[:80]!r} names no claim",
            hint="write it as DIGEST#NUMBER, or DIGEST for all claims of the document",
        )
    position = match["position"]
    return record.vex.find(match["document"], at=at), int(position) if position else None


def told(policy: Policy | None, dossier: Dossier, *, at: datetime) -> tuple[Told, ...]:
    """What a policy believes about the findings of an image: of each what counts.

    Raises:
        InputError: The policy believes nobody.
        NotFoundError: There is nothing.
    """
    from supplychain.export.vex import Told
    from supplychain.gate.case import Case
    from supplychain.gate.claims import Claims

    if policy is None or policy.vex is None:
        raise InputError(
            "the policy believes nobody's claims",
            hint="say whose: vex: {trust: {keys: [vendor.pub]}}",
        )
    case = Case(dossier, policy.environment, dossier.platforms, at, policy.vex)
    claims = Claims(case)
    found = {
        Told(one.finding, heard.statement.claim, f"{heard.whose}, {heard.statement.name}")
        for platform in dossier.platforms
        for one in platform.findings
        for heard in claims.standing(one.finding, platform)[:1]
    }
    if not found:
        raise NotFoundError(
            f"nobody whom the policy believes claims anything about findings of {dossier.subject}",
            hint="see what is on record with: supplychain vex list",
        )
    return tuple(found)
