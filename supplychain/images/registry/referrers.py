"""Which manifests refer to another one: the API's pages, and the index under the fallback tag.

OCI distribution specification 1.1, "Listing Referrers" and "Referrers Tag Schema".
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

import orjson

from supplychain.errors import InputError, LimitError, VerificationError
from supplychain.images.documents import read_descriptor, referrer_descriptor
from supplychain.images.fields import Fields
from supplychain.images.registry.host import Answer
from supplychain.model.artifact import OCI_INDEX, Descriptor, Manifest
from supplychain.model.digest import Digest

# Cosign reads no more either; whoever can write to a repository could list without end.
MOST_REFERRERS = 1000


def fallback_tag(subject: Digest) -> str:
    """The tag that lists a digest's referrers where there is no API for it."""
    return f"{subject.algorithm[:32]}-{subject.hex[:64]}"


def listed(raw: bytes, where: str) -> tuple[Descriptor, ...]:
    """The entries of an index of referrers, each digest once.

    Args:
        raw: The index.
        where: Names it in errors.

    Raises:
        VerificationError: It is not an image index, or holds what is no descriptor.
        LimitError: It has more than `MOST_REFERRERS` entries.
    """
    try:
        fields = Fields.read(raw, where)
        if fields.text("mediaType", OCI_INDEX) != OCI_INDEX:
            fields.wrong("mediaType", OCI_INDEX)
        entries = tuple(read_descriptor(item) for item in _capped(fields, where))
    except InputError as error:
        if isinstance(error, LimitError):
            raise
        raise VerificationError(
            f"{where} is not an index of referrers",
            because=_told(error),
            hint="look at what stands there; nothing was changed",
        ) from None
    return tuple({entry.digest: entry for entry in entries}.values())


def entry_for(manifest: Manifest, subject: Digest) -> Descriptor:
    """The descriptor under which a manifest is listed among the referrers of `subject`.

    Raises:
        InputError: The manifest does not name `subject` as its subject.
    """
    where = f"the manifest {manifest.digest}"
    fields = Fields.read(manifest.raw, where)
    named = fields.inner("subject")
    if named is None or named.digest("digest") != subject:
        raise InputError(f"{where} does not name {subject} as its subject")
    return referrer_descriptor(manifest, fields)


def with_entry(raw: bytes | None, entry: Descriptor) -> bytes:
    """An index of referrers with one more entry; what it holds already stays as it is.

    Args:
        raw: The index, as `listed` accepts it; None where there is none yet.
        entry: What to add.

    Raises:
        VerificationError: What is there cannot be written again as it stands.
    """
    document: dict[str, Any] = {"schemaVersion": 2, "mediaType": OCI_INDEX}
    if raw is not None:
        try:
            document = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise VerificationError(
                "the list of referrers cannot be written again", because=str(error)
            ) from None
    added: dict[str, Any] = {
        "mediaType": entry.media_type,
        "digest": str(entry.digest),
        "size": entry.size,
    }
    if entry.artifact_type:
        added["artifactType"] = entry.artifact_type
    if entry.annotations:
        added["annotations"] = dict(entry.annotations)
    document["manifests"] = [*(document.get("manifests") or ()), added]
    return orjson.dumps(document)


def next_page(answer: Answer) -> str | None:
    """The URL of the page that follows, from the `Link` header; None after the last."""
    header = answer.headers.get("Link", "")
    if not header:
        return None
    # Only here: it takes time to load, and most lists have one page.
    from requests.utils import parse_header_links

    for link in parse_header_links(header):
        if link.get("rel") == "next":
            return urljoin(answer.url, link["url"])
    return None


def _capped(fields: Fields, where: str) -> tuple[Fields, ...]:
    items = fields.items("manifests")
    check_count(len(items), where)
    return items


def check_count(count: int, where: str) -> None:
    """Refuse more entries than anybody needs.

    Raises:
        LimitError: There are more than `MOST_REFERRERS`.
    """
    if count > MOST_REFERRERS:
        raise LimitError(
            f"{where} lists too many referrers",
            because=f"there are more than {MOST_REFERRERS}",
            hint="remove old signatures and attestations from the repository",
        )


def _told(error: InputError) -> str:
    return f"{error}: {error.because}" if error.because else str(error)
