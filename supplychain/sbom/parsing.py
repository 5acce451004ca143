"""CycloneDX JSON as untrusted input: bounded before and while it is parsed."""

from __future__ import annotations

from typing import Any

from supplychain.errors import InputError, LimitError

# The most bytes a document may have: some 50,000 components as this program writes them.
SIZE_LIMIT = 64 * 1024 * 1024

SUPPORTED_VERSIONS = ("1.6", "1.7")


def parse(document: bytes) -> dict[str, Any]:
    """Read a CycloneDX JSON document of a version that this program supports.

    The parser itself refuses more than 1,024 levels of nesting, and any text that is not UTF-8.

    Raises:
        LimitError: It is larger than `SIZE_LIMIT`.
        InputError: It is not JSON, not CycloneDX, or of another version.
    """
    if len(document) > SIZE_LIMIT:
        raise LimitError(
            f"the SBOM has {len(document)} bytes",
            because=f"at most {SIZE_LIMIT} bytes are read",
        )
    import orjson

    try:
        parsed = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise InputError("the SBOM is not JSON", because=str(error)) from error
    if not isinstance(parsed, dict) or parsed.get("bomFormat") != "CycloneDX":
        raise InputError(
            "the document is not a CycloneDX SBOM",
            because='it does not say "bomFormat": "CycloneDX"',
        )
    if parsed.get("specVersion") not in SUPPORTED_VERSIONS:
        raise InputError(
            f"CycloneDX {str(parsed.get('specVersion'))[:20]} is not supported",
            hint=f"use one of {', '.join(SUPPORTED_VERSIONS)}",
        )
    return parsed
