"""`verify --policy`: what is attached to an image, judged, for people and as data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NoReturn

import typer

from supplychain.bootstrap.believed import Believed
from supplychain.cli import statements
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.failures import exit_of_verdict
from supplychain.cli.verdict import lines
from supplychain.errors import InputError


def require_alone(whom: Believed, predicate_type: str | None) -> None:
    """Refuse a policy beside what it says itself.

    Raises:
        InputError: Something else says whose word counts, or for what.
    """
    if whom != Believed() or predicate_type is not None:
        raise InputError(
            "--policy stands beside other demands",
            because="the policy says itself whose word counts, and for what",
            hint="put them into the policy: docs/policy.md",
        )


def judge(
    shared: Context,
    source: str,
    policy_file: Path,
    platform: str | None,
    output: OutputFormat,
    *,
    everything: bool,
) -> NoReturn:
    """Judge what is attached to an image by a policy, show that, and exit with its code.

    Args:
        shared: The call.
        source: The image.
        policy_file: The policy.
        platform: Of an index, only this one; None for all.
        output: The form of the result.
        everything: Show every violation.
    """
    from supplychain.bootstrap import targets, trust
    from supplychain.gate.decision_document import to_document
    from supplychain.model.digest import Digest
    from supplychain.pipeline.inspection import inspect

    policy = trust.load_policy(policy_file)
    trusted = trust.policy_trust(shared.settings, policy)
    with targets.target(shared.settings, source, platform=platform) as target:
        found = inspect(target, policy, trusted, at=shared.now())
    document = to_document(found.decision)
    if output is OutputFormat.JSON:
        shown = statements.as_data(found.verified, found.rejected)
        write_json({**json.loads(document), **shown})
    else:
        text = lines(
            found.decision,
            Digest.of(document),
            shared.paint,
            now=shared.now(),
            everything=everything,
        )
        write("\n".join(text) + "\n")
        statements.show(found.verified, output, found.rejected)
    raise typer.Exit(exit_of_verdict(found.decision.verdict))
