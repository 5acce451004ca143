"""Everything that lies beside a digest, believed or not, for those who want to see it.

`verification` answers whose word holds; this says what there is at all. What nobody verified is
told apart by its state, and nothing here makes evidence of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from itertools import chain

from supplychain.errors import InputError, SupplyChainError, VerificationError
from supplychain.frozen import dataclass
from supplychain.model.artifact import ArtifactStore
from supplychain.model.digest import Digest
from supplychain.model.evidence import SIGNATURE_PREDICATE, Build, VerifiedAttestation
from supplychain.model.subject import Subject
from supplychain.signing import dsse, embedded, legacy, predicates, storage
from supplychain.signing.buildkit import Unsigned
from supplychain.signing.documents import Beside
from supplychain.signing.dsse import Envelope
from supplychain.signing.found import Foreign, Rejection, Stored, bounded
from supplychain.signing.simplesigning import SignatureLayer, SimpleSigning
from supplychain.signing.statement import Statement
from supplychain.signing.trust.trust import Trust
from supplychain.signing.verification import read_signed, verify_document


class State(StrEnum):
    """What became of something that was found."""

    VERIFIED = "verified"
    # Signed by whom it may be: nobody was named whose word would count.
    UNVERIFIED = "unverified"
    # It proves nothing, and the reason says why.
    REJECTED = "rejected"
    # There is no signature that could be checked.
    UNSIGNED = "unsigned"
    # No attestation at all, or none in a form that is known.
    FOREIGN = "foreign"


class Form(StrEnum):
    """In which form something was found."""

    BUNDLE = "bundle"
    LEGACY = "legacy"
    BUILDKIT = "buildkit"
    FILE = "file"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Statements:
    """What something says; to be believed only where it was verified.

    Attributes:
        predicate_type: The predicate type URI.
        payload: What was signed.
        predicate: The predicate, byte for byte; `{}` for an image signature; none where the
            statement could not be read.
        build: Of provenance, what it says of the build; None of everything else.
    """

    predicate_type: str
    payload: bytes = field(repr=False)
    predicate: bytes = field(default=b"", repr=False)
    build: Build | None = None


@dataclass(frozen=True, slots=True)
class Attached:
    """Something that lies beside a digest.

    Attributes:
        subject: What it was found beside.
        state: What became of it.
        form: In which form it was found.
        manifest: What holds it; of a document in a file, the document itself.
        media_type: What it is, as it says itself; "" where it says nothing.
        data: The exact bytes: a bundle, an envelope, a layer, a bare statement; none where they
            could not be had.
        says: What it says; None where that could not be read.
        attestation: What verification made of it; None unless `state` is VERIFIED.
        reason: Why it is not believed; "" where it is, or was not asked to be.
    """

    subject: Subject
    state: State
    form: Form
    manifest: Digest
    media_type: str
    data: bytes = field(default=b"", repr=False)
    says: Statements | None = None
    attestation: VerifiedAttestation | None = None
    reason: str = ""

    @property
    def digest(self) -> Digest:
        """What names it: the digest of its bytes, or of what holds it."""
        return Digest.of(self.data) if self.data else self.manifest

    @property
    def predicate_type(self) -> str:
        """What is stated; who refers to an SBOM that holds states it; "" where nobody knows."""
        if self.attestation is not None:
            return self.attestation.predicate_type
        return self.says.predicate_type if self.says is not None else ""


def take_stock(
    store: ArtifactStore, subject: Subject, trust: Trust, *, at: datetime
) -> tuple[Attached, ...]:
    """Everything attached to a digest, bundles first, then cosign's older form.

    Args:
        store: The repository that holds it.
        subject: What is asked about.
        trust: Whose word counts; where that is nobody's, nothing is verified.
        at: Now (aware, UTC).

    Raises:
        LimitError: More is attached than anybody needs.
        RegistryError: The registry failed.
    """
    forms = dict.fromkeys((dsse.MEDIA_TYPE, embedded.MEDIA_TYPE), Form.LEGACY)
    found = chain(storage.read(store, subject.digest), legacy.read(store, subject.digest))
    beside = Beside(store, subject.digest)
    return tuple(
        _examined(one, forms.get(one.media_type, Form.BUNDLE), subject, trust, at=at, beside=beside)
        if isinstance(one, Stored)
        else _unusable(one, Form.OTHER, subject)
        for one in bounded(found, subject.digest)
    )


def of_file(
    documents: Iterable[Stored], subjects: Sequence[Subject], trust: Trust, *, at: datetime
) -> tuple[Attached, ...]:
    """The documents of a file, each about the subject that it names.

    One that names none of them is told of, and refused, as being about the first.

    Args:
        documents: What the file holds.
        subjects: What is asked about.
        trust: Whose word counts.
        at: Now (aware, UTC).
    """
    return tuple(
        _examined(one, Form.FILE, _named_in(one, subjects), trust, at=at) for one in documents
    )


def of_buildkit(subject: Subject, found: Unsigned | Rejection | Foreign) -> Attached:
    """Something that BuildKit left in an index about a platform."""
    if not isinstance(found, Unsigned):
        return _unusable(found, Form.BUILDKIT, subject)
    says, reason = Statements(found.predicate_type, found.payload), ""
    try:
        statement = Statement.parse(found.payload)
        says = _of_statement(statement, found.payload)
        statement.require(subject.digest)
    except (InputError, VerificationError) as error:
        reason = _reason(error)
    return Attached(
        subject,
        State.UNSIGNED,
        Form.BUILDKIT,
        found.manifest,
        dsse.PAYLOAD_TYPE,
        found.payload,
        says,
        reason=reason,
    )


def _unusable(found: Rejection | Foreign, form: Form, subject: Subject) -> Attached:
    if isinstance(found, Foreign):
        return Attached(subject, State.FOREIGN, form, found.manifest, found.media_type)
    return Attached(subject, State.REJECTED, form, found.manifest, "", reason=found.reason)


def _examined(
    stored: Stored,
    form: Form,
    subject: Subject,
    trust: Trust,
    *,
    at: datetime,
    beside: Beside | None = None,
) -> Attached:
    says, attestation, reason = None, None, ""
    state = State.VERIFIED if trust.anybody else State.UNVERIFIED
    try:
        content = read_signed(stored.data, stored.media_type)[0]
        says = _says(content)
        if trust.anybody:
            attestation = verify_document(
                stored.data, stored.media_type, subject, trust, at=at, beside=beside
            )
        else:
            _require(content, subject.digest)
    except (InputError, VerificationError) as error:
        state, reason = State.REJECTED, _reason(error)
    return Attached(
        subject,
        state,
        form,
        stored.manifest,
        stored.media_type,
        stored.data,
        says,
        attestation,
        reason,
    )


def _says(content: Envelope | SignatureLayer) -> Statements:
    if isinstance(content, SignatureLayer):
        SimpleSigning.parse(content.payload)
        return Statements(SIGNATURE_PREDICATE, content.payload, predicates.SIGNATURE)
    return _of_statement(Statement.parse(content.payload), content.payload)


def _require(content: Envelope | SignatureLayer, digest: Digest) -> None:
    if isinstance(content, SignatureLayer):
        SimpleSigning.parse(content.payload).require(digest)
    else:
        Statement.parse(content.payload).require(digest)


def _named_in(document: Stored, subjects: Sequence[Subject]) -> Subject:
    for subject in subjects:
        try:
            _require(read_signed(document.data, document.media_type)[0], subject.digest)
        except (InputError, VerificationError):
            continue
        return subject
    return subjects[0]


def _of_statement(statement: Statement, payload: bytes) -> Statements:
    return Statements(statement.predicate_type, payload, statement.predicate, statement.build)


def _reason(error: SupplyChainError) -> str:
    return f"{error}: {error.because}" if error.because else str(error)
