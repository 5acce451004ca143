"""Blobs of one repository: streamed, resumed where the connection was cut, checked at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlencode

from supplychain.errors import DigestMismatchError, NotFoundError, RegistryError
from supplychain.images.registry.auth import Scope
from supplychain.images.registry.body import read_chunks
from supplychain.images.registry.failures import TransientError
from supplychain.images.registry.host import Answer, Call, RegistryHost
from supplychain.images.registry.response import Response
from supplychain.images.registry.sending import Stream
from supplychain.images.streams import checked
from supplychain.model.artifact import Descriptor
from supplychain.model.digest import Digest

_FOUND_OR_NOT = frozenset({200, 404})
_STARTED = frozenset({202})
_STORED = frozenset({201, 204})


class Blobs:
    """Reads and writes the blobs of one repository.

    Args:
        host: The registry.
        repository: Path in the registry.
        name: The repository's whole name, for errors.
    """

    def __init__(self, host: RegistryHost, repository: str, name: str) -> None:
        self._host = host
        self._repository = repository
        self._name = name

    def chunks(self, descriptor: Descriptor) -> Iterator[bytes]:
        """A blob in chunks of at most 1 MiB; the check is made when the stream ends.

        Raises:
            NotFoundError: It is not there.
            LimitError: It is larger than its descriptor says.
            DigestMismatchError: Other bytes came.
        """
        hasher = descriptor.digest.hasher()
        received = cuts = 0
        while True:
            try:
                for chunk in self._from(descriptor, received):
                    hasher.update(chunk)
                    received += len(chunk)
                    yield chunk
                break
            except TransientError as failure:
                self._host.retry.pause(cuts, failure)
                cuts += 1
        if hasher.hexdigest() != descriptor.digest.hex or received != descriptor.size:
            raise DigestMismatchError(
                f"{self._what(descriptor.digest)} came with other bytes",
                because=f"{received:,} of {descriptor.size:,} bytes came, and they hash to "
                f"{descriptor.digest.algorithm}:{hasher.hexdigest()}",
                hint="do not use it; a proxy or the registry has changed or mixed up the content",
            )

    def put(self, data: bytes) -> Digest:
        """Store a blob, unless it is there.

        Raises:
            RegistryError: The registry did not take it.
        """
        digest = Digest.of(data)
        self._host.retry.call(lambda: self._put_once(digest, data))
        return digest

    def put_stream(self, descriptor: Descriptor, chunks: Callable[[], Iterator[bytes]]) -> None:
        """Store a blob from a stream, unless it is there; see `ArtifactStore.put_blob_chunks`.

        Raises:
            DigestMismatchError: The stream is not what the descriptor says.
            RegistryError: The registry did not take it.
        """
        stream = Stream(descriptor.size, lambda: checked(descriptor, chunks()))
        self._host.retry.call(lambda: self._put_once(descriptor.digest, stream))

    def has(self, digest: Digest) -> bool:
        """Whether the registry says that a blob is there.

        Raises:
            RegistryError: The registry failed.
        """
        return self._host.retry.call(lambda: self._exists(digest))

    def mount(self, digest: Digest, repository: str) -> bool:
        """Ask for a blob of another repository; whether the registry has taken it over.

        A registry may decline, and many do: this only ever saves time.
        """
        query = urlencode({"mount": str(digest), "from": repository})
        call = Call(
            "POST",
            f"/v2/{self._repository}/blobs/uploads/?{query}",
            Scope(self._repository, push=True, also=repository),
            self._what(digest),
            {"Content-Type": "application/octet-stream"},
            b"",
            _STARTED | _STORED,
        )
        try:
            return self._host.call(call).status == 201
        except (RegistryError, NotFoundError):
            return False  # what is wrong, if anything, shows when the blob is stored

    def _from(self, descriptor: Descriptor, start: int) -> Iterator[bytes]:
        """The blob's bytes from `start` on, whether or not the server can begin there."""
        what = self._what(descriptor.digest)
        response = self._host.open(
            Call(
                "GET",
                self._path(descriptor.digest),
                Scope(self._repository),
                what,
                {"Range": f"bytes={start}-"} if start else {},
                accept=frozenset({200, 206}) if start else frozenset({200}),
            )
        )
        skip = 0 if _begins_at(response, start, what) else start
        limit = descriptor.size if skip else descriptor.size - start
        for chunk in read_chunks(response, limit=limit, what=what):
            yield chunk[skip:] if skip else chunk
            skip = max(0, skip - len(chunk))

    def _put_once(self, digest: Digest, data: bytes | Stream) -> None:
        # A cut upload's session is gone, so that a repetition begins here, not at the last call.
        if self._exists(digest):
            return
        started = self._write("POST", f"/v2/{self._repository}/blobs/uploads/", digest, b"")
        self._write("PUT", self._upload_url(started, digest), digest, data)

    def _exists(self, digest: Digest) -> bool:
        call = Call(
            "HEAD",
            self._path(digest),
            Scope(self._repository, push=True),
            self._what(digest),
            {},
            accept=_FOUND_OR_NOT,
        )
        return self._host.call_once(call).status == 200

    def _write(self, method: str, target: str, digest: Digest, data: bytes | Stream) -> Answer:
        return self._host.call_once(
            Call(
                method,
                target,
                Scope(self._repository, push=True),
                self._what(digest),
                {"Content-Type": "application/octet-stream"},
                data,
                _STORED if method == "PUT" else _STARTED,
            )
        )

    def _upload_url(self, started: Answer, digest: Digest) -> str:
        """Where to upload: the registry may name another host, which then gets no credentials."""
        url = self._host.wire.follow(started.url, started.headers.get("Location"))
        return f"{url}{'&' if '?' in url else '?'}{urlencode({'digest': str(digest)})}"

    def _path(self, digest: Digest) -> str:
        return f"/v2/{self._repository}/blobs/{digest}"

    def _what(self, digest: Digest) -> str:
        return f"the blob {self._name}@{digest}"


def _begins_at(response: Response, start: int, what: str) -> bool:
    """Whether an answer begins at `start`; a server may send everything again instead.

    Raises:
        RegistryError: It begins elsewhere.
    """
    if response.status != 206:
        return start == 0
    given = response.headers.get("Content-Range", "")
    if not given.startswith(f"bytes {start}-"):
        response.close()
        raise RegistryError(
            f"{what} went on at the wrong place", because=f"asked from byte {start}, got {given!r}"
        )
    return True
