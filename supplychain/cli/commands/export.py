"""`supplychain export`: take evidence out of the record, for auditors."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from supplychain.cli import options
from supplychain.cli.context import Context, write
from supplychain.cli.judgement import environment_of
from supplychain.cli.place import Works, place

app = typer.Typer(help="Take evidence out of the record.", no_args_is_help=True)


class SbomForm(StrEnum):
    """The forms in which an SBOM can be had."""

    JSON = "cyclonedx-json"
    XML = "cyclonedx-xml"


@app.callback()
def _group() -> None:
    """Take evidence out of the record."""


@app.command()
@options.command(options.RECORD, works=Works.ANYWHERE)
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
    with place(shared) as asked:
        document = asked.exports.sbom(image, platform, form.value, at=shared.now())
    write(document, output_file)


@app.command()
@options.command(options.RECORD, works=Works.ANYWHERE)
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
    named = environment_of(shared, environment)
    with place(shared) as asked:
        document = asked.exports.summary(image, named)
    write(document, output_file)
