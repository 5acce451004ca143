"""`supplychain waivers request|change|extend`: what somebody asks for."""

from __future__ import annotations

from datetime import datetime

from supplychain.cli import options
from supplychain.cli import waiver_options as given
from supplychain.cli.console import say
from supplychain.cli.context import Context, OutputFormat
from supplychain.cli.place import Works, place
from supplychain.cli.waiver_lines import present
from supplychain.errors import InputError
from supplychain.model.waiver import EndsWithFix, Waiver, WaiverChanges, WaiverScope


@options.command(options.RECORD, options.ACTOR, options.REGISTRY, works=Works.ANYWHERE)
def request(
    shared: Context,
    cve: given.Cve = None,
    rule: given.Rule = None,
    package: given.Package = None,
    versions: given.Versions = None,
    image: given.Image = None,
    repository: given.Repository = None,
    environment: given.Environments = None,
    expires: given.Expires = None,
    reason: options.Reason = "",
    owner: given.Owner = None,
    ticket: given.Ticket = None,
    ends_with_fix: given.EndsWithFix = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Ask that a risk be accepted for a while; somebody else has to approve it.

    It names a vulnerability, or a rule together with a package, an image or a
    repository. Without --versions it is for the versions that are on record.

    \b
    Examples:
      supplychain waivers request --cve CVE-2024-0727 --expires 14d \\
        --reason "nobody parses PKCS12"
      supplychain waivers request --rule sbom --repository registry.example/shop \\
        -e prod --expires 2027-01-31 --reason "see CHG-42" --ticket SEC-7
    """
    now = shared.now()
    if not expires:
        raise InputError("a waiver has to end", hint="--expires 14d, a date, or an instant")
    scope = WaiverScope(
        vulnerability=cve or "",
        rule=rule or "",
        package=package or "",
        versions=versions or "",
        repository=repository or "",
        environments=tuple(sorted(set(environment or ()))),
    )
    with place(shared, create=True) as asked:
        waiver = asked.waivers.request(
            scope,
            image=image,
            expires=expires,
            reason=reason,
            owner=owner,
            ticket=ticket or "",
            ends_with_fix=ends_with_fix or EndsWithFix.NEVER,
            at=now,
        )
    _told(shared, waiver, now, output)


@options.command(options.RECORD, options.ACTOR, works=Works.ANYWHERE)
def change(
    shared: Context,
    waiver: given.Waiver,
    versions: given.Versions = None,
    environment: given.Environments = None,
    expires: given.Expires = None,
    reason: options.Reason = "",
    owner: given.Owner = None,
    ticket: given.Ticket = None,
    ends_with_fix: given.EndsWithFix = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Ask for other terms; those that are approved hold until the new ones are.

    \b
    Examples:
      supplychain waivers change WV-17 -e prod -e staging --reason "there, too"
      supplychain waivers change WV-17 --versions "<2.2.9" --ticket SEC-8
    """
    now = shared.now()
    changes = WaiverChanges(
        versions=versions or "",
        environments=tuple(environment or ()),
        reason=reason,
        owner=owner or "",
        ticket=ticket or "",
        ends_with_fix=ends_with_fix,
    )
    with place(shared) as asked:
        made = asked.waivers.change(waiver, changes, expires=expires or "", at=now)
    _told(shared, made, now, output)


@options.command(options.RECORD, options.ACTOR, works=Works.ANYWHERE)
def extend(
    shared: Context,
    waiver: given.Waiver,
    expires: given.Expires = None,
    reason: options.Reason = "",
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Ask for more time; the old expiry holds until somebody else approves the new one.

    \b
    Examples:
      supplychain waivers extend WV-17 --expires 14d --reason "in review"
    """
    now = shared.now()
    if not expires:
        raise InputError("nobody says until when", hint="--expires 14d, a date, or an instant")
    with place(shared) as asked:
        made = asked.waivers.extend(waiver, expires=expires, reason=reason, at=now)
    _told(shared, made, now, output)


def _told(shared: Context, made: Waiver, now: datetime, output: OutputFormat) -> None:
    present(shared, made, now, output)
    say(f"it counts once it is approved: supplychain waivers approve {made.name}")
