"""`supplychain vex`: what others claim about vulnerabilities, whose word it is, what counts."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from supplychain.bootstrap.believed import Believed
from supplychain.cli import attached as attachments
from supplychain.cli import options, vex_lines
from supplychain.cli.context import Context, OutputFormat, write
from supplychain.cli.judgement import environment_of
from supplychain.cli.place import Works, place, require_here
from supplychain.cli.whom import asked, require_published
from supplychain.errors import InputError
from supplychain.export.data import claim_data

if TYPE_CHECKING:
    from supplychain.records.record import Record
    from supplychain.signing.trust.trust import Trust

app = typer.Typer(help="Care for claims about vulnerabilities (VEX).", no_args_is_help=True)
_Document = Annotated[
    str,
    typer.Argument(metavar="DOCUMENT", help="a document's digest, or the beginning of it"),
]


class VexForm(StrEnum):
    """The forms in which claims can be had."""

    OPENVEX = "openvex"
    CYCLONEDX = "cyclonedx"


@app.callback()
def _group() -> None:
    """Care for claims about vulnerabilities (VEX)."""


@app.command("import")
@options.command(options.RECORD, options.REGISTRY, options.TRUSTED_ROOT, works=Works.ANYWHERE)
@asked
def import_(
    shared: Context,
    whom: Believed,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="an OpenVEX, CycloneDX or CSAF document", show_default=False
        ),
    ] = None,
    attached: Annotated[
        str | None,
        typer.Option(
            "--attached",
            metavar="SOURCE",
            help="in place of a file: what lies beside this image, in its registry or layout",
            show_default=False,
        ),
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            "--bundle",
            metavar="FILE",
            help="its author's signature, as sign-blob writes it",
            show_default=False,
        ),
    ] = None,
    environment: options.Environment = None,
    policy_file: options.Policy = None,
    image: Annotated[
        str | None,
        typer.Option(
            "--image",
            metavar="IMAGE",
            help="refuse what is not about this recorded image",
            show_default=False,
        ),
    ] = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Verify a signed VEX document and record what it claims, with whose word it is.

    Whose word counts is said here, or by the policy of an environment. Whether a
    claim clears a finding is for each policy to say, at every decision.

    \b
    Examples:
      supplychain vex import shop.vex.json --bundle shop.sigstore.json --key v.pub
      supplychain vex import shop.vex.json --bundle shop.sigstore.json -e prod
      supplychain vex import --attached registry.example/shop:1.4 -e prod
    """
    now = shared.now()
    require_published(whom)
    if attached is not None and (file or bundle or image):
        raise InputError(
            "a document is a file, or lies beside an image",
            hint="give FILE with --bundle, or --attached SOURCE alone",
        )
    if whom != Believed():
        require_here(shared, "saying whom to believe")
    if attached is not None:
        require_here(shared, "--attached")
        from supplychain.bootstrap import parts, vex

        trusted = vex.trust(shared.settings, whom, environment, policy_file, shared.ask)
        with parts.open_record(shared.settings, create=True) as record:
            _import_attached(shared, record, attached, trusted, output)
        return
    if file is None:
        raise InputError("no document is named", hint="give FILE, or --attached SOURCE")
    with place(shared, create=True) as there:
        found = there.vex.take_in(
            file,
            bundle,
            whom=whom,
            environment=environment,
            policy=policy_file,
            image=image,
            ask=shared.ask,
            at=now,
        )
    vex_lines.show(found, output)


def _import_attached(
    shared: Context, record: Record, source: str, trusted: Trust, output: OutputFormat
) -> None:
    from supplychain.bootstrap import vex

    with shared.progress(output) as progress:
        documents, refused = vex.import_attached(
            shared.settings, record, source, trusted, progress, at=shared.now()
        )
    # By now it is on record.
    now = shared.now()
    found = [
        claim_data(one) for document in documents for one in record.vex.statements(document, at=now)
    ]
    attachments.refused(refused)
    vex_lines.show(found, output)


@app.command("list")
@options.command(options.RECORD, works=Works.ANYWHERE)
def list_(shared: Context, output: options.Output = OutputFormat.TEXT) -> None:
    """List the VEX documents on record, the newest first.

    What came attached to an image says so; it is about that image alone.

    \b
    Examples:
      supplychain vex list
      supplychain vex list --output json
    """
    now = shared.now()
    with place(shared) as there:
        found = there.vex.documents(at=now)
    vex_lines.show_documents(found, output, now=now)


@app.command()
@options.command(options.RECORD, works=Works.ANYWHERE)
def show(shared: Context, document: _Document, output: options.Output = OutputFormat.TEXT) -> None:
    """Show what a VEX document claims, who signed it, and who accepted which claim.

    \b
    Examples:
      supplychain vex show sha256:1f3c5a7b9d0e
      supplychain vex show 1f3c5a7b9d0e --output json
    """
    with place(shared) as there:
        found = there.vex.claims(document, at=shared.now())
    vex_lines.show(found, output)


@app.command()
@options.command(options.RECORD, works=Works.ANYWHERE)
def accept(
    shared: Context,
    claim: Annotated[
        str,
        typer.Argument(
            metavar="DOCUMENT[#NUMBER]",
            help="a claim, or all claims of a document",
            show_default=False,
        ),
    ],
    reason: Annotated[
        str,
        typer.Option("--reason", metavar="WHY", help="why it may count", show_default=False),
    ],
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="take back what you accepted before")
    ] = False,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Accept a claim that a policy holds for a review; it counts from now on.

    Whose acceptance counts is said by the policy (vex, review), at each decision.
    You are who the setting `actor` says, else your user at this machine.

    \b
    Examples:
      supplychain vex accept sha256:1f3c5a7b9d0e#3 --reason "we never parse XML"
      supplychain vex accept 1f3c5a7b9d0e#3 --withdraw --reason "since 2.0 we do"
    """
    if not reason.strip():
        raise InputError("no reason is given", hint='--reason "we never parse XML"')
    with place(shared) as there:
        found = there.vex.accept(claim, reason=reason, withdraw=withdraw, at=shared.now())
    vex_lines.show(found, output)


@app.command()
@options.command(options.RECORD, options.REGISTRY, works=Works.ANYWHERE)
def export(
    shared: Context,
    image: options.Image,
    environment: options.Environment = None,
    policy_file: options.Policy = None,
    form: Annotated[
        VexForm,
        typer.Option("--format", metavar="FORM", help="form of the document: openvex or cyclonedx"),
    ] = VexForm.OPENVEX,
    author: Annotated[
        str | None,
        typer.Option("--author", metavar="NAME", help="who says so; else you", show_default=False),
    ] = None,
    with_waivers: Annotated[
        bool, typer.Option("--with-waivers", help="refused: a waiver is no claim", hidden=True)
    ] = False,
    output_file: options.OutputFile = None,
) -> None:
    """Write what a policy believes about an image's findings, as a VEX document.

    Others' claims are retold, each with whose it is. Sign the document as any
    statement about the image: supplychain attest IMAGE --type openvex. Waivers
    are never exported: they accept a risk, and deny none.

    \b
    Examples:
      supplychain vex export registry.example/shop@sha256:1f3c… -e prod
      supplychain vex export shop:1.4 -e prod --format cyclonedx
    """
    if with_waivers:
        raise InputError(
            "waivers are not exported as VEX",
            because="a waiver accepts a risk, and a claim says that there is none",
            hint="leave --with-waivers out",
        )
    named = environment_of(shared, environment)
    with place(shared) as there:
        document = there.exports.vex(
            image, named, form.value, policy=policy_file, author=author, at=shared.now()
        )
    write(document, output_file)
