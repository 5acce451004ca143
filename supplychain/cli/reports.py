"""What deployments and approvals have in common: somebody reports something of an image."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from supplychain.cli.context import Context
from supplychain.cli.judgement import environment_of

if TYPE_CHECKING:
    from supplychain.model.history import Event, Report
    from supplychain.records.history import History


@contextmanager
def reporting(
    shared: Context, image: str, environment: str | None, event: Event, reason: str
) -> Iterator[tuple[History, Report]]:
    """What is reported of an image at this moment, and the history that takes it.

    Raises:
        InputError: Nobody named an environment, or none can be named so.
        SupplyChainError: As `targets.subject_of`.
    """
    from supplychain.bootstrap import parts, targets
    from supplychain.model.history import Report

    settings, now = shared.settings, shared.now()
    named, actor = environment_of(shared, environment), parts.actor(settings)
    with parts.open_record(settings) as record:
        subject = targets.subject_of(settings, record, image)
        yield record.history, Report(event, subject, named, now, actor, reason)
