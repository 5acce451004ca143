"""`supplychain feeds`: which vulnerabilities are exploited, and how likely the others will be."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from supplychain.cli import options
from supplychain.cli.console import printable, say
from supplychain.cli.context import Context, OutputFormat, rfc3339, write, write_json
from supplychain.cli.times import ago
from supplychain.errors import InputError
from supplychain.model.exploitation import ExploitChance, FeedEdition, FeedKind, KnownExploit

if TYPE_CHECKING:
    from supplychain.model.digest import Digest

app = typer.Typer(help="Care for the feeds about exploits: EPSS, KEV.", no_args_is_help=True)
_NAMES = {FeedKind.EPSS: "EPSS", FeedKind.KEV: "KEV"}
_KIND = typer.Argument(metavar="epss|kev", help="which feed", show_default=False)


@app.callback()
def _group() -> None:
    """Care for the feeds about exploits: EPSS, KEV."""


@app.command("import")
@options.command(options.RECORD)
def import_(
    shared: Context,
    kind: Annotated[FeedKind, _KIND],
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="the file as its makers publish it, or its URL",
            show_default=False,
        ),
    ],
    sha256: Annotated[
        str | None,
        typer.Option(
            "--sha256", metavar="HEX", help="refuse any other bytes than these", show_default=False
        ),
    ] = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Check an edition of a feed and record it; of all editions the latest counts.

    \b
    Examples:
      supplychain feeds import epss epss_scores-2026-11-25.csv.gz
      supplychain feeds import kev known_exploited_vulnerabilities.json
      supplychain feeds import kev https://mirror.example/kev.json
    """
    from supplychain.bootstrap import feeds, parts

    now = shared.now()
    with parts.open_record(shared.settings, create=True) as record:
        edition = feeds.import_feed(
            shared.settings, record, kind, source, expected=_digest(sha256), at=now
        )
        current = record.feeds.current(kind, at=now)
    if edition.digest != current.digest:
        say(f"warning: it does not count: the edition of {_day(current)} is newer")
    _show((edition,), {current.digest}, shared, output)


@app.command("list")
@options.command(options.RECORD)
def list_(shared: Context, output: options.Output = OutputFormat.TEXT) -> None:
    """List the editions on record, the latest of each feed first.

    \b
    Examples:
      supplychain feeds list
      supplychain feeds list --output json
    """
    from supplychain.bootstrap import parts

    with parts.open_record(shared.settings) as record:
        found = record.feeds.editions(at=shared.now())
    current = {kind: e.digest for kind in FeedKind for e in reversed(found) if e.kind is kind}
    _show(found, set(current.values()), shared, output)


@app.command()
@options.command(options.RECORD)
def show(
    shared: Context,
    kind: Annotated[FeedKind, _KIND],
    vulnerability: Annotated[
        str | None,
        typer.Argument(metavar="[CVE]", help="what it says of this one, too", show_default=False),
    ] = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Show the edition of a feed that counts, and what it says of a vulnerability.

    \b
    Examples:
      supplychain feeds show kev
      supplychain feeds show epss CVE-2021-44228 --output json
    """
    from supplychain.bootstrap import parts

    now = shared.now()
    with parts.open_record(shared.settings) as record:
        edition = record.feeds.current(kind, at=now)
        said = record.feeds.look_up(edition, vulnerability) if vulnerability else None
    if output is OutputFormat.JSON:
        about = {"says": _said(said)} if vulnerability else {}
        write_json({**_document(edition, current=True), **about})
        return
    write(_line(edition, now, current=True))
    if vulnerability:
        write(f"{printable(vulnerability)}: {_words(said, edition)}\n")


def _digest(sha256: str | None) -> Digest | None:
    from supplychain.model.digest import Digest

    if sha256 is None:
        return None
    try:
        return Digest.parse(f"sha256:{sha256.removeprefix('sha256:')}")
    except InputError as error:
        raise InputError(f"--sha256 {sha256[:80]!r} is no SHA-256", hint="64 hex digits") from error


def _show(
    editions: tuple[FeedEdition, ...], current: set[Digest], shared: Context, output: OutputFormat
) -> None:
    if output is OutputFormat.JSON:
        listed = [_document(e, current=e.digest in current) for e in editions]
        write_json({"editions": listed})
        return
    for edition in editions:
        write(_line(edition, shared.now(), current=edition.digest in current))


def _line(edition: FeedEdition, now: datetime, *, current: bool) -> str:
    name = f"{_NAMES[edition.kind]} {edition.version} of {_day(edition)}"
    age = ago(edition.published_at, now)
    place = "counts" if current else "superseded"
    return (
        printable(f"{name}, {age}: {edition.entries:,} vulnerabilities, {place}  {edition.digest}")
        + "\n"
    )


def _day(edition: FeedEdition) -> str:
    return edition.published_at.date().isoformat()


def _document(edition: FeedEdition, *, current: bool) -> dict[str, object]:
    return {
        "feed": edition.kind.value,
        "version": edition.version,
        "published_at": rfc3339(edition.published_at),
        "digest": str(edition.digest),
        "entries": edition.entries,
        "source": edition.source,
        "recorded_at": rfc3339(edition.recorded_at),
        "counts": current,
    }


def _said(said: ExploitChance | KnownExploit | None) -> dict[str, object] | None:
    if said is None:
        return None
    values = dataclasses.asdict(said).items()
    return {n: v.isoformat() if isinstance(v, date) else v for n, v in values}


def _words(said: ExploitChance | KnownExploit | None, edition: FeedEdition) -> str:
    if said is None:
        return f"{_NAMES[edition.kind]} does not know it"
    if isinstance(said, ExploitChance):
        return f"score {said.score:.5g}, higher than {said.percentile:.2%} of all"
    due = f", due {said.due_on}" if said.due_on else ""
    ransomware = ", used by ransomware" if said.ransomware else ""
    return f"known to be exploited, listed since {said.added_on}{due}{ransomware}"
