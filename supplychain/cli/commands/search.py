"""`supplychain search`: which images contain what, over everything recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from supplychain.cli import options
from supplychain.cli.console import Paint, printable
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.decided_lines import COLOURS
from supplychain.cli.judgement import check_environment
from supplychain.cli.place import Works, place
from supplychain.cli.times import ago, moment
from supplychain.export.found import found_data

if TYPE_CHECKING:
    from supplychain.records.found_images import FoundImage, FoundPlatform

app = typer.Typer(help="Find images by what they contain.", no_args_is_help=True)
_At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        help="as of then: 2026-01-31T09:00:00Z, a date, or 36h for so long ago",
    ),
]


@app.callback()
def _group() -> None:
    """Find images by what their latest scan found. Nothing here records anything."""


@app.command()
@options.command(options.RECORD, works=Works.ANYWHERE)
def component(
    shared: Context,
    package: Annotated[
        str,
        typer.Argument(metavar="PURL", help="package URL, perhaps with @VERSION; * for any text"),
    ],
    versions: Annotated[
        str,
        typer.Option(
            "--versions", metavar="RANGE", help='as in ">=2.0, <2.2.9", or as VERS writes them'
        ),
    ] = "",
    environment: options.Environment = None,
    at: _At = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Find the images that contain a package, and where they may run.

    Versions compare as the package's own ecosystem compares them. A package whose
    version cannot be compared is shown as one that may be meant.

    \b
    Examples:
      supplychain search component pkg:pypi/django --versions ">=2.0, <2.2.28"
      supplychain search component "pkg:maven/org.apache.logging.log4j/*" -e prod
      supplychain search component "pkg:deb/*/openssl" --at 7d --output json
    """
    now = shared.now()
    with place(shared) as asked:
        then = moment(at, now) if at else None
        found = asked.search.component(package, versions, at=then)
    _show(shared, found, environment, now, output)


@app.command()
@options.command(options.RECORD, works=Works.ANYWHERE)
def vulnerability(
    shared: Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="its ID, as scans name it")],
    environment: options.Environment = None,
    at: _At = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Find the images in which a vulnerability was found, and where they may run.

    \b
    Examples:
      supplychain search vulnerability CVE-2019-19844
      supplychain search vulnerability CVE-2021-44228 -e prod --output json
    """
    now = shared.now()
    with place(shared) as asked:
        found = asked.search.vulnerability(name, at=moment(at, now) if at else None)
    _show(shared, found, environment, now, output)


@app.command()
@options.command(options.RECORD, works=Works.ANYWHERE)
def licence(
    shared: Context,
    expression: Annotated[
        str,
        typer.Argument(
            metavar="LICENCE", help="SPDX identifier, category, or an expression of these"
        ),
    ],
    environment: options.Environment = None,
    at: _At = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Find the images with packages under a licence, and where they may run.

    Categories are permissive, weak-copyleft, strong-copyleft, network-copyleft,
    proprietary and unknown. OR finds packages that mention any of several, AND
    those that mention all.

    \b
    Examples:
      supplychain search licence AGPL-3.0-only
      supplychain search licence "strong-copyleft OR network-copyleft" -e prod
      supplychain search licence unknown --output json
    """
    now = shared.now()
    with place(shared) as asked:
        found = asked.search.licence(expression, at=moment(at, now) if at else None)
    _show(shared, found, environment, now, output)


def _show(
    shared: Context,
    found: Sequence[FoundImage],
    environment: str | None,
    now: datetime,
    output: OutputFormat,
) -> None:
    if environment:
        where = check_environment(environment)
        found = tuple(image for image in found if image.concerns(where))
    if output is OutputFormat.JSON:
        write_json({"images": [found_data(image) for image in found]})
        return
    for image in found:
        write("\n".join(_lines(image, shared.paint, now)) + "\n")
    write(f"{len(found)} image{'' if len(found) == 1 else 's'}\n")


def _lines(image: FoundImage, paint: Paint, now: datetime) -> Iterator[str]:
    yield f"{paint('bold', printable(', '.join(image.names)))}@{image.digest}"
    for platform in image.platforms:
        yield from _held_lines(platform)
    decided = set()
    for decision in image.decisions:
        decided.add(decision.environment)
        verdict = paint(COLOURS[decision.verdict], decision.verdict)
        runs = ", runs there" if decision.environment in image.running_in else ""
        yield (
            f"  {verdict} in {printable(decision.environment)}, decided "
            f"{ago(decision.decided_at, now)}: {decision.digest.short}{runs}"
        )
    for environment in image.running_in:
        if environment not in decided:
            yield f"  runs in {printable(environment)}, which nobody decided"


def _held_lines(platform: FoundPlatform) -> Iterator[str]:
    name = printable(str(platform.platform))
    for held in platform.held:
        detail = f"  {held.detail}" if held.detail else ""
        yield f"  {name:<14} {printable(f'{held.package} {held.version}{detail}')}"
        name = ""
