"""`supplychain waivers approve|reject|revoke`: what others say to what is asked for."""

from __future__ import annotations

from typing import Annotated

import typer

from supplychain.cli import options
from supplychain.cli import waiver_options as given
from supplychain.cli.console import printable, say
from supplychain.cli.context import Context, OutputFormat
from supplychain.cli.place import Works, place
from supplychain.cli.waiver_lines import present
from supplychain.model.digest import Digest

_Request = Annotated[
    str | None,
    typer.Option(
        "--request",
        metavar="DIGEST",
        help="only if it still asks for exactly this, as `waivers show` has it",
        show_default=False,
    ),
]


@options.command(options.RECORD, options.ACTOR, works=Works.ANYWHERE)
def approve(
    shared: Context,
    waiver: given.Waiver,
    request: _Request = None,
    reason: options.Reason = "",
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Accept the risk: from now on it counts, where a policy lets you approve.

    Who asked for it cannot approve it. Whether your word counts is judged again
    at each decision, by the policy of the environment.

    \b
    Examples:
      supplychain waivers approve WV-17
      supplychain waivers approve WV-17 --request sha256:…
    """
    now, document = shared.now(), Digest.parse(request) if request else None
    with place(shared) as asked:
        made, counts = asked.waivers.approve(waiver, reason=reason, request=document, at=now)
    present(shared, made, now, output)
    say(f"the approval of {printable(made.approved_by)} counts in {', '.join(counts)}")


@options.command(options.RECORD, options.ACTOR, works=Works.ANYWHERE)
def reject(
    shared: Context,
    waiver: given.Waiver,
    reason: options.Reason = "",
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Turn down what is asked for; what was approved before goes on to hold.

    \b
    Examples:
      supplychain waivers reject WV-17 --reason "the upgrade is small"
    """
    now = shared.now()
    with place(shared) as asked:
        made = asked.waivers.reject(waiver, reason=reason, at=now)
    present(shared, made, now, output)


@options.command(options.RECORD, options.ACTOR, works=Works.ANYWHERE)
def revoke(
    shared: Context,
    waiver: given.Waiver,
    reason: options.Reason = "",
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """End a waiver at once, and whatever is asked for beside it.

    \b
    Examples:
      supplychain waivers revoke WV-17 --reason "an exploit is about"
    """
    now = shared.now()
    with place(shared) as asked:
        made = asked.waivers.revoke(waiver, reason=reason, at=now)
    present(shared, made, now, output)
