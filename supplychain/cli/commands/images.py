"""`supplychain images`: what is on record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from supplychain.cli import options
from supplychain.cli.console import Paint, printable
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.numbers import number
from supplychain.cli.place import Works, place
from supplychain.cli.times import ago
from supplychain.export.data import image_data

if TYPE_CHECKING:
    from supplychain.records.listing import ImageSummary, PlatformSummary

app = typer.Typer(help="Show what is on record.", no_args_is_help=True)
_VERDICT_COLOURS = {"allow": "green", "deny": "red", "pending": "yellow"}


@app.callback()
def _group() -> None:
    """Show what is on record."""


@app.command("list")
@options.command(options.RECORD, works=Works.ANYWHERE)
def list_(
    shared: Context,
    limit: Annotated[int, number(most=10_000, says="at most so many")] = 50,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """List the images on record, the newest first.

    \b
    Examples:
      supplychain images list
      supplychain images list --limit 500 --output json
    """
    now = shared.now()
    with place(shared) as asked:
        found = asked.images.list(at=now, limit=limit)
    if output is OutputFormat.JSON:
        write_json({"images": [image_data(image) for image in found]})
        return
    for image in found:
        write("\n".join(_lines(image, shared.paint, now)) + "\n")


@app.command()
@options.command(options.RECORD, works=Works.ANYWHERE)
def show(
    shared: Context,
    image: options.Image,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Show one image on record: platforms, scans, findings, and its last decisions.

    \b
    Examples:
      supplychain images show registry.example/shop:1.4
      supplychain images show 1f3c5a7b9d0e --output json
    """
    now = shared.now()
    with place(shared) as asked:
        found = asked.images.get(image, at=now)
    if output is OutputFormat.JSON:
        write_json(image_data(found))
        return
    write("\n".join(_lines(found, shared.paint, now)) + "\n")


def _lines(image: ImageSummary, paint: Paint, now: datetime) -> Iterator[str]:
    yield f"{paint('bold', printable(', '.join(image.names)))}@{image.digest}"
    for platform in image.platforms:
        yield f"  {printable(str(platform.platform)):<14} {_scanned(platform, now)}"
    for decision in image.decisions:
        verdict = paint(_VERDICT_COLOURS[decision.verdict], decision.verdict)
        when = ago(decision.decided_at, now)
        yield f"  {verdict} in {printable(decision.environment)}, decided {when}"


def _scanned(platform: PlatformSummary, now: datetime) -> str:
    if platform.scanned_at is None:
        return "not scanned"
    counts = ", ".join(f"{count} {severity}" for severity, count in platform.findings if count)
    return f"scanned {ago(platform.scanned_at, now)}: {counts or 'no findings'}"
