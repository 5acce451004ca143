"""`run`: the whole way of an image, from bytes to a verdict."""

from __future__ import annotations

from typing import Annotated

import typer

from supplychain.cli import options
from supplychain.cli.context import Context, OutputFormat
from supplychain.cli.judgement import Presentation, environment_of, present


@options.command(options.RECORD, options.SIGNING, options.SCANNING, options.REGISTRY)
def run(
    shared: Context,
    source: options.Source,
    environment: options.Environment = None,
    policy_file: options.Policy = None,
    platform: options.Platform = None,
    sign: Annotated[
        bool,
        typer.Option(
            "--sign/--no-sign",
            help="sign and attest what was found",
            rich_help_panel=options.SIGNING_PANEL,
        ),
    ] = True,
    layout: options.Layout = None,
    everything: options.Everything = False,
    output: options.Output = OutputFormat.TEXT,
    output_file: options.OutputFile = None,
) -> None:
    """Take an image the whole way: verify, scan, describe, sign, record, judge.

    Exits with 0 for allow, 10 for deny, 11 for pending, 1 for a fault and 2 for
    wrong usage.

    \b
    Examples:
      supplychain run registry.example/shop:1.4 -e prod --key release.key
      supplychain run oci:build/shop --environment prod --key release.key
      supplychain run docker-daemon:shop:1.4 -e staging --no-sign -o json
    """
    from supplychain.bootstrap import parts, targets, trust

    settings = shared.settings
    named = environment_of(shared, environment)
    # Read before any work is done, so that a broken policy or a wrong password costs no scan.
    policy = trust.policy_of(settings, named, policy_file)
    sealing = trust.sealing(settings, policy, sign=sign, ask=shared.ask)
    from supplychain.pipeline.judge import judge
    from supplychain.pipeline.provenance import Purpose

    purpose = Purpose(named, policy.digest if policy else None)

    with (
        shared.progress(output) as progress,
        parts.open_record(settings, create=True) as record,
        targets.target(settings, source, platform=platform, layout=layout) as target,
    ):
        pipeline = parts.pipeline(settings, record, progress)
        pipeline.run(target, parts.examiner(settings, progress), sealing, purpose)
        judged = judge(record, target.image.subject, policy, environment=named, at=shared.now())
    present(shared, judged, Presentation(output, output_file, everything))
