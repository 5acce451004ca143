"""`supplychain evidence`: what is on record about an image, document by document."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from supplychain.cli import options
from supplychain.cli.console import Paint, printable, say
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.judgement import check_environment
from supplychain.cli.place import Works, place
from supplychain.cli.times import ago, size
from supplychain.export.evidence_data import document_data, judged_data

if TYPE_CHECKING:
    from supplychain.records.evidence import EvidenceDocument
    from supplychain.records.handed_in import UnsignedClaim

app = typer.Typer(help="See and fetch what is on record about an image.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """See and fetch what is on record about an image."""


@app.command("list")
@options.command(options.RECORD, works=Works.ANYWHERE)
def list_(
    shared: Context, image: options.Image, output: options.Output = OutputFormat.TEXT
) -> None:
    """List every document about an image, the newest first, and whose word it is.

    What is attached to it in its registry shows `attestations list`.

    \b
    Examples:
      supplychain evidence list registry.example/shop:1.4
      supplychain evidence list 1f3c5a7b9d0e --output json
    """
    now = shared.now()
    with place(shared) as asked:
        found = asked.evidence.list(image, at=now)
    if output is OutputFormat.JSON:
        write_json({"documents": [document_data(one, count) for one, count in found]})
        return
    several = len({one.subject for one, _ in found}) > 1
    for one, count in found:
        lines = _document(one, count, shared.paint, now)
        about = [f"  about {one.subject}"] if several else []
        write("".join(f"{line}\n" for line in (*lines, *about)))


@app.command()
@options.command(options.RECORD, works=Works.ANYWHERE)
def download(
    shared: Context,
    image: options.Image,
    document: Annotated[
        str,
        typer.Argument(
            metavar="DOCUMENT",
            help="its digest, or how that begins, as `evidence list` shows it",
            show_default=False,
        ),
    ],
    output_file: options.OutputFile = None,
) -> None:
    """Write a document about an image, byte for byte; other bytes are never written.

    \b
    Examples:
      supplychain evidence download registry.example/shop:1.4 9b0e4f2a6c1d
      supplychain evidence download 1f3c5a7b9d0e 9b0e4f2a6c1d > scan.json
    """
    with place(shared) as asked:
        found = asked.evidence.download(image, document, at=shared.now())
    write(found, output_file)


@app.command()
@options.command(options.RECORD, works=Works.ANYWHERE)
def claims(
    shared: Context,
    image: options.Image,
    environment: options.Environment = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """List what callers claim without a signature, and whether an environment takes it.

    \b
    Examples:
      supplychain evidence claims registry.example/shop:1.4
      supplychain evidence claims 1f3c5a7b9d0e -e dev --output json
    """
    now = shared.now()
    named = check_environment(environment) if environment else None
    with place(shared) as asked:
        found = asked.evidence.claims(image, named, at=now)
    if output is OutputFormat.JSON:
        write_json({"claims": [judged_data(*one) for one in found]})
        return
    for claim, because in found:
        write("".join(f"{line}\n" for line in _claim(claim, because, named, shared.paint, now)))
    if not found:
        say("nobody claims anything of it")


def _document(
    one: EvidenceDocument, count: int | None, paint: Paint, now: datetime
) -> Iterator[str]:
    state = paint("yellow", "claimed ") if one.claimed_by else paint("green", "verified")
    there = paint("red", "MISSING") if count is None else size(count)
    what = printable(f"{one.kind} {one.predicate_type}".rstrip())
    yield f"{state}  {one.digest.short}  {what}  {there}, {ago(one.recorded_at, now)}"
    handed_in = f", handed in by {one.handed_in_by}" if one.handed_in_by else ""
    yield printable(f"  by {one.claimed_by or one.verified_by}{handed_in}")


def _claim(
    claim: UnsignedClaim, because: str | None, environment: str | None, paint: Paint, now: datetime
) -> Iterator[str]:
    who = printable(f"by {claim.caller}")
    when = ago(claim.recorded_at, now)
    yield f"{claim.digest.short}  {claim.kind:<4}  {size(claim.size)}  {who}, {when}"
    if because == "":
        yield f"  {paint('green', 'counts')} in {environment}"
    elif because is not None:
        yield f"  {paint('yellow', 'does not count')} in {environment}: {printable(because)}"
    elif claim.unread:
        yield f"  {paint('yellow', 'counts nowhere')}: {printable(claim.unread)}"
