"""`supplychain export`: take evidence out of the record, for auditors."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from supplychain.cli import options
from supplychain.cli.context import Context, write
from supplychain.cli.judgement import environment_of
from supplychain.errors import InputError, NotFoundError

app = typer.Typer(help="Take evidence out of the record.", no_args_is_help=True)


class SbomForm(StrEnum):
    """The forms in which an SBOM can be had."""

    JSON = "cyclonedx-json"
    XML = "cyclonedx-xml"


@app.callback()
def _group() -> None:
    """Take evidence out of the record."""


@app.command()
@options.command(options.RECORD)
def sbom(
    shared: Context,
    image: options.Image,
    platform: options.Platform = None,
    form: Annotated[
        SbomForm,
        typer.Option(
            "--output",
            "-o",
            metavar="FORM",
            help="cyclonedx-json or cyclonedx-xml",
            rich_help_panel=options.RESULT_PANEL,
        ),
    ] = SbomForm.JSON,
    output_file: options.OutputFile = None,
) -> None:
    """Write an image's recorded SBOM: the very bytes that were signed, or the same as XML.

    \b
    Examples:
      supplychain export sbom registry.example/shop:1.4 > shop.cdx.json
      supplychain export sbom 1f3c5a7b9d0e -o cyclonedx-xml > shop.cdx.xml
    """
    from supplychain.bootstrap import parts, targets
    from supplychain.export.sbom import render
    from supplychain.model.evidence import EvidenceKind
    from supplychain.model.subject import Platform

    wanted = Platform.parse(platform) if platform else None
    with parts.open_record(shared.settings) as record:
        found = record.image(targets.recorded(shared.settings, record, image), at=shared.now())
        fitting = [p for p in found.platforms if wanted in {None, p.platform}]
        if len(fitting) != 1:
            names = ", ".join(str(p.platform) for p in found.platforms)
            raise InputError(
                "an SBOM is about one platform",
                because=f"the image is recorded for {names}",
                hint=f"name one of them: --platform {found.platforms[0].platform}",
            )
        document = record.document(fitting[0].digest, EvidenceKind.SBOM)
    write(render(document, form), output_file)


@app.command()
@options.command(options.RECORD)
def vsa(
    shared: Context,
    image: options.Image,
    environment: options.Environment = None,
    output_file: options.OutputFile = None,
) -> None:
    """Write the last verdict about an image as a SLSA verification summary, unsigned.

    \b
    Examples:
      supplychain export vsa registry.example/shop:1.4 -e prod > shop.vsa.json
      supplychain export vsa 1f3c5a7b9d0e -e prod --output-file shop.vsa.json
    """
    from supplychain.bootstrap import parts, targets, trust
    from supplychain.gate.decision_document import from_document

    named = environment_of(shared, environment)
    with parts.open_record(shared.settings) as record:
        digest = targets.recorded(shared.settings, record, image)
        found = record.ledger.list(subject=digest, environment=named, limit=1)
        if not found:
            raise NotFoundError(
                f"no verdict about {digest} in {named} is on record",
                hint=f"type `supplychain gate {digest} --environment {named}`",
            )
        decision = from_document(record.ledger.document(found[0].digest))
    write(trust.summary(shared.settings, decision).predicate, output_file)
