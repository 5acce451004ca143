"""`supplychain approvals`: people who say that an image may run somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from supplychain.cli import options
from supplychain.cli.console import printable
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.judgement import environment_of
from supplychain.cli.place import Works, place
from supplychain.cli.times import ago
from supplychain.export.data import approval_data, report_data

if TYPE_CHECKING:
    from supplychain.model.history import Event

app = typer.Typer(help="Approve images for environments.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Approve images for environments."""


@app.command()
@options.command(options.RECORD, options.ACTOR, options.REGISTRY, works=Works.ANYWHERE)
def give(
    shared: Context,
    image: options.Image,
    environment: options.Environment = None,
    reason: options.Reason = "",
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Say that exactly this digest may run in an environment, as far as you are concerned.

    It counts where a rule `approval` of the environment's policy names you.

    \b
    Examples:
      supplychain approvals give registry.example/shop@sha256:1f3c… -e prod
      supplychain approvals give 1f3c5a7b9d0e -e prod --reason "see CHG-42"
    """
    from supplychain.model.history import Event

    _record(shared, image, environment, Event.GIVEN, reason, output)


@app.command()
@options.command(options.RECORD, options.ACTOR, options.REGISTRY, works=Works.ANYWHERE)
def withdraw(
    shared: Context,
    image: options.Image,
    environment: options.Environment = None,
    reason: options.Reason = "",
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Take your approval back.

    \b
    Examples:
      supplychain approvals withdraw registry.example/shop@sha256:1f3c… -e prod
    """
    from supplychain.model.history import Event

    _record(shared, image, environment, Event.WITHDRAWN, reason, output)


@app.command("list")
@options.command(options.RECORD, options.REGISTRY, works=Works.ANYWHERE)
def list_(
    shared: Context, image: options.Image, output: options.Output = OutputFormat.TEXT
) -> None:
    """List who approved an image, and for which environments.

    \b
    Examples:
      supplychain approvals list registry.example/shop@sha256:1f3c…
      supplychain approvals list 1f3c5a7b9d0e --output json
    """
    now = shared.now()
    with place(shared) as asked:
        digest, found = asked.reports.approvals(image, at=now)
    if output is OutputFormat.JSON:
        write_json({"digest": str(digest), "approvals": [approval_data(a) for a in found]})
        return
    for approval in found:
        taken = f", withdrawn {ago(approval.withdrawn_at, now)}" if approval.withdrawn_at else ""
        why = f": {approval.reason}" if approval.reason else ""
        said = f"{approval.environment:<12} {approval.approved_by}"
        when = ago(approval.approved_at, now)
        write(f"{printable(f'{said}, {when}{taken}{why}')}\n")


def _record(
    shared: Context,
    image: str,
    environment: str | None,
    event: Event,
    reason: str,
    output: OutputFormat,
) -> None:
    from supplychain.model.history import Event

    named, now = environment_of(shared, environment), shared.now()
    with place(shared) as asked:
        said, document = asked.reports.approval(event, image, named, reason=reason, at=now)
    if output is OutputFormat.JSON:
        write_json({**report_data(said), "actor": said.actor, "document": str(document)})
        return
    what = "withdrew the approval of" if event is Event.WITHDRAWN else "approved"
    subject = printable(str(said.subject))
    write(f"{printable(said.actor)} {what} {subject} for {said.environment}\n")
