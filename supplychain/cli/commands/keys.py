"""`supplychain keys`: make key pairs that cosign can use too."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from supplychain.cli import options
from supplychain.cli.console import say
from supplychain.cli.context import Context, OutputFormat, write_json
from supplychain.errors import ConfigurationError

app = typer.Typer(help="Make signing keys.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Make signing keys."""


@app.command()
@options.command()
def generate(
    shared: Context,
    prefix: Annotated[
        Path,
        typer.Option(
            "--output-key-prefix",
            metavar="PREFIX",
            help="path of both files, without their endings",
        ),
    ] = Path("supplychain"),
    force: Annotated[bool, typer.Option("--force", help="replace files that are there")] = False,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Make a key pair: PREFIX.key, encrypted in cosign's own format, and PREFIX.pub.

    The password comes from SUPPLYCHAIN_KEY_PASSWORD, COSIGN_PASSWORD, or the file
    that SUPPLYCHAIN_KEY_PASSWORD_FILE names; on a terminal it is asked for.

    \b
    Examples:
      supplychain keys generate
      supplychain keys generate --output-key-prefix release
    """
    from supplychain.signing import keyfile

    private, public = (prefix.with_name(prefix.name + ending) for ending in (".key", ".pub"))
    key = keyfile.create(private, public, lambda: _new_password(shared), force=force)
    if output is OutputFormat.JSON:
        write_json(
            {
                "private_key": str(private),
                "public_key": str(public),
                "fingerprint": key.fingerprint,
            }
        )
        return
    say(f"wrote {private} (keep it secret) and {public}")
    sys.stdout.write(f"{key.fingerprint}\n")


def _new_password(shared: Context) -> bytes:
    given = shared.settings.text("key_password")
    if given is not None:
        return given.encode()
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "there is no password for the new key",
            hint="put it into a file and name that in SUPPLYCHAIN_KEY_PASSWORD_FILE",
        )
    return str(typer.prompt("password", hide_input=True, confirmation_prompt=True)).encode()
