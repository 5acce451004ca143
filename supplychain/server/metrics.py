"""What Prometheus is told: counted in this process, or in all of them where they share a folder.

Every process of a server counts into it, and whichever is asked answers for all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily, Metric

from supplychain import __version__
from supplychain.bootstrap import parts
from supplychain.errors import SupplyChainError
from supplychain.model.decision import Verdict
from supplychain.server.processes import COUNTED
from supplychain.server.service import Service

MEDIA_TYPE = CONTENT_TYPE_LATEST
_OWN = CollectorRegistry()
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)

REQUESTS = Counter(
    "supplychain_http_requests",
    "requests that were answered",
    ("method", "route", "status"),
    registry=_OWN,
)
DURATIONS = Histogram(
    "supplychain_http_request_seconds",
    "how long answers took",
    ("method", "route"),
    buckets=_SECONDS,
    registry=_OWN,
)
DECISIONS = Counter("supplychain_decisions", "answers of the gate", ("verdict",), registry=_OWN)
for _verdict in Verdict:
    DECISIONS.labels(_verdict.value)  # so that none of them is missing before it is first given


def exposition(service: Service) -> bytes:
    """Everything, in the form that Prometheus reads.

    What the database is asked for is left out where it does not answer: `supplychain_up_database`
    says so, and the rest is told all the same.
    """
    counted = _OWN
    if os.environ.get(COUNTED):
        counted = CollectorRegistry()
        multiprocess.MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
    now = CollectorRegistry()
    now.register(_Figures(service))
    return generate_latest(counted) + generate_latest(now)


class _Figures:
    """What is so at this moment."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def describe(self) -> list[Metric]:
        """Nothing in advance."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Look."""
        yield _gauge("supplychain_build", "the version that runs", {"version": __version__}, 1)
        yield from self._of_the_database()
        yield from self._of_vulnerabilities()

    def _of_the_database(self) -> Iterator[Metric]:
        try:
            found = self._service.store.figures(self._service.clock())
        except SupplyChainError:
            yield _gauge("supplychain_up_database", "whether the database answers", {}, 0)
            return
        yield _gauge("supplychain_up_database", "whether the database answers", {}, 1)
        yield _gauge("supplychain_schema", "the schema there is", {"schema": found.schema}, 1)
        pool = GaugeMetricFamily(
            "supplychain_database_connections", "connections of this process", labels=["state"]
        )
        pool.add_metric(["in_use"], found.connections_in_use)
        pool.add_metric(["idle"], found.connections_idle)
        yield pool
        states = GaugeMetricFamily("supplychain_runs", "runs on record", labels=["state"])
        for state, count in sorted(found.runs.items()):
            states.add_metric([state], count)
        yield states
        yield _gauge("supplychain_queue_depth", "runs that wait for a worker", {}, found.queued)
        about = "how long ago the oldest run was submitted that waits for a worker"
        yield _gauge("supplychain_queue_oldest_seconds", about, {}, found.oldest_wait)

    def _of_vulnerabilities(self) -> Iterator[Metric]:
        try:
            updated = parts.databases(self._service.settings).current().updated_at
        except SupplyChainError:
            return
        age = (self._service.clock() - updated).total_seconds()
        about = "how old the newest vulnerability database of this machine is"
        yield _gauge("supplychain_vulnerability_database_age_seconds", about, {}, age)


def _gauge(name: str, about: str, labels: dict[str, str], value: float) -> Metric:
    found = GaugeMetricFamily(name, about, labels=list(labels))
    found.add_metric(list(labels.values()), value)
    return found
