"""An image's manifests and configurations as somebody presents them, without any registry."""

from __future__ import annotations

from collections.abc import Iterable

from supplychain.errors import LimitError, NotFoundError
from supplychain.model.artifact import Descriptor, Manifest
from supplychain.model.digest import Digest


class PresentedDocuments:
    """Documents that are found by what they hash to, so that nobody has to be believed.

    Args:
        name: What the image is called.
        documents: Manifests, indexes and configurations, in any order.
    """

    def __init__(self, name: str, documents: Iterable[bytes]) -> None:
        self._name = name
        self._documents = {Digest.of(one): one for one in documents}

    @property
    def name(self) -> str:
        """What the image is called."""
        return self._name

    def manifest(self, digest: Digest) -> Manifest:
        """A manifest or index; what kind it is it says itself.

        Raises:
            NotFoundError: It was not presented.
        """
        return Manifest("", digest, self._found(digest, "manifest"))

    def blob(self, descriptor: Descriptor, *, limit: int) -> bytes:
        """A configuration.

        Raises:
            NotFoundError: It was not presented.
            LimitError: It is larger than `limit`.
        """
        found = self._found(descriptor.digest, "configuration")
        if len(found) > limit:
            raise LimitError(f"{descriptor.digest} has more than {limit:,} bytes")
        return found

    def _found(self, digest: Digest, what: str) -> bytes:
        if digest not in self._documents:
            raise NotFoundError(
                f"the {what} {digest} is not among the documents",
                hint="send the index, and the manifest and configuration of each platform",
            )
        return self._documents[digest]
