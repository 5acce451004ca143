"""`gate`: ask the record, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from supplychain.cli import options
from supplychain.cli.context import Context, OutputFormat
from supplychain.cli.judgement import Presentation, environment_of, present
from supplychain.errors import InputError

if TYPE_CHECKING:
    from supplychain.gate.policy import Policy
    from supplychain.model.decision import Decision
    from supplychain.model.digest import Digest

    Judged = tuple[Decision, bytes, Digest]


@options.command(options.RECORD, options.SIGNING, options.REGISTRY)
def gate(
    shared: Context,
    image: options.Image,
    environment: options.Environment = None,
    policy_file: options.Policy = None,
    attest: Annotated[
        bool,
        typer.Option(
            "--attest",
            help="sign the verdict and attach it to the image, as a SLSA verification summary",
            rich_help_panel=options.SIGNING_PANEL,
        ),
    ] = False,
    layout: options.Layout = None,
    everything: options.Everything = False,
    output: options.Output = OutputFormat.TEXT,
    output_file: options.OutputFile = None,
) -> None:
    """Ask whether an image may run in an environment, from the record alone.

    Nothing is scanned, and no network is used but to resolve a tag, or to attach
    the verdict where --attest asks for that. Exits with 0 for allow, 10 for deny,
    11 for pending, 1 for a fault and 2 for wrong usage.

    \b
    Examples:
      supplychain gate registry.example/shop@sha256:1f3c… --environment prod
      supplychain gate registry.example/shop:1.4 -e prod --output json
      supplychain gate registry.example/shop:1.4 -e prod --attest --key k.key
    """
    from supplychain.bootstrap import parts, targets, trust
    from supplychain.pipeline.judge import judge

    named = environment_of(shared, environment)
    policy = trust.policy_of(shared.settings, named, policy_file)
    if attest:
        judged = _attested(shared, image, policy, environment=named, layout=layout, output=output)
    else:
        with parts.open_record(shared.settings) as record:
            subject = targets.subject_of(shared.settings, record, image)
            judged = judge(record, subject, policy, environment=named, at=shared.now())
    present(shared, judged, Presentation(output, output_file, everything))


def _attested(
    shared: Context,
    image: str,
    policy: Policy | None,
    *,
    environment: str,
    layout: options.Layout,
    output: OutputFormat,
) -> Judged:
    """The verdict, once it lies beside the image: what cannot be attested is not told either."""
    from supplychain.bootstrap import parts, targets, trust
    from supplychain.pipeline.judge import judge

    settings = shared.settings
    if targets.is_bare_digest(image):
        raise InputError(
            "a verdict is attached to an image where it lies",
            because=f"{image} does not say where that is",
            hint=f"name the repository too: supplychain gate NAME@{image} --attest",
        )
    sealing = trust.sealing(settings, policy, sign=True, ask=shared.ask)
    with (
        shared.progress(output) as progress,
        parts.open_record(settings) as record,
        targets.target(settings, image, layout=layout) as target,
    ):
        subject = target.image.subject
        judged = judge(record, subject, policy, environment=environment, at=shared.now())
        claim = trust.summary(settings, judged[0])
        parts.pipeline(settings, record, progress).attest(target, sealing, claim)
    return judged
