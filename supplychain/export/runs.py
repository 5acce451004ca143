"""Runs as data: the same for `--output json` and for who asks over HTTP."""

from __future__ import annotations

from datetime import datetime

from supplychain.export.data import rfc3339
from supplychain.model.runs import Run, RunEvent


def _optional(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None


def run_data(run: Run) -> dict[str, object]:
    """A run."""
    return {
        "id": run.id,
        "reference": run.request.reference,
        "platform": run.request.platform or None,
        "environment": run.request.environment or None,
        "sign": run.request.sign,
        "priority": run.request.priority.name.lower(),
        "requested_by": run.requested_by,
        "state": str(run.state),
        "stage": run.stage or None,
        "digest": str(run.digest) if run.digest else None,
        "takeovers": run.takeovers,
        "submitted_at": rfc3339(run.submitted_at),
        "started_at": _optional(run.started_at),
        "finished_at": _optional(run.finished_at),
        "error": run.error,
        "decision": str(run.decision) if run.decision else None,
        "again_of": run.again_of or None,
    }


def event_data(event: RunEvent) -> dict[str, object]:
    """An event of a run."""
    return {
        "number": event.number,
        "at": rfc3339(event.at),
        "kind": event.kind,
        "stage": event.stage or None,
        "text": event.text,
    }
