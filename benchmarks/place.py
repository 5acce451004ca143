"""A registry on this machine, a key and two predicates: where signing is measured."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

from benchmarks.by_hand import find_cosign
from benchmarks.machine import Machine
from benchmarks.scene import SUPPLYCHAIN, Unavailable, push
from benchmarks.timing import Contestant, Process, alternate
from supplychain.images.reference import Reference
from supplychain.images.registry.repository import RegistryRepository
from tests.kit.images import debian_layout
from tests.kit.registry import running_registry
from tests.kit.sboms import make_sbom
from tests.kit.scans import realistic_components

REVIEW = "https://example.com/review/v1"
_KEY = ("--key", "bench.key", "--yes", "--tlog-upload=false", "--use-signing-config=false")
_COMPONENTS = 200
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Place:
    """A registry, a key and two predicates, in a folder."""

    folder: Path
    address: str

    def process(self, *arguments: str | Path) -> Process:
        environment = {
            "HOME": str(self.folder),
            "COSIGN_PASSWORD": "measured",
            "SUPPLYCHAIN_DATA_DIR": str(self.folder / "data"),
            "SUPPLYCHAIN_CACHE_DIR": str(self.folder / "cache"),
            # As cosign 3 does by default.
            "SUPPLYCHAIN_SIGNATURE_FORMATS": "bundle",
        }
        return Process(arguments, self.folder, environment)

    def repository(self, name: str) -> RegistryRepository:
        return RegistryRepository(Reference(self.address, name))

    def pushed(self, name: str) -> str:
        """A small image that nobody has signed."""
        image, _ = push(debian_layout(), Reference(self.address, name))
        return image

    def sign_by_hand(self, cosign: Path, image: str) -> None:
        """What cosign takes three runs for."""
        self.process(cosign, "sign", *_KEY, image)()
        for kind, file in (("cyclonedx", "sbom.json"), (REVIEW, "review.json")):
            said = ("--type", kind, "--predicate", file)
            self.process(cosign, "attest", *_KEY, *said, image)()


@contextlib.contextmanager
def prepared() -> Iterator[Place]:
    """Such a place.

    Raises:
        Unavailable: There is no registry.
    """
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        running_registry(Path(name) / "registry") as registry,
    ):
        place = Place(Path(name), registry.address)
        place.process(SUPPLYCHAIN, "keys", "generate", "--output-key-prefix", "bench")()
        (place.folder / "sbom.json").write_bytes(sbom())
        (place.folder / "review.json").write_text('{"reviewed":true}')
        yield place


def this_machine() -> Machine:
    """How fast it is at this moment; not known where there is no cosign or no registry."""
    cosign = find_cosign()
    if cosign is None:
        return Machine()
    numbers, image = count(), ""

    def fresh() -> None:
        nonlocal image
        image = place.pushed(f"speed{next(numbers)}")

    try:
        with prepared() as place:
            by_hand = Contestant(lambda: place.sign_by_hand(cosign, image), fresh)
            return Machine.by_signing(*alternate(by_hand, rounds=_ROUNDS))
    except Unavailable:
        return Machine()


@cache
def sbom() -> bytes:
    """An SBOM of such a size."""
    return make_sbom(realistic_components(_COMPONENTS))
