"""Manifests of one repository, by tag and by digest.

The digest is always computed from the bytes that came; what a registry says about them is only
compared with it.
"""

from __future__ import annotations

from supplychain.errors import DigestMismatchError, InputError, LimitError, RegistryError
from supplychain.images.documents import INDEX_TYPES, MANIFEST_TYPES, media_type_of
from supplychain.images.reference import check_tag
from supplychain.images.registry.auth import Scope
from supplychain.images.registry.host import Answer, Call, RegistryHost
from supplychain.model.artifact import MANIFEST_LIMIT, Manifest
from supplychain.model.digest import Digest

_ACCEPT = ", ".join(sorted(MANIFEST_TYPES | INDEX_TYPES))
# Schema 1: its digest leaves its signature out, so it would look falsified rather than old.
_SIGNED_MANIFEST = "application/vnd.docker.distribution.manifest.v1+"
_STORED = frozenset({200, 201, 202})


class Manifests:
    """Reads and writes the manifests of one repository.

    Args:
        host: The registry.
        repository: Path in the registry.
        name: The repository's whole name, for errors.
    """

    def __init__(self, host: RegistryHost, repository: str, name: str) -> None:
        self._host = host
        self._repository = repository
        self._name = name
        self._resolved: Manifest | None = None

    def by_tag(self, tag: str) -> Manifest:
        """What a tag points at now.

        Raises:
            NotFoundError: No such tag.
            InputError: It is no manifest of a type that can be used.
            DigestMismatchError: The registry says another digest than the bytes have.
        """
        check_tag(tag)
        what = f"the tag {tag!r} of {self._name}"
        answer = self._get(tag, what)
        stated = answer.headers.get("Docker-Content-Digest")
        digest = Digest.of(answer.body) if stated is None else _stated_digest(stated, what)
        self._resolved = _checked(answer, digest, what)
        return self._resolved

    def by_digest(self, digest: Digest) -> Manifest:
        """A manifest by its digest.

        Raises:
            NotFoundError: It is not there.
            InputError: It is no manifest of a type that can be used.
            DigestMismatchError: Other bytes came.
        """
        if self._resolved is not None and self._resolved.digest == digest:
            # Resolving its tag has just brought and checked these bytes.
            return self._resolved
        what = f"the manifest {self._name}@{digest}"
        return _checked(self._get(str(digest), what), digest, what)

    def put(self, manifest: Manifest, *, tag: str | None = None) -> Answer:
        """Store a manifest under its digest, and under a tag where one is given.

        Raises:
            LimitError: It is larger than registries have to accept.
            DigestMismatchError: The registry stored it under another digest.
        """
        if tag is not None:
            check_tag(tag)
        what = f"the manifest {self._name}@{manifest.digest}"
        if len(manifest.raw) > MANIFEST_LIMIT:
            raise LimitError(
                f"{what} is too large to be stored",
                because=f"it has {len(manifest.raw):,} bytes, over {MANIFEST_LIMIT:,}",
            )
        answer = self._host.call(
            Call(
                "PUT",
                f"/v2/{self._repository}/manifests/{tag or manifest.digest}",
                Scope(self._repository, push=True),
                what,
                {"Content-Type": manifest.media_type},
                manifest.raw,
                _STORED,
            )
        )
        stated = answer.headers.get("Docker-Content-Digest")
        if stated is not None and not _stated_digest(stated, what).matches(manifest.raw):
            raise _mismatch(f"{what} was stored as something else", manifest.digest, stated)
        return answer

    def _get(self, reference: str, what: str) -> Answer:
        return self._host.call(
            Call(
                "GET",
                f"/v2/{self._repository}/manifests/{reference}",
                Scope(self._repository),
                what,
                {"Accept": _ACCEPT},
            )
        )


def _checked(answer: Answer, digest: Digest, what: str) -> Manifest:
    announced = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    if announced.startswith(_SIGNED_MANIFEST):
        media_type_of(answer.body, announced, what)
    if announced and not announced.startswith("application/"):
        raise RegistryError(
            f"{what} is not what came",
            because=f"the answer is of type {announced!r}",
            hint="check the registry's address: something else may be answering there",
            retryable=False,
        )
    if not digest.matches(answer.body):
        raise _mismatch(f"{what} came with other bytes", digest, str(Digest.of(answer.body)))
    return Manifest(media_type_of(answer.body, announced, what), digest, answer.body)


def _stated_digest(text: str, what: str) -> Digest:
    try:
        return Digest.parse(text)
    except InputError as error:
        raise DigestMismatchError(
            f"{what} came with a digest that means nothing", because=str(error)
        ) from None


def _mismatch(message: str, expected: Digest, actual: str) -> DigestMismatchError:
    return DigestMismatchError(
        message,
        because=f"expected {expected}, got {actual[:140]}",
        hint="do not use it; a proxy or the registry has changed or mixed up the content",
    )
