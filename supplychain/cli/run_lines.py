"""Runs for people and as data."""

from __future__ import annotations

from datetime import datetime

from supplychain.cli.console import Paint, printable
from supplychain.cli.times import ago
from supplychain.model.runs import Run, RunEvent, RunState

_COLOURS = {
    RunState.SUCCEEDED: "green",
    RunState.FAILED: "red",
    RunState.DEAD: "red",
    RunState.RUNNING: "yellow",
}


def run_line(run: Run, paint: Paint, now: datetime) -> str:
    """One run on one line."""
    state = f"{run.state:<9}"
    shown = paint(_COLOURS[run.state], state) if run.state in _COLOURS else state
    return f"{run.id}  {shown}  {ago(run.submitted_at, now)}  {printable(run.request.reference)}"


def run_lines(run: Run, paint: Paint, now: datetime) -> list[str]:
    """One run, as far as people want to know."""
    lines = [run_line(run, paint, now)]
    if run.digest:
        lines.append(f"  image     {run.digest}")
    if run.stage and not run.state.over:
        lines.append(f"  stage     {run.stage}")
    if run.takeovers:
        lines.append(f"  takeovers {run.takeovers}")
    if run.decision:
        lines.append(f"  decision  {run.decision}")
    if run.error:
        lines.append(f"  error     {printable(str(run.error.get('message')))}")
        for name, label in (("because", "because"), ("hint", "try")):
            if run.error.get(name):
                lines.append(f"  {label:<9} {printable(str(run.error[name]))}")
    return lines


def event_line(event: RunEvent) -> str:
    """One event on one line."""
    what = f"{event.kind} {event.stage}".strip()
    return f"{event.number:>4}  {event.at:%H:%M:%S}  {what:<20}  {printable(event.text)}".rstrip()
