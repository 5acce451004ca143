"""The types of predicates: cosign's names for them, and their URIs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from supplychain.errors import InputError
from supplychain.model.evidence import (
    CYCLONEDX_PREDICATE,
    OPENVEX_PREDICATE,
    PROVENANCE_02_PREDICATE,
    PROVENANCE_PREDICATE,
    SIGNATURE_PREDICATE,
    SPDX_PREDICATE,
    SUMMARY_PREDICATE,
    VULNERABILITY_PREDICATE,
)

LINK_PREDICATE = "https://in-toto.io/Link/v1"
CUSTOM_PREDICATE = "https://cosign.sigstore.dev/attestation/v1"

# The names of cosign's `--type`, and `vsa`, for which cosign has none.
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "custom": CUSTOM_PREDICATE,
        "cyclonedx": CYCLONEDX_PREDICATE,
        "link": LINK_PREDICATE,
        "openvex": OPENVEX_PREDICATE,
        "slsaprovenance": PROVENANCE_02_PREDICATE,
        "slsaprovenance02": PROVENANCE_02_PREDICATE,
        "slsaprovenance1": PROVENANCE_PREDICATE,
        "spdx": SPDX_PREDICATE,
        "spdxjson": SPDX_PREDICATE,
        "vsa": SUMMARY_PREDICATE,
        "vuln": VULNERABILITY_PREDICATE,
    }
)

_URI = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/]+\S*")
# Some write the version of the document behind the type's URI: what it is stays the same.
_VERSION = re.compile(r"/v[0-9]+(\.[0-9]+)*$")
_VERSIONED = {CYCLONEDX_PREDICATE, OPENVEX_PREDICATE, SPDX_PREDICATE}


def type_uri(name: str) -> str:
    """The predicate type's URI for a name that cosign knows, or for a URI itself.

    Raises:
        InputError: Neither a known name nor a URI; or the type of an image signature.
    """
    uri = NAMES.get(name, name)
    if uri == SIGNATURE_PREDICATE:
        raise InputError(
            "an image signature is not attested", hint="make one with: supplychain sign"
        )
    if not _URI.fullmatch(uri):
        raise InputError(
            f"{name[:80]!r} is not a predicate type", hint=f"one of {', '.join(NAMES)}, or a URI"
        )
    return uri


def family(predicate_type: str) -> str:
    """The type without the version of the document, where some write that behind it."""
    bare = _VERSION.sub("", predicate_type)
    return bare if bare in _VERSIONED else predicate_type
