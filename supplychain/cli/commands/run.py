"""`run`: the whole way of an image, from bytes to a verdict."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer

from supplychain.cli import options
from supplychain.cli.console import say
from supplychain.cli.context import Context, OutputFormat
from supplychain.cli.judgement import Presentation, environment_of, present
from supplychain.cli.place import place
from supplychain.cli.run_lines import event_line
from supplychain.errors import ConflictError, InputError
from supplychain.model.runs import Priority, RunRequest, RunState


@options.command(
    options.RECORD,
    options.SIGNING,
    options.SCANNING,
    options.REGISTRY,
    works=options.Works.ANYWHERE,
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
    everything: options.Everything = False,
    output: options.Output = OutputFormat.TEXT,
    output_file: options.OutputFile = None,
) -> None:
    """Take an image the whole way: verify, scan, describe, sign, record, judge.

    Exits with 0 for allow, 10 for deny, 11 for pending, 1 for a fault and 2 for
    wrong usage. Where a server is named, its workers do it, with their own keys,
    and its gate is asked in the end: then SOURCE lies in a registry.

    \b
    Examples:
      supplychain run registry.example/shop:1.4 -e prod --key release.key
      supplychain run oci:build/shop --environment prod --key release.key
      supplychain run docker-daemon:shop:1.4 -e staging --no-sign -o json
      supplychain --server https://supplychain.example run shop:1.4 -e prod
    """
    from supplychain.bootstrap import parts, targets, trust

    settings = shared.settings
    named = environment_of(shared, environment)
    presentation = Presentation(output, output_file, everything)
    if settings.text("server"):
        if policy_file or layout:
            raise InputError(
                "a server goes by its own policies and keeps no layout of yours",
                hint="leave --policy and --layout out, or --server",
            )
        asked = RunRequest(source, platform or "", named, sign, Priority.GATE)
        _there(shared, asked, presentation)
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
    present(shared, judged, presentation)


def _there(shared: Context, request: RunRequest, presentation: Presentation) -> NoReturn:
    """Have the workers of a server do it, tell how it goes, and ask its gate in the end."""
    with place(shared) as server:
        run = server.runs.submit(request, key=None, at=shared.now())
        for event in server.runs.follow(run.id, 0):
            if not shared.quiet:
                say(event_line(event))
        done = server.runs.get(run.id)
        if done.state is not RunState.SUCCEEDED or done.digest is None:
            told = done.error or {}
            raise ConflictError(
                f"run {run.id} is {done.state}, and nothing was judged",
                because=str(told.get("message") or "") or None,
                hint=f"supplychain runs show {run.id}",
            )
        name = server.images.get(str(done.digest), at=shared.now()).names[0]
        judged = server.gates.judge(
            [f"{name}@{done.digest}"], request.environment, None, at=shared.now()
        )
    present(shared, judged[0], presentation)
