"""`run`: the whole way of an image, from bytes to a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from supplychain.cli import options
from supplychain.cli.console import say
from supplychain.cli.context import Context, OutputFormat
from supplychain.cli.judgement import Presentation, environment_of, present
from supplychain.cli.place import Works, server
from supplychain.cli.run_lines import event_line
from supplychain.errors import ConflictError, InputError
from supplychain.model.runs import Priority, RunRequest, RunState

if TYPE_CHECKING:
    from supplychain.gate.policy import Policy
    from supplychain.pipeline.progress import Progress
    from supplychain.pipeline.seal import Sealing
    from supplychain.pipeline.target import Target
    from supplychain.records.record import Record
    from supplychain.records.run import RunRecord


@options.command(
    options.RECORD,
    options.SIGNING,
    options.SCANNING,
    options.REGISTRY,
    works=Works.ANYWHERE,
)
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
    hand_in: Annotated[
        bool,
        typer.Option(
            "--hand-in",
            help="with a server: do it here, with the keys that are here, and hand in what comes",
            show_default=False,
        ),
    ] = False,
    everything: options.Everything = False,
    output: options.Output = OutputFormat.TEXT,
    output_file: options.OutputFile = None,
) -> None:
    """Take an image the whole way: verify, scan, describe, sign, record, judge.

    Exits with 0 for allow, 10 for deny, 11 for pending, 1 for a fault and 2 for
    wrong usage. Where a server is named, its workers do it, with their own keys,
    and its gate is asked in the end: then SOURCE lies in a registry.

    With --hand-in it is done here and handed in, and nothing is kept here: a
    server believes signatures by its policies, and scans where they take the
    word of its caller.

    \b
    Examples:
      supplychain run registry.example/shop:1.4 -e prod --key release.key
      supplychain run oci:build/shop --environment prod --key release.key
      supplychain run docker-daemon:shop:1.4 -e staging --no-sign -o json
      supplychain --server https://supplychain.example run shop:1.4 -e prod
      supplychain --server … run oci:shop -e prod --hand-in --key release.key
    """
    named = environment_of(shared, environment)
    presentation = Presentation(output, output_file, everything)
    asked = RunRequest(source, platform or "", named, sign, Priority.GATE)
    if hand_in:
        _refuse(policy=policy_file)
        _handed_in(shared, asked, layout, presentation)
    elif shared.settings.text("server"):
        _refuse(policy=policy_file, layout=layout)
        _there(shared, asked, presentation)
    else:
        _here(shared, asked, policy_file, layout, presentation)


def _refuse(*, policy: Path | None, layout: Path | None = None) -> None:
    if policy or layout:
        raise InputError(
            "a server goes by its own policies and keeps no layout of yours",
            hint="leave --policy and --layout out, or --server",
        )


def _here(
    shared: Context,
    asked: RunRequest,
    policy_file: Path | None,
    layout: Path | None,
    presentation: Presentation,
) -> None:
    """Do it here, keep it here, and judge."""
    from supplychain.bootstrap import parts, trust

    settings, named = shared.settings, asked.environment
    # Read before any work is done, so that a broken policy or a wrong password costs no scan.
    policy = trust.policy_of(settings, named, policy_file)
    sealing = trust.sealing(settings, policy, sign=asked.sign, ask=shared.ask)
    from supplychain.pipeline.judge import judge

    with (
        shared.progress(presentation.output) as progress,
        parts.open_record(settings, create=True) as record,
        _done(shared, asked, policy, sealing, layout, record, progress) as (target, _),
    ):
        judged = judge(record, target.image.subject, policy, environment=named, at=shared.now())
    present(shared, judged, presentation)


def _handed_in(
    shared: Context, asked: RunRequest, layout: Path | None, presentation: Presentation
) -> None:
    """Do it here, have a server keep it, and ask its gate."""
    from supplychain.bootstrap import trust

    with ExitStack() as open_:
        there = open_.enter_context(server(shared))
        sealing = trust.sealing(shared.settings, None, sign=asked.sign, ask=shared.ask)
        progress = open_.enter_context(shared.progress(presentation.output))
        done = _done(shared, asked, None, sealing, layout, None, progress)
        target, run = open_.enter_context(done)
        there.handing_in.all(
            target.image, run, asked.environment, platform=asked.platform, progress=progress
        )
        image = str(target.image.subject.digest)
        judged = there.gates.judge([image], asked.environment, None, at=shared.now())
    present(shared, judged[0], presentation)


@contextmanager
def _done(
    shared: Context,
    asked: RunRequest,
    policy: Policy | None,
    sealing: Sealing,
    layout: Path | None,
    record: Record | None,
    progress: Progress,
) -> Iterator[tuple[Target, RunRecord]]:
    """The image, and what was found out about it, done here."""
    from supplychain.bootstrap import parts, targets
    from supplychain.pipeline.provenance import Purpose

    settings, platform = shared.settings, asked.platform or None
    purpose = Purpose(asked.environment, policy.digest if policy else None)
    with targets.target(settings, asked.reference, platform=platform, layout=layout) as target:
        pipeline = parts.pipeline(settings, record, progress)
        run = pipeline.run(target, parts.examiner(settings, progress), sealing, purpose)
        yield target, run


def _there(shared: Context, request: RunRequest, presentation: Presentation) -> None:
    """Have the workers of a server do it, tell how it goes, and ask its gate in the end."""
    with server(shared) as there:
        run = there.runs.submit(request, key=None, at=shared.now())
        for event in there.runs.follow(run.id, 0):
            if not shared.quiet:
                say(event_line(event))
        done = there.runs.get(run.id)
        if done.state is not RunState.SUCCEEDED or done.digest is None:
            told = done.error or {}
            raise ConflictError(
                f"run {run.id} is {done.state}, and nothing was judged",
                because=str(told.get("message") or "") or None,
                hint=f"supplychain runs show {run.id}",
            )
        name = there.images.get(str(done.digest), at=shared.now()).names[0]
        judged = there.gates.judge(
            [f"{name}@{done.digest}"], request.environment, None, at=shared.now()
        )
    present(shared, judged[0], presentation)
