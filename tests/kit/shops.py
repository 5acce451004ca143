"""Shops whose images real workers take the whole way, from a real registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from supplychain.images.reference import Reference
from supplychain.model.runs import Run, RunRequest
from tests.kit.cli import Desk
from tests.kit.crew import Crew, Fault, real_worker
from tests.kit.forked import Process
from tests.kit.shop import push


@dataclass(frozen=True, slots=True)
class Shop:
    """A desk, a record and an image in a registry.

    Attributes:
        desk: Whose settings workers have.
        url: The record's database.
        repository: Where the image is.
        tag: And under which tag.
    """

    desk: Desk
    url: str
    repository: str
    tag: str = "1.0"

    @classmethod
    def furnished(cls, desk: Desk, url: str, layout: Path, reference: Reference) -> Shop:
        push(layout, reference)
        desk.environ["SUPPLYCHAIN_DATABASE"] = url
        return cls(desk, url, str(reference))

    def by_way_of(self, address: str) -> Shop:
        """The same, where workers reach the registry at another address."""
        return Shop(self.desk, self.url, f"{address}/{self.repository.partition('/')[2]}")

    @property
    def crew(self) -> Crew:
        return Crew(self.url, self.desk.data)

    def submit(self) -> str:
        """Ask for a run."""
        with self.crew.record() as record:
            return record.runs.submit(
                RunRequest(f"{self.repository}:{self.tag}", environment="prod"),
                registry=self.repository.partition("/")[0],
                requested_by="ann",
                at=datetime.now(UTC),
            ).id

    @contextmanager
    def worker(
        self,
        fault: Fault | None = None,
        duties: str = "scan,sign",
        environ: Mapping[str, str] | None = None,
    ) -> Iterator[Process]:
        with real_worker(
            {**self.desk.environ, **(environ or {})}, self.desk.folder, fault, duties
        ) as found:
            yield found

    def run(self) -> Run:
        [run] = self.crew.runs()
        return run

    def happened(self, kind: str) -> bool:
        """Whether something was told of the run."""
        with self.crew.record() as record:
            return kind in [event.kind for event in record.runs.events(self.run().id)]
