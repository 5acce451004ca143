"""`sign-blob`, `verify-blob`: for files what others do for images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from supplychain.bootstrap.believed import Believed
from supplychain.cli import blob_lines, options
from supplychain.cli.context import Context, OutputFormat, write
from supplychain.cli.whom import asked
from supplychain.errors import InputError

_Blob = Annotated[
    str,
    typer.Argument(
        metavar="FILE", help="a file, - for stdin, or sha256:DIGEST of one", show_default=False
    ),
]


@options.command(options.SIGNING)
def sign_blob(
    shared: Context,
    blob: _Blob,
    bundle: Annotated[
        Path | None,
        typer.Option(
            "--bundle",
            metavar="FILE",
            help="write the bundle there and not to stdout",
            rich_help_panel=options.RESULT_PANEL,
            show_default=False,
        ),
    ] = None,
    predicate: Annotated[
        Path | None,
        typer.Option(
            "--predicate",
            metavar="FILE",
            help="state this about the file, JSON, instead of signing it; needs --type",
            show_default=False,
        ),
    ] = None,
    predicate_type: Annotated[
        str | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="what is stated: slsaprovenance1, openvex, custom … or a URI",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Sign a file, or state something about it, as cosign does; prints a Sigstore bundle.

    Records nothing.

    \b
    Examples:
      supplychain sign-blob shop.tar --key release.key --bundle shop.sigstore.json
      supplychain sign-blob sha256:DIGEST --bundle shop.sigstore.json --keyless \\
        --signing-config services.json --trusted-root root.json
      supplychain sign-blob shop.tar --key release.key --bundle shop.slsa.json \\
        --type slsaprovenance1 --predicate provenance.json
    """
    from supplychain.bootstrap import blobs, claims, trust

    if (predicate is None) != (predicate_type is None):
        raise InputError(
            "a statement needs --type and --predicate",
            because="one of them says what it is, the other what it says",
        )
    signer = trust.sealer(shared.settings, shared.ask)
    with shared.progress(OutputFormat.TEXT) as progress:
        found = blobs.read_blob(blob, progress)
    from supplychain.signing import blobs as signing

    if predicate is None or predicate_type is None:
        made = signing.sign(found, signer)
    else:
        claim = claims.claim(predicate_type, predicate, at=shared.now())
        made = signing.attest(found, signer, claim)
    write(made + b"\n", bundle)


@options.command(options.TRUSTED_ROOT)
@asked
def verify_blob(
    shared: Context,
    blob: _Blob,
    bundle: Annotated[
        Path,
        typer.Option(
            "--bundle", metavar="FILE", help="what proves something about it", show_default=False
        ),
    ],
    whom: Believed,
    predicate_type: Annotated[
        str | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="demand a statement of this type; else a signature or any statement will do",
            show_default=False,
        ),
    ] = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Verify a file with a Sigstore bundle, whoever made that; uses no network.

    Exits with 1 unless the bundle holds and is about this file. A workflow of
    GitHub's can be narrowed down by cosign's --certificate-github-workflow-name,
    -ref, -repository, -sha and -trigger.

    \b
    Examples:
      supplychain verify-blob shop.tar --bundle shop.json --key release.pub
      supplychain verify-blob sha256:DIGEST --bundle shop.json \\
        --trusted-root root.json --certificate-identity ann@example.com \\
        --certificate-oidc-issuer https://accounts.example.com
    """
    from supplychain.bootstrap import blobs, trust
    from supplychain.bootstrap.believed import believed
    from supplychain.signing import blobs as signing
    from supplychain.signing.bundle import BUNDLE_LIMIT
    from supplychain.signing.predicate_types import type_uri

    wanted = type_uri(predicate_type) if predicate_type else None
    trusted = believed(shared.settings, whom, shared.ask)
    data = trust.read_document(bundle, "bundle", limit=BUNDLE_LIMIT)
    with shared.progress(output) as progress:
        found = blobs.read_blob(blob, progress)
    held = signing.verify(data, found, trusted, at=shared.now(), predicate_type=wanted)
    blob_lines.show(held, output)
