"""What is signed is written and read back over several connections at once, and never too much."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from supplychain.images.reference import Reference
from supplychain.images.registry.repository import RegistryRepository
from supplychain.images.together import Together
from supplychain.model.artifact import OCI_MANIFEST, Descriptor, Manifest
from supplychain.model.digest import Digest
from supplychain.signing import storage
from supplychain.signing.bundle import BUNDLE_LIMIT, MEDIA_TYPE
from supplychain.signing.found import Stored
from tests.kit.artifacts import MemoryStore, put_image
from tests.kit.scans import AT

BUNDLES = [(f"https://example.com/{number}", f'{{"number":{number}}}'.encode()) for number in "123"]
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(slots=True)
class Slow(MemoryStore):
    """A store that is asked over several connections, each of which waits a while for another.

    Attributes:
        most: How many requests were under way at once.
    """

    most: int = 0
    _now: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition, repr=False)

    def each(self, work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
        return Together(4).each(work, items)

    def put_blob(self, data: bytes) -> Digest:
        with self._under_way():
            return MemoryStore.put_blob(self, data)

    def manifest(self, digest: Digest) -> Manifest:
        with self._under_way():
            return MemoryStore.manifest(self, digest)

    def blob(self, descriptor: Descriptor, *, limit: int) -> bytes:
        with self._under_way():
            return self.blobs[descriptor.digest]

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        with self._changed:
            self._now += 1
            self.most = max(self.most, self._now)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._now > 1 or self.most > 1, timeout=0.2)
        yield
        with self._changed:
            self._now -= 1


def test_bundles_are_written_at_once_and_read_in_the_order_of_the_store() -> None:
    store = Slow()
    subject = store.manifests[put_image(store).digest]
    store.most = 0

    written = storage.write(store, subject, BUNDLES, at=AT)
    assert store.most > 1

    store.most = 0
    found = list(storage.read(store, subject.digest))
    assert store.most > 1
    assert [one.manifest for one in found] == list(written)
    assert [one.data for one in found if isinstance(one, Stored)] == [b for _, b in BUNDLES]


def test_bundles_that_say_to_be_large_are_read_one_after_the_other() -> None:
    store = Slow()
    subject = put_image(store)
    for name, data in BUNDLES:
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": MEDIA_TYPE,
            "config": {"mediaType": MEDIA_TYPE, "digest": str(store.put_blob(b"{}")), "size": 2},
            "layers": [
                {
                    "mediaType": MEDIA_TYPE,
                    "digest": str(store.put_blob(data)),
                    "size": BUNDLE_LIMIT // 2,
                }
            ],
            "subject": {"mediaType": OCI_MANIFEST, "digest": str(subject.digest), "size": 1},
            "annotations": {"name": name},
        }
        store.attach(json.dumps(manifest).encode(), OCI_MANIFEST, subject=subject.digest)
    found = storage.read(store, subject.digest)
    first = next(found)
    store.most = 0

    assert [first, *found]
    assert store.most == 1


def test_a_registry_is_asked_over_several_connections() -> None:
    repository = RegistryRepository(Reference("registry.example", "shop"))
    both = threading.Barrier(2, timeout=10)
    assert len(repository.each(lambda _: both.wait(), [1, 2])) == 2


def test_one_thing_needs_no_thread() -> None:
    repository = RegistryRepository(Reference("registry.example", "shop"))
    assert repository.each(lambda _: threading.current_thread(), [1]) == [threading.main_thread()]
