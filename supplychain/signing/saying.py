"""What a signed content says, once its signature was checked."""

from __future__ import annotations

from supplychain.errors import VerificationError
from supplychain.frozen import dataclass
from supplychain.model.artifact import Descriptor
from supplychain.model.digest import Digest
from supplychain.model.evidence import CYCLONEDX_PREDICATE, SIGNATURE_PREDICATE, Build
from supplychain.signing import reference
from supplychain.signing.documents import Beside
from supplychain.signing.dsse import Envelope
from supplychain.signing.simplesigning import SignatureLayer, SimpleSigning
from supplychain.signing.statement import Statement


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says.

    Attributes:
        predicate_type: The predicate type URI.
        document: Digest of the document that is meant; None for an image signature.
        build: Of provenance, what it says of a build.
        refers_to: Where that document lies beside the image; None where the statement carries it.
    """

    predicate_type: str
    document: Digest | None = None
    build: Build | None = None
    refers_to: Descriptor | None = None


def read_said(content: Envelope | SignatureLayer, subject: Digest, beside: Beside | None) -> Said:
    """What is said about a digest; who refers to an SBOM says what who carries it whole says.

    Args:
        content: What was signed; the signature has been checked.
        subject: What it must be about.
        beside: Where documents are looked for that it only refers to; None for nowhere.

    Raises:
        InputError: It is malformed.
        VerificationError: It is about something else, or what it refers to does not hold.
    """
    if isinstance(content, SignatureLayer):
        SimpleSigning.parse(content.payload).require(subject)
        return Said(SIGNATURE_PREDICATE)
    statement = Statement.parse(content.payload)
    statement.require(subject)
    if statement.predicate_type != reference.REFERENCE_PREDICATE:
        return Said(statement.predicate_type, statement.document, statement.build)
    if beside is None:
        raise VerificationError(
            "the statement refers to a document that is not at hand",
            because="it lies beside the image and was not looked for",
        )
    named = beside.find(reference.read(statement.predicate))
    return Said(CYCLONEDX_PREDICATE, named.digest, refers_to=named)
