"""`supplychain attestations`: what others stated about an image, seen, fetched and kept."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from supplychain.bootstrap.believed import Believed
from supplychain.cli import attached, options, statements
from supplychain.cli.context import Context, OutputFormat
from supplychain.cli.whom import asked, require_published

if TYPE_CHECKING:
    from supplychain.signing.found import Stored
    from supplychain.signing.trust.trust import Trust

app = typer.Typer(help="See, fetch and record what is attached to images.", no_args_is_help=True)

_Bundles = Annotated[
    list[Path] | None,
    typer.Option(
        "--bundle",
        metavar="FILE",
        help="Sigstore bundles beside: JSON, or JSON Lines as `gh attestation download` writes",
        show_default=False,
    ),
]


class Content(StrEnum):
    """What of an attestation can be had."""

    DOCUMENT = "document"
    STATEMENT = "statement"
    PREDICATE = "predicate"


@app.callback()
def _group() -> None:
    """See, fetch and record what is attached to images."""


@app.command("list")
@options.command(options.CACHE, options.REGISTRY, options.TRUSTED_ROOT)
@asked
def list_(
    shared: Context,
    source: options.Source,
    whom: Believed,
    bundles: _Bundles = None,
    platform: options.Platform = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """List everything attached to an image, and what became of it; records nothing.

    Unless somebody is named whose word counts, nothing is verified, and what is
    signed is shown as unverified: anybody can have put it there.

    \b
    Examples:
      supplychain attestations list registry.example/shop:1.4
      supplychain attestations list registry.example/shop:1.4 --key release.pub
      supplychain attestations list oci:build/shop --output json
    """
    from supplychain.bootstrap import targets
    from supplychain.pipeline.attachments import take_stock

    trust, documents = _trust(shared, whom, anybody=False), _documents(bundles)
    with targets.target(shared.settings, source, platform=platform) as target:
        found = take_stock(target, trust, documents, at=shared.now())
    attached.show(found, output, shared.paint)


@app.command()
@options.command(options.CACHE, options.REGISTRY, options.TRUSTED_ROOT)
@asked
def download(
    shared: Context,
    source: options.Source,
    whom: Believed,
    predicate_type: Annotated[
        str | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            autocompletion=statements.predicate_types,
            help="only those of this type, as for `attest`; `signature` for signatures",
            show_default=False,
        ),
    ] = None,
    digest: Annotated[
        str | None,
        typer.Option(
            "--digest",
            metavar="DIGEST",
            help="only what is named so, or begins so, as `list` shows it",
            show_default=False,
        ),
    ] = None,
    content: Annotated[
        Content,
        typer.Option(
            "--content",
            help="the bundle or envelope as it lies there, what was signed, or what that says",
        ),
    ] = Content.DOCUMENT,
    platform: options.Platform = None,
    output_file: options.OutputFile = None,
    output_folder: Annotated[
        Path | None,
        typer.Option(
            "--output-folder",
            metavar="FOLDER",
            help="write all of them into it, each named by its digest",
            rich_help_panel=options.RESULT_PANEL,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write what is attached to an image, byte for byte; with --key, only what holds.

    \b
    Examples:
      supplychain attestations download registry.example/shop:1.4 --type vsa
      supplychain attestations download oci:build/shop --key release.pub \\
        --type cyclonedx --content predicate --output-file shop.cdx.json
      supplychain attestations download oci:build/shop --output-folder attached
    """
    from supplychain.bootstrap import targets
    from supplychain.pipeline.attachments import chosen, take_stock

    trust, kind = _trust(shared, whom, anybody=False), attached.type_of(predicate_type)
    with targets.target(shared.settings, source, platform=platform) as target:
        found = take_stock(target, trust, at=shared.now())
    fitting = chosen(found, predicate_type=kind, digest=digest, verified=trust.anybody)
    attached.write_out(fitting, content.value, output_file, output_folder)


@app.command()
@options.command(options.RECORD, options.REGISTRY, options.TRUSTED_ROOT)
@asked
def record(
    shared: Context,
    source: options.Source,
    whom: Believed,
    bundles: _Bundles = None,
    platform: options.Platform = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Verify what is attached to an image, and record what holds; nothing else is evidence.

    Exits with 1 where nothing holds; then nothing is recorded.

    \b
    Examples:
      supplychain attestations record registry.example/shop:1.4 --key ci.pub
      supplychain attestations record oci:shop --key ci.pub --bundle ci.jsonl
    """
    from supplychain.bootstrap import parts, targets
    from supplychain.pipeline.attachments import verified

    require_published(whom)
    trust, documents = _trust(shared, whom), _documents(bundles)
    with (
        shared.progress(output) as progress,
        parts.open_record(shared.settings, create=True) as held,
        targets.target(shared.settings, source, platform=platform) as target,
    ):
        found, refused = verified(target, trust, documents, at=shared.now())
        done = parts.pipeline(shared.settings, held, progress).keep(target, found)
    attached.refused(refused)
    statements.show(statements.of_run(done), output)


def _trust(shared: Context, whom: Believed, *, anybody: bool = True) -> Trust:
    from supplychain.bootstrap.believed import believed

    return believed(shared.settings, whom, shared.ask, anybody=anybody)


def _documents(files: list[Path] | None) -> tuple[Stored, ...]:
    from supplychain.bootstrap.trust import read_document
    from supplychain.signing.bundle_files import FILE_LIMIT, read

    return tuple(
        document
        for file in files or []
        for document in read(read_document(file, "bundle", limit=FILE_LIMIT), str(file))
    )
