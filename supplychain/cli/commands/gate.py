"""`gate`: ask the record, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from supplychain.cli import options
from supplychain.cli.console import say
from supplychain.cli.context import Context, OutputFormat, write
from supplychain.cli.failures import exit_of_verdict
from supplychain.cli.judgement import (
    Presentation,
    environment_of,
    present,
    present_considered,
)
from supplychain.cli.times import moment
from supplychain.errors import InputError

if TYPE_CHECKING:
    from supplychain.bootstrap.starting import Starting
    from supplychain.gate.policy import Policy
    from supplychain.pipeline.judge import Judged
    from supplychain.records.record import Record

# Workers show every two seconds that they are there.
_SEEN = timedelta(minutes=1)


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
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="TIME",
            help="as of then, by what was on record then; nothing is recorded: "
            "2026-01-31T09:00:00Z, a date, or 36h for so long ago",
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="show the whole reasoning; nothing is recorded")
    ] = False,
    everything: options.Everything = False,
    output: options.Output = OutputFormat.TEXT,
    output_file: options.OutputFile = None,
) -> None:
    """Ask whether an image may run in an environment, from the record alone.

    Nothing is scanned, and no network is used but to resolve a tag, or to attach
    the verdict where --attest asks for that. Exits with 0 for allow, 10 for deny,
    11 for pending, 1 for a fault and 2 for wrong usage.

    Asked again while nothing changed, it answers with the recorded decision. With
    --at or --explain it records nothing. Where the policy says `unseen`, asking about
    an image that was never seen has workers look at it, and is pending until then.

    \b
    Examples:
      supplychain gate registry.example/shop@sha256:1f3c… --environment prod
      supplychain gate registry.example/shop:1.4 -e prod --output json
      supplychain gate registry.example/shop:1.4 -e prod --explain
      supplychain gate registry.example/shop:1.4 -e prod --at 2026-11-24
      supplychain gate registry.example/shop:1.4 -e prod --attest --key k.key
    """
    from supplychain.bootstrap import parts, targets, trust
    from supplychain.pipeline.judge import judge

    named = environment_of(shared, environment)
    policy = trust.policy_of(shared.settings, named, policy_file)
    presentation = Presentation(output, output_file, everything)
    if at is not None or explain:
        if attest:
            raise InputError(
                "what is only considered is not attested", hint="leave --attest out, or the others"
            )
        _considered(shared, image, policy, named, at, presentation, explain=explain)
    if attest:
        judged = _attested(shared, image, policy, environment=named, layout=layout, output=output)
    else:
        with parts.open_record(shared.settings) as record:
            subject = targets.subject_of(shared.settings, record, image)
            starter = _starter(shared, record, policy)
            judged = judge(
                record, subject, policy, environment=named, at=shared.now(), starter=starter
            )
            if starter is not None:
                _say_who_works(shared, record, judged)
    present(shared, judged, presentation)


def _starter(shared: Context, record: Record, policy: Policy | None) -> Starting | None:
    """What starts a run of an image that was never seen, where the policy wants that."""
    if policy is None or policy.unseen is None:
        return None
    from supplychain.bootstrap.parts import actor
    from supplychain.bootstrap.starting import Starting

    # Whoever can write the record can submit runs to it; workers go where others may send them.
    settings = shared.settings.to_serve()
    return Starting(settings, record, actor(shared.settings), may_submit=True)


def _say_who_works(shared: Context, record: Record, judged: Judged) -> None:
    """Say what becomes of a run that was started, where nobody is there to do it."""
    from supplychain.model.decision import Verdict

    if judged.decision.verdict is not Verdict.PENDING:
        return
    if not record.runs.somebody_works(since=shared.now() - _SEEN):
        say(
            "the run waits, for no worker is at work on this record\n"
            "start one: supplychain worker; or look at the image here and now: "
            f"supplychain run {judged.decision.subject}"
        )


def _considered(
    shared: Context,
    image: str,
    policy: Policy | None,
    environment: str,
    at: str | None,
    presentation: Presentation,
    *,
    explain: bool,
) -> NoReturn:
    """Show the verdict as it is, was or will be, and record nothing."""
    from supplychain.bootstrap import parts, targets
    from supplychain.pipeline.judge import consider, standing

    instant = moment(at, shared.now()) if at is not None else shared.now()
    with parts.open_record(shared.settings) as record:
        subject = targets.subject_of(shared.settings, record, image)
        found = consider(record, subject, policy, environment=environment, at=instant)
        stands = standing(record, found.decision)
    if explain and presentation.output is OutputFormat.TEXT:
        from supplychain.cli.explanation import explain as explained

        told = explained(found.decision, found.dossier, policy, shared.paint, stands=stands)
        write("\n".join(told) + "\n", presentation.output_file)
        raise typer.Exit(exit_of_verdict(found.decision.verdict))
    present_considered(shared, found.decision, stands, presentation)


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
    from supplychain.gate.decision_document import from_document
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
        # What is said now, by the inputs of the recorded decision that says the same.
        inputs = from_document(judged.document).inputs
        claim = trust.summary(settings, replace(judged.decision, inputs=inputs))
        parts.pipeline(settings, record, progress).attest(target, sealing, claim)
    return judged
