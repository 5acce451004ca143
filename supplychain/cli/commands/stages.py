"""The single stages: `scan`, `sbom`, `sign`, `attest`, `verify`."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from supplychain.bootstrap.believed import Believed
from supplychain.cli import inspection, options, statements
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.findings import scan_document, scan_lines
from supplychain.cli.quality import quality_document, quality_lines
from supplychain.cli.whom import asked
from supplychain.errors import InputError

_NoRecord = Annotated[
    bool,
    typer.Option(
        "--no-record",
        help="write beside the image alone; no gate sees it before `run` or "
        "`attestations record` does",
        rich_help_panel=options.SIGNING_PANEL,
    ),
]


@options.command(options.RECORD, options.SCANNING, options.REGISTRY)
def scan(
    shared: Context,
    source: options.Source,
    platform: options.Platform = None,
    output: options.Output = OutputFormat.TEXT,
    output_file: options.OutputFile = None,
) -> None:
    """Verify and scan an image, and record what was found; signs and judges nothing.

    \b
    Examples:
      supplychain scan registry.example/shop:1.4
      supplychain scan ./shop.tar --output json
    """
    from supplychain.bootstrap import parts, targets

    with (
        shared.progress(output) as progress,
        parts.open_record(shared.settings, create=True) as record,
        targets.target(shared.settings, source, platform=platform) as target,
    ):
        pipeline = parts.pipeline(shared.settings, record, progress)
        done = pipeline.scan(target, parts.examiner(shared.settings, progress))
    if output is OutputFormat.JSON:
        write_json(scan_document(done), output_file)
    else:
        write("".join(f"{line}\n" for line in scan_lines(done, shared.paint)), output_file)


@options.command(options.RECORD, options.SCANNING, options.REGISTRY)
def sbom(
    shared: Context,
    source: options.Source,
    platform: options.Platform = None,
    quality: Annotated[
        bool,
        typer.Option("--quality", help="print what the document lacks (NTIA minimum elements)"),
    ] = False,
    output: options.Output = OutputFormat.TEXT,
    output_file: options.OutputFile = None,
) -> None:
    """Verify and scan an image, record its CycloneDX SBOM, and print that.

    \b
    Examples:
      supplychain sbom registry.example/shop:1.4 > shop.cdx.json
      supplychain sbom registry.example/shop:1.4 --quality
      supplychain sbom oci:build/shop --platform linux/arm64 > shop.cdx.json
    """
    from supplychain.bootstrap import parts, targets

    with (
        shared.progress(output) as progress,
        parts.open_record(shared.settings, create=True) as record,
        targets.target(shared.settings, source, platform=platform) as target,
    ):
        platforms = [str(image.platform) for image in target.image.images]
        if len(platforms) > 1:
            raise InputError(
                "an SBOM is about one platform, and this is an index",
                because=f"it is there for {', '.join(platforms)}",
                hint=f"name one of them: --platform {platforms[0]}",
            )
        pipeline = parts.pipeline(shared.settings, record, progress)
        done = pipeline.describe(target, parts.examiner(shared.settings, progress))
    document = b"".join(p.sbom.document for p in done.platforms if p.sbom)
    if not quality:
        write(document, output_file)
    elif output is OutputFormat.JSON:
        write_json(quality_document(document), output_file)
    else:
        write("".join(f"{line}\n" for line in quality_lines(document)), output_file)


@options.command(options.RECORD, options.SIGNING, options.REGISTRY)
def sign(
    shared: Context,
    source: options.Source,
    platform: options.Platform = None,
    attest: Annotated[
        list[str] | None,
        typer.Option(
            "--attest",
            metavar="TYPE=FILE",
            help="state this beside, as `attest --type TYPE --predicate FILE` does",
            show_default=False,
        ),
    ] = None,
    layout: options.Layout = None,
    no_record: _NoRecord = False,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Sign an image, an index with each of its platforms, as cosign does with a key.

    \b
    Examples:
      supplychain sign registry.example/shop:1.4 --key release.key
      supplychain sign registry.example/shop:1.4 --key release.key \\
        --attest cyclonedx=shop.cdx.json --attest openvex=shop.vex.json
      supplychain sign oci:build/shop --key release.key --output json
    """
    from supplychain.bootstrap import claims, parts, targets, trust

    sealing = trust.sealing(shared.settings, None, sign=True, ask=shared.ask)
    now, above = shared.now(), sealing.whole_sbom
    with shared.progress(output) as heard:
        said = [
            claims.claim(*_typed(text), at=now, above=above, progress=heard)
            for text in attest or ()
        ]
    with (
        shared.progress(output) as progress,
        nullcontext() if no_record else parts.open_record(shared.settings, create=True) as record,
        targets.target(shared.settings, source, platform=platform, layout=layout) as target,
    ):
        done = parts.pipeline(shared.settings, record, progress).sign(target, sealing, said)
    statements.show(statements.of_run(done), output)


@options.command(options.RECORD, options.SIGNING, options.REGISTRY)
def attest(
    shared: Context,
    source: options.Source,
    predicate: Annotated[
        Path,
        typer.Option(
            "--predicate",
            metavar="FILE",
            help="what is stated, JSON; signed byte for byte (for custom any text)",
            show_default=False,
        ),
    ],
    predicate_type: Annotated[
        str,
        typer.Option(
            "--type",
            metavar="TYPE",
            autocompletion=statements.predicate_types,
            help="cyclonedx, spdxjson, openvex, slsaprovenance1, vsa, vuln, custom … or the URI "
            "of a predicate type",
            show_default=False,
        ),
    ],
    layout: options.Layout = None,
    no_record: _NoRecord = False,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Sign a statement about an image and attach it, as cosign does with a key.

    \b
    Examples:
      supplychain attest registry.example/shop:1.4 --key release.key \\
        --type cyclonedx --predicate shop.cdx.json
      supplychain attest registry.example/shop:1.4 --key release.key \\
        --type openvex --predicate shop.vex.json
      supplychain attest oci:build/shop --key release.key \\
        --type https://example.com/review/v1 --predicate review.json
    """
    from supplychain.bootstrap import claims, parts, targets, trust

    sealing = trust.sealing(shared.settings, None, sign=True, ask=shared.ask)
    now, above = shared.now(), sealing.whole_sbom
    with shared.progress(output) as heard:
        claim = claims.claim(predicate_type, predicate, at=now, above=above, progress=heard)
    with (
        shared.progress(output) as progress,
        nullcontext() if no_record else parts.open_record(shared.settings, create=True) as record,
        targets.target(shared.settings, source, layout=layout) as target,
    ):
        done = parts.pipeline(shared.settings, record, progress).attest(target, sealing, claim)
    statements.show(statements.of_run(done), output)


@options.command(options.CACHE, options.REGISTRY, options.TRUSTED_ROOT)
@asked
def verify(
    shared: Context,
    source: options.Source,
    whom: Believed,
    predicate_type: Annotated[
        str | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            autocompletion=statements.predicate_types,
            help="demand an attestation of this type beside the signature",
            show_default=False,
        ),
    ] = None,
    policy_file: Annotated[
        Path | None,
        typer.Option(
            "--policy",
            metavar="FILE",
            help="judge what is attached by this policy's rules about signatures and "
            "attestations; exits as `gate` does",
            show_default=False,
        ),
    ] = None,
    platform: options.Platform = None,
    everything: options.Everything = False,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Verify what is attached to an image; exits with 1 unless a signature holds.

    Reads nothing from the record and writes nothing to it. A workflow of
    GitHub's can be narrowed down by cosign's --certificate-github-workflow-name,
    -ref, -repository, -sha and -trigger.

    \b
    Examples:
      supplychain verify registry.example/shop:1.4 --key release.pub
      supplychain verify oci:build/shop --key release.pub --type cyclonedx
      supplychain verify registry.example/shop:1.4 --trusted-root root.json \\
        --certificate-identity ann@example.com \\
        --certificate-oidc-issuer https://accounts.example.com
      supplychain verify registry.example/shop:1.4 --policy policies/prod.yaml
    """
    if policy_file is not None:
        inspection.require_alone(whom, predicate_type)
        inspection.judge(shared, source, policy_file, platform, output, everything=everything)
    if platform or everything:
        raise InputError("--platform and --all are for --policy", hint="add --policy FILE")
    from supplychain.bootstrap import targets
    from supplychain.bootstrap.believed import believed
    from supplychain.model.evidence import SIGNATURE_PREDICATE
    from supplychain.signing.predicate_types import type_uri
    from supplychain.signing.verification import verify as check

    trusted = believed(shared.settings, whom, shared.ask)
    wanted = type_uri(predicate_type) if predicate_type else None
    with targets.located(shared.settings, source) as found:
        report = check(found.store, found.subject, trusted, at=shared.now())
    statements.show(report.verified, output, report.rejected)
    report.require(SIGNATURE_PREDICATE)
    if wanted is not None:
        report.require(wanted)


def _typed(text: str) -> tuple[str, Path]:
    """A predicate's type and file, of `TYPE=FILE`; a type may be a URI with `=` in it."""
    predicate_type, equals, path = text.rpartition("=")
    if not equals or not predicate_type or not path:
        raise InputError(f"{text[:80]!r} is not TYPE=FILE", hint="--attest cyclonedx=shop.cdx.json")
    return predicate_type, Path(path)
