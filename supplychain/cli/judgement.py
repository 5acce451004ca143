"""From a question about an environment to its answer: what `run` and `gate` share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import typer

from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.failures import exit_of_verdict
from supplychain.cli.verdict import lines
from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.model.decision import Decision, Verdict
from supplychain.model.digest import Digest

_WORST_FIRST = (Verdict.DENY, Verdict.PENDING, Verdict.ALLOW)


@dataclass(frozen=True, slots=True)
class Presentation:
    """How somebody wants to see a decision."""

    output: OutputFormat
    output_file: Path | None
    everything: bool


def environment_of(shared: Context, given: str | None) -> str:
    """The environment that is asked about.

    Raises:
        InputError: Nobody named one; without it there is no verdict, and no exit code for allow.
    """
    named = given or shared.settings.text("environment")
    if not named:
        raise InputError(
            "no environment was given",
            because="a verdict is always about an environment, with a policy of its own",
            hint="name it: --environment prod",
        )
    return check_environment(named)


def check_environment(name: str) -> str:
    """The name, if a policy can have it: it names a file, and stands in the verdict.

    Raises:
        InputError: No policy can.
    """
    from supplychain.gate.options import ENVIRONMENT

    return str(ENVIRONMENT.parse(name))


def present(
    shared: Context, judged: tuple[Decision, bytes, Digest], presentation: Presentation
) -> NoReturn:
    """Show a decision and exit with its code."""
    decision, document, identity = judged
    if presentation.output is OutputFormat.JSON:
        write(document, presentation.output_file)
    else:
        _tell(shared, decision, identity, shared.now(), presentation)
    raise typer.Exit(exit_of_verdict(decision.verdict))


def present_all(
    shared: Context,
    judged: Sequence[tuple[Decision, bytes, Digest]],
    presentation: Presentation,
) -> NoReturn:
    """Show decisions and exit with the code of the worst; one alone is shown as `present` does."""
    if len(judged) == 1:
        present(shared, judged[0], presentation)
    if presentation.output is OutputFormat.JSON:
        documents = [json.loads(document) for _, document, _ in judged]
        write_json({"decisions": documents}, presentation.output_file)
    else:
        now, all_ = shared.now(), presentation.everything
        told = [
            "\n".join(lines(one, identity, shared.paint, now=now, everything=all_))
            for one, _, identity in judged
        ]
        write("\n\n".join(told) + "\n", presentation.output_file)
    found = {decision.verdict for decision, _, _ in judged}
    worst = next(verdict for verdict in _WORST_FIRST if verdict in found)
    raise typer.Exit(exit_of_verdict(worst))


def present_considered(
    shared: Context, decision: Decision, stands: Digest | None, presentation: Presentation
) -> NoReturn:
    """Show a decision that nobody recorded, as of its own instant, and exit with its code.

    Args:
        shared: What the command was called with.
        decision: The decision.
        stands: The recorded one that says the same and holds at that instant; None for none.
        presentation: How somebody wants to see it.
    """
    from supplychain.gate.decision_document import to_document

    if presentation.output is OutputFormat.JSON:
        write(to_document(decision), presentation.output_file)
    else:
        _tell(shared, decision, stands, decision.decided_at, presentation)
    raise typer.Exit(exit_of_verdict(decision.verdict))


def _tell(
    shared: Context,
    decision: Decision,
    identity: Digest | None,
    now: datetime,
    presentation: Presentation,
) -> None:
    text = lines(decision, identity, shared.paint, now=now, everything=presentation.everything)
    write("\n".join(text) + "\n", presentation.output_file)
