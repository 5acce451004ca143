"""Validate a CycloneDX document against the official JSON schema of the version it declares.

The schemas are those that cyclonedx-python-lib carries (they are not copied here), with SPDX's
list of licences, JSON Signature Format and the cryptography definitions that they refer to.
Nothing is fetched.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from supplychain.errors import VerificationError
from supplychain.sbom.parsing import parse

if TYPE_CHECKING:
    from jsonschema_rs import Draft7Validator, ValidationError

_BASE = "http://cyclonedx.org/schema/"
_SPDX = "spdx.SNAPSHOT.schema.json"
_REFERRED = (_SPDX, "jsf-0.82.SNAPSHOT.schema.json", "cryptography-defs.SNAPSHOT.schema.json")
_MESSAGE_LENGTH = 300


def validate(document: bytes) -> None:
    """Check a document against its schema, formats included.

    Raises:
        LimitError: It is too large to be read.
        InputError: It is not JSON, not CycloneDX, or of a version that is not supported.
        VerificationError: It breaks the schema; the message names where, as a JSON pointer.
    """
    parse_valid(document)


def parse_valid(document: bytes) -> dict[str, Any]:
    """Read a document that has to be valid; raises what `validate` raises."""
    parsed = parse(document)
    validator = _validator(parsed["specVersion"])
    if validator.is_valid(parsed):
        return parsed
    error = _innermost(next(validator.iter_errors(parsed)))
    raise VerificationError(
        f"the SBOM breaks the CycloneDX {parsed['specVersion']} schema at {_pointer(error)}",
        because=error.message[:_MESSAGE_LENGTH],
    )


@cache
def _validator(version: str) -> Draft7Validator:
    from jsonschema_rs import Draft7Validator, Registry

    registry = Registry([(_BASE + name, _load(name)) for name in _REFERRED], retriever=_refuse)
    return Draft7Validator(
        _load(f"bom-{version}.SNAPSHOT.schema.json"),
        validate_formats=True,
        registry=registry,
        retriever=_refuse,
    )


@cache
def spdx_identifiers() -> tuple[str, ...]:
    """Every identifier of SPDX's lists of licences and of exceptions that the schemas admit."""
    return tuple(_load(_SPDX)["enum"])


def _load(name: str) -> dict[str, Any]:
    from importlib.resources import files

    import orjson

    loaded: dict[str, Any] = orjson.loads((files("cyclonedx") / "schema/_res" / name).read_bytes())
    return loaded


def _refuse(uri: str) -> Any:
    raise LookupError(f"no schema is fetched: {uri}")


def _innermost(error: ValidationError) -> ValidationError:
    """The error that says what is wrong, out of those that only say that no alternative fits."""
    while branches := [b for b in getattr(error.kind, "context", ()) if b]:
        # The alternative that was meant is the one that got furthest into the document.
        error = max((branch[0] for branch in branches), key=lambda e: len(e.instance_path))
    return error


def _pointer(error: ValidationError) -> str:
    """Where in the document, as a JSON pointer (RFC 6901)."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in error.instance_path)
    return "".join(f"/{step}" for step in steps) or "its root"
