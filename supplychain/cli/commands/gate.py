"""`gate`: ask the record, and nothing else."""

from __future__ import annotations

from supplychain.cli import options
from supplychain.cli.context import Context, OutputFormat
from supplychain.cli.judgement import Presentation, environment_of, present


@options.command(options.RECORD, options.REGISTRY)
def gate(
    shared: Context,
    image: options.Image,
    environment: options.Environment = None,
    policy_file: options.Policy = None,
    everything: options.Everything = False,
    output: options.Output = OutputFormat.TEXT,
    output_file: options.OutputFile = None,
) -> None:
    """Ask whether an image may run in an environment, from the record alone.

    Nothing is scanned, and no network is used but to resolve a tag. Exits with 0
    for allow, 10 for deny, 11 for pending, 1 for a fault and 2 for wrong usage.

    \b
    Examples:
      supplychain gate registry.example/shop@sha256:1f3c… --environment prod
      supplychain gate registry.example/shop:1.4 -e prod --output json
    """
    from supplychain.bootstrap import parts, targets, trust
    from supplychain.pipeline.judge import judge

    named = environment_of(shared, environment)
    policy = trust.policy_of(shared.settings, named, policy_file)
    with parts.open_record(shared.settings) as record:
        subject = targets.subject_of(shared.settings, record, image)
        judged = judge(record, subject, policy, environment=named, at=shared.now())
    present(shared, judged, Presentation(output, output_file, everything))
