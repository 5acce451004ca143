"""`gate`: ask the record, and nothing else."""

from __future__ import annotations

from dataclasses import replace
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
    present_all,
    present_considered,
)
from supplychain.cli.place import Works, place, require_here
from supplychain.cli.times import moment
from supplychain.errors import InputError
from supplychain.model.decision import Decision, Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from supplychain.bootstrap.here import Here
    from supplychain.client.there import There
    from supplychain.pipeline.judge import Judged


@options.command(options.RECORD, options.SIGNING, options.REGISTRY, works=Works.ANYWHERE)
def gate(
    shared: Context,
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGES",
            help="recorded image: a digest, name@digest, a reference, or a SOURCE; or several",
            show_default=False,
        ),
    ],
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

    Nothing is scanned, and no network is used but to resolve a tag, to ask a
    server, or to attach the verdict where --attest asks for that. Exits with 0
    for allow, 10 for deny, 11 for pending, 1 for a fault and 2 for wrong usage;
    of several images with what is worst.

    Asked again while nothing changed, it answers with the recorded decision. With
    --at or --explain it records nothing. Where the policy says `unseen`, asking
    about an image that was never seen has workers look at it, and is pending
    until then.

    \b
    Examples:
      supplychain gate registry.example/shop@sha256:1f3c… --environment prod
      supplychain gate registry.example/shop:1.4 -e prod --output json
      supplychain gate registry.example/shop:1.4 -e prod --explain
      supplychain gate registry.example/shop:1.4 -e prod --at 2026-11-24
      supplychain gate registry.example/shop:1.4 -e prod --attest --key k.key
      supplychain --server https://supplychain.example gate shop:1.4 -e prod
    """
    named = environment_of(shared, environment)
    presentation = Presentation(output, output_file, everything)
    if at is not None or explain:
        if attest:
            raise InputError(
                "what is only considered is not attested", hint="leave --attest out, or the others"
            )
        image = _only(shared, images, "--at" if at is not None else "--explain")
        _considered(shared, image, policy_file, named, at, presentation, explain=explain)
    if attest:
        image = _only(shared, images, "--attest")
        attested = _attested(shared, image, policy_file, named, layout=layout, output=output)
        present(shared, attested, presentation)
    with place(shared) as asked:
        judged = asked.gates.judge(images, named, policy_file, at=shared.now())
        _say_who_works(shared, asked, [decision for decision, _, _ in judged])
    present_all(shared, judged, presentation)


def _only(shared: Context, images: list[str], what: str) -> str:
    """The one image that is meant, where an option is about one in the record here."""
    require_here(shared, what)
    if len(images) != 1:
        raise InputError(f"{what} is about one image", hint="name each in a command of its own")
    return images[0]


def _say_who_works(shared: Context, asked: Here | There, judged: list[Decision]) -> None:
    """Say what becomes of a run that was started, where nobody is there to do it."""
    waiting = [one.subject for one in judged if one.verdict is Verdict.PENDING]
    if waiting and asked.gates.unattended(at=shared.now()):
        say(
            "the run waits, for no worker is at work on this record\n"
            "start one: supplychain worker; or look at the image here and now: "
            f"supplychain run {waiting[0]}"
        )


def _considered(
    shared: Context,
    image: str,
    policy_file: Path | None,
    environment: str,
    at: str | None,
    presentation: Presentation,
    *,
    explain: bool,
) -> NoReturn:
    """Show the verdict as it is, was or will be, and record nothing."""
    from supplychain.bootstrap import parts, targets, trust
    from supplychain.pipeline.judge import consider, standing

    policy = trust.policy_of(shared.settings, environment, policy_file)
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
    policy_file: Path | None,
    environment: str,
    *,
    layout: options.Layout,
    output: OutputFormat,
) -> Judged:
    """The verdict, once it lies beside the image: what cannot be attested is not told either."""
    from supplychain.bootstrap import parts, targets, trust
    from supplychain.gate.decision_document import from_document
    from supplychain.pipeline.judge import judge

    settings = shared.settings
    policy = trust.policy_of(settings, environment, policy_file)
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
