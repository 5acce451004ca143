"""`sign-blob`, `verify-blob`: for files what others do for images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from supplychain.cli import blob_lines, options
from supplychain.cli.context import Context, OutputFormat, write
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
    from supplychain.bootstrap import blobs, trust

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
        claim = trust.claim(predicate_type, predicate, at=shared.now())
        made = signing.attest(found, signer, claim)
    write(made + b"\n", bundle)


_VERIFIERS = "Whom to believe"
# Apart, for the longest name leaves no room for long words beside it.
_EXPRESSIONS = "Whom to believe, by regular expression"


def _believed(name: str, metavar: str, says: str, panel: str = _VERIFIERS) -> Any:
    return typer.Option(name, metavar=metavar, help=says, rich_help_panel=panel, show_default=False)


def _relaxed(name: str, says: str) -> Any:
    return typer.Option(name, help=says, rich_help_panel=_VERIFIERS)


@options.command(options.TRUSTED_ROOT)
def verify_blob(
    shared: Context,
    blob: _Blob,
    bundle: Annotated[
        Path,
        typer.Option(
            "--bundle", metavar="FILE", help="what proves something about it", show_default=False
        ),
    ],
    keys: Annotated[
        list[str] | None,
        typer.Option(
            "--key",
            metavar="KEY",
            help="public key: a PEM file or a key reference; of several any one suffices",
            rich_help_panel=_VERIFIERS,
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None, _believed("--certificate-identity", "NAME", "whom the certificate is issued to")
    ] = None,
    name_regexp: Annotated[
        str | None,
        _believed(
            "--certificate-identity-regexp",
            "RE",
            "matches the whole name",
            _EXPRESSIONS,
        ),
    ] = None,
    issuer: Annotated[
        str | None,
        _believed("--certificate-oidc-issuer", "URL", "the OIDC issuer that vouched for it"),
    ] = None,
    issuer_regexp: Annotated[
        str | None,
        _believed(
            "--certificate-oidc-issuer-regexp",
            "RE",
            "matches the whole issuer",
            _EXPRESSIONS,
        ),
    ] = None,
    timestamp: Annotated[
        bool, _relaxed("--use-signed-timestamps", "demand a timestamp of an authority")
    ] = False,
    ignore_tlog: Annotated[
        bool, _relaxed("--insecure-ignore-tlog", "demand and look at no transparency log entry")
    ] = False,
    ignore_sct: Annotated[
        bool, _relaxed("--insecure-ignore-sct", "take certificates that no log lists")
    ] = False,
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

    Exits with 1 unless the bundle holds and is about this file.

    \b
    Examples:
      supplychain verify-blob shop.tar --bundle shop.json --key release.pub
      supplychain verify-blob sha256:DIGEST --bundle shop.json \\
        --trusted-root root.json --certificate-identity ann@example.com \\
        --certificate-oidc-issuer https://accounts.example.com
    """
    from supplychain.bootstrap import blobs, trust
    from supplychain.bootstrap.believed import Believed, believed
    from supplychain.signing import blobs as signing
    from supplychain.signing.bundle import BUNDLE_LIMIT
    from supplychain.signing.predicate_types import type_uri

    wanted = type_uri(predicate_type) if predicate_type else None
    asked = Believed(
        tuple(keys or ()),
        name,
        name_regexp,
        issuer,
        issuer_regexp,
        timestamp=timestamp,
        ignore_tlog=ignore_tlog,
        ignore_sct=ignore_sct,
    )
    trusted = believed(shared.settings, asked, shared.ask)
    data = trust.read_document(bundle, "bundle", limit=BUNDLE_LIMIT)
    with shared.progress(output) as progress:
        found = blobs.read_blob(blob, progress)
    held = signing.verify(data, found, trusted, at=shared.now(), predicate_type=wanted)
    blob_lines.show(held, output)
