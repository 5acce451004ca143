"""`supplychain keys`: make, import and look at keys that cosign can use too."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from supplychain.cli import options
from supplychain.cli.console import say
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.key_lines import Rotation, key_document, key_lines
from supplychain.errors import ConfigurationError

if TYPE_CHECKING:
    from supplychain.signing.signer import PublicKey

app = typer.Typer(help="Make and keep signing keys.", no_args_is_help=True)


Prefix = Annotated[
    Path,
    typer.Option(
        "--output-key-prefix", metavar="PREFIX", help="path of both files, without their endings"
    ),
]
Force = Annotated[bool, typer.Option("--force", help="replace files that are there")]


@app.callback()
def _group() -> None:
    """Make and keep signing keys."""


@app.command()
@options.command()
def generate(
    shared: Context,
    prefix: Prefix = Path("supplychain"),
    kms: Annotated[
        str | None,
        typer.Option(
            "--kms",
            metavar="KEY",
            help="make the key there, and PREFIX.pub alone here: hashivault://KEY, openbao://KEY, "
            "awskms:///alias/NAME",
            show_default=False,
        ),
    ] = None,
    force: Force = False,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Make a key pair: PREFIX.key, encrypted in cosign's own format, and PREFIX.pub.

    The password comes from SUPPLYCHAIN_KEY_PASSWORD, COSIGN_PASSWORD, or the file
    that SUPPLYCHAIN_KEY_PASSWORD_FILE names; on a terminal it is asked for.

    \b
    Examples:
      supplychain keys generate
      supplychain keys generate --output-key-prefix release
      supplychain keys generate --kms openbao://ci --output-key-prefix ci
    """
    if kms is not None:
        _create_elsewhere(shared, kms, prefix, force=force, output=output)
        return
    from supplychain.signing.keys.keyfile import generate

    _write(shared, prefix, generate, force=force, output=output)


@app.command("import")
@options.command()
def import_(
    shared: Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="private key: PEM, or cosign's format", show_default=False
        ),
    ],
    prefix: Prefix = Path("supplychain"),
    force: Force = False,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Put an ECDSA P-256 key that you have into a key pair: PREFIX.key and PREFIX.pub.

    FILE is PEM (PKCS#8 or SEC 1) or a key file of cosign's, and stays as it is.
    Passwords, of FILE too, come from where `keys generate` takes them.

    \b
    Examples:
      supplychain keys import ci-signing.pem --output-key-prefix release
    """
    from supplychain.bootstrap import keys, trust
    from supplychain.signing.keys.importing import reencrypt

    data = trust.read_document(file, "private key")
    old = keys.access(shared.settings, str(file), shared.ask).password
    _write(
        shared,
        prefix,
        lambda password: reencrypt(data, str(file), old, password),
        force=force,
        output=output,
    )


@app.command()
@options.command(options.KEY)
def public(shared: Context, output: options.Output = OutputFormat.TEXT) -> None:
    """Print the public half of a signing key, PEM: what policies need of it.

    \b
    Examples:
      supplychain keys public --key hashivault://release > release.pub
      supplychain keys public --key release.key
    """
    from supplychain.bootstrap import keys

    key = keys.signer(shared.settings, shared.ask).public_key
    if output is OutputFormat.JSON:
        write_json({"public_key": key.pem().decode(), "fingerprint": key.fingerprint})
        return
    sys.stdout.write(key.pem().decode())


@app.command()
@options.command(options.KEY)
def rotate(
    shared: Context,
    prefix: Annotated[
        Path | None,
        typer.Option(
            "--output-key-prefix",
            metavar="PREFIX",
            help="path of both new files; else the old one's and today's date",
            show_default=False,
        ),
    ] = None,
    overlap: Annotated[
        str,
        typer.Option(metavar="DURATION", help="how long the old key's new signatures count"),
    ] = "7d",
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Make a key pair beside the one in use, and print what to change in the policies.

    The old pair stays as it is. What it signed until its window ends goes on to
    count; nothing is changed but the two new files.

    \b
    Examples:
      supplychain keys rotate --key release.key
      supplychain keys rotate --key release.key --overlap 30d
    """
    from supplychain.bootstrap import key_ring, keys
    from supplychain.gate.durations import parse_duration
    from supplychain.signing.keys import pair

    old = key_ring.key_file(shared.settings)
    now = shared.now().replace(microsecond=0)
    until = now + parse_duration(overlap)
    uses = key_ring.policy_uses(shared.settings)
    known = key_ring.public_key_beside(str(old))
    replaced = known or keys.signer(shared.settings, shared.ask).public_key
    stem = prefix or old.with_name(f"{old.stem}-{now:%Y-%m-%d}")
    private, public = (stem.with_name(stem.name + ending) for ending in (".key", ".pub"))
    key = pair.create(private, public, lambda: _new_password(shared))
    used = [use for use in uses if use.key.fingerprint == replaced.fingerprint]
    rotation = Rotation(private, public, key, replaced, until, tuple(used))
    if output is OutputFormat.JSON:
        write_json(rotation.document())
        return
    say(f"wrote {private} (keep it secret) and {public}")
    write("".join(f"{line}\n" for line in rotation.lines()))


@app.command("list")
@options.command(options.KEY)
def list_(shared: Context, output: options.Output = OutputFormat.TEXT) -> None:
    """List the keys that the settings and the policies name, and where each is used.

    \b
    Examples:
      supplychain keys list
      supplychain keys list --output json
    """
    from supplychain.bootstrap import key_ring

    known = key_ring.known_keys(shared.settings)
    if output is OutputFormat.JSON:
        write_json({"keys": [key_document(key) for key in known]})
        return
    if not known:
        say("no setting and no policy names a key; try: supplychain keys generate")
    write("".join(f"{line}\n" for key in known for line in key_lines(key)))


def _create_elsewhere(
    shared: Context, kms: str, prefix: Path, *, force: bool, output: OutputFormat
) -> None:
    from supplychain.bootstrap import keys
    from supplychain.signing.keys import pair

    path = prefix.with_name(f"{prefix.name}.pub")
    key = pair.create_public(
        path, lambda: keys.create_key(shared.settings, kms, shared.ask), force=force
    )
    _tell(kms, path, key, f"made {kms} and wrote {path}", output)


def _write(
    shared: Context,
    prefix: Path,
    make: Callable[[bytes], tuple[bytes, PublicKey]],
    *,
    force: bool,
    output: OutputFormat,
) -> None:
    from supplychain.signing.keys import pair

    private, public = (prefix.with_name(prefix.name + ending) for ending in (".key", ".pub"))
    key = pair.create(private, public, lambda: _new_password(shared), force=force, make=make)
    told = f"wrote {private} (keep it secret) and {public}"
    _tell(str(private), public, key, told, output)


def _tell(private: str, public: Path, key: PublicKey, told: str, output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        write_json(
            {"private_key": private, "public_key": str(public), "fingerprint": key.fingerprint}
        )
        return
    say(told)
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
