"""in-toto statements: v1 as it is written, v1 and v0.1 as cosign writes them, read strictly."""

from __future__ import annotations

import json
from dataclasses import field

from supplychain.errors import InputError, LimitError, VerificationError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.evidence import SIGNATURE_PREDICATE, Build
from supplychain.model.subject import Subject
from supplychain.signing import predicate_types, predicates
from supplychain.signing.dsse import PAYLOAD_LIMIT
from supplychain.signing.encoding import Document, as_object, as_text, read_json

_V1 = "https://in-toto.io/Statement/v1"
_TYPES = (_V1, "https://in-toto.io/Statement/v0.1")
_FIELDS = ("_type", "subject", "predicateType", "predicate")
_SUBJECT_FIELDS = ("name", "digest")
_MAY_MISS = ("name", "predicate")
# A release may list everything that it made: GitHub attests up to 1,024 things at once, and nobody
# more. Beyond that, a list is only there to keep whoever reads it busy.
_SUBJECT_LIMIT = 1024


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as it was read from a payload whose signature had been checked.

    Attributes:
        predicate_type: The predicate type URI.
        subjects: Each subject's digests, by algorithm, exactly as written.
        predicate: The predicate's exact bytes; `{}` for an image signature that has none.
        document: Digest of the document it carries byte for byte (the SBOM, the report inside a
            vulnerability predicate); None for an image signature.
        build: Of provenance, what it says of the build; None of everything else.
    """

    predicate_type: str
    subjects: tuple[dict[str, str], ...]
    predicate: bytes = field(repr=False)
    document: Digest | None
    build: Build | None = None

    @classmethod
    def parse(cls, payload: bytes) -> Statement:
        """Read a statement.

        Raises:
            LimitError: It is too large, or has absurdly many subjects.
            InputError: It is no statement, or its predicate is not what its type says.
        """
        keep = (predicates.PREDICATE_PATH, predicates.REPORT_PATH)
        document = read_json(payload, "the statement", limit=PAYLOAD_LIMIT, keep=keep)
        value = _fields(document.value, "the statement", _FIELDS)
        kind = as_text(value["_type"], "the statement's _type")
        if kind not in _TYPES:
            raise InputError(f"the payload is {kind[:80]!r}, not an in-toto statement")
        predicate_type = as_text(value["predicateType"], "the statement's predicateType")
        predicate = _predicate(value, predicate_type)
        predicate_types.check(predicate_type, predicate)
        return cls(
            predicate_type,
            _subjects(value["subject"]),
            document.raw.get(predicates.PREDICATE_PATH, predicates.SIGNATURE),
            _document(document, predicate_type),
            predicate_types.build_of(predicate_type, predicate),
        )

    def require(self, subject: Digest) -> None:
        """Check that the statement is about this digest; a signature about nothing else.

        Raises:
            VerificationError: It is about something else.
        """
        wanted = {subject.algorithm: subject.hex}
        if wanted not in self.subjects:
            raise VerificationError(
                "the statement is about another digest",
                because=f"none of its subjects is {subject} and nothing else",
            )
        if self.predicate_type == SIGNATURE_PREDICATE and len(self.subjects) != 1:
            raise VerificationError("the image signature has more than one subject")


def write(subject: Subject, predicate_type: str, predicate: bytes) -> bytes:
    """A statement v1 about one subject, with the predicate spliced in byte for byte.

    Raises:
        LimitError: It would be larger than anybody reads.
        InputError: The predicate is not strict JSON, or not what its type says.
    """
    value = read_json(predicate, "the predicate", limit=PAYLOAD_LIMIT).value
    as_object(value, "the predicate")
    predicate_types.check(predicate_type, value)
    described: dict[str, object] = {"digest": {subject.digest.algorithm: subject.digest.hex}}
    if predicate_type != SIGNATURE_PREDICATE:
        # As cosign has it: an attestation names the repository, a signature does not.
        described = {"name": subject.name, **described}
    head = {"_type": _V1, "subject": [described], "predicateType": predicate_type}
    opened = json.dumps(head, separators=(",", ":"), ensure_ascii=False)[:-1].encode()
    return b'%b,"predicate":%b}' % (opened, predicate)


def _fields(value: object, what: str, names: tuple[str, ...]) -> dict[str, object]:
    """The named fields; unknown ones are ignored as in-toto demands, look-alikes are refused."""
    found = as_object(value, what)
    known = {name.casefold() for name in names}
    for name in found:
        # Go matches names in any case: another verifier would read this one.
        if name not in names and name.casefold() in known:
            raise InputError(f"{what} has a field {name!r} that differs from a known one by case")
    missing = [name for name in names if name not in found and name not in _MAY_MISS]
    if missing:
        raise InputError(f"{what} has no {missing[0]!r}")
    return found


def _predicate(value: dict[str, object], predicate_type: str) -> object:
    """The predicate; an image signature says nothing, and cosign 2.6 then leaves it out."""
    if "predicate" in value:
        return value["predicate"]
    if predicate_type == SIGNATURE_PREDICATE:
        return {}
    raise InputError("the statement has no 'predicate'")


def _subjects(value: object) -> tuple[dict[str, str], ...]:
    if not isinstance(value, list) or not value:
        raise InputError("the statement has no subjects")
    if len(value) > _SUBJECT_LIMIT:
        raise LimitError(
            f"the statement has {len(value)} subjects, at most {_SUBJECT_LIMIT} are read"
        )
    return tuple(_digests(subject) for subject in value)


def _digests(value: object) -> dict[str, str]:
    subject = _fields(value, "a subject", _SUBJECT_FIELDS)
    as_text(subject.get("name", ""), "a subject's name")
    digests = as_object(subject["digest"], "a subject's digest")
    if not digests:
        raise InputError("a subject has no digest")
    return {name: as_text(text, f"a subject's {name[:20]!r}") for name, text in digests.items()}


def _document(document: Document, predicate_type: str) -> Digest | None:
    path = predicates.document_path(predicate_type)
    if path is None:
        return None
    predicate = as_object(document.value, "the statement").get("predicate")
    if isinstance(predicate, str):
        # An SPDX document as text: its own bytes are what was written, not JSON's spelling of them.
        return Digest.of(predicate.encode())
    return Digest.of(document.raw[path])
