"""What a decision was made from, as one document: with its policy, all that it takes to replay it.

The document is canonical JSON: keys sorted, instants in RFC 3339, one line. Every field of a
dossier is in it, those that later versions add as well, for it is read off the types; a document
of an older version lacks what was added since, and gets its defaults.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from supplychain.errors import InputError, LimitError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier
from supplychain.model.subject import Subject

SCHEMA_VERSION = 1
# What the record unpacks at most: an image of 50,000 components has some 60 MB of them.
INPUTS_LIMIT = 1 << 30
MEDIA_TYPE = "application/vnd.supplychain.inputs.v1+json"


@dataclass(frozen=True, slots=True)
class Inputs:
    """What `evaluate` was given besides the instant, which the decision names itself.

    Attributes:
        subject: What was asked about.
        environment: Where it wants to run.
        policy: Digest of the policy that was given, usable there or not; None where none was.
        dossier: What the record held; None where it held nothing.
    """

    subject: Subject
    environment: str
    policy: Digest | None
    dossier: Dossier | None


def to_document(inputs: Inputs) -> bytes:
    """The inputs as canonical JSON."""
    document = {"schemaVersion": SCHEMA_VERSION, **msgspec.to_builtins(inputs)}
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def from_document(data: bytes) -> Inputs:
    """The inputs that `to_document` wrote, by this version or an older one.

    Raises:
        LimitError: They are more than any document has.
        InputError: The bytes are no such document, or one that a newer version wrote.
    """
    if len(data) > INPUTS_LIMIT:
        raise LimitError(f"the inputs have {len(data)} bytes, at most {INPUTS_LIMIT} are read")
    try:
        document = json.loads(data)
        version = document.pop("schemaVersion")
        if version != SCHEMA_VERSION:
            raise InputError(
                f"inputs of a decision in version {version} cannot be read",
                hint="use the supplychain that wrote them, or a newer one",
            )
        _name_repositories(document["dossier"])
        return msgspec.convert(document, Inputs)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            "not the inputs of a decision", because=f"{type(error).__name__}: {str(error)[:300]}"
        ) from error


def _name_repositories(dossier: dict[str, Any] | None) -> None:
    """Of older dossiers, which did not tell names apart: every name counted for everything."""
    if dossier is not None and "repositories" not in dossier:
        names = {dossier["subject"]["name"], *dossier.get("names", ())}
        dossier["repositories"] = sorted(names)
