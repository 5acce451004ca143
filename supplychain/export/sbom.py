"""An SBOM in the form that somebody asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from supplychain.errors import InputError
from supplychain.sbom.document import to_xml


def verbatim(document: bytes) -> bytes:
    """The stored bytes themselves: what was signed, and what its digest names."""
    return document


RENDERERS: Mapping[str, Callable[[bytes], bytes]] = MappingProxyType(
    {"cyclonedx-json": verbatim, "cyclonedx-xml": to_xml}
)


def render(document: bytes, form: str) -> bytes:
    """A stored CycloneDX JSON document in another form.

    Args:
        document: The stored bytes.
        form: One of `RENDERERS`.

    Raises:
        InputError: There is no such form, or it cannot hold what the document says.
        VerificationError: The result would break its schema.
    """
    renderer = RENDERERS.get(form)
    if renderer is None:
        raise InputError(
            f"{form!r} is not a form of SBOM", hint=f"one of {', '.join(sorted(RENDERERS))}"
        )
    return renderer(document)
