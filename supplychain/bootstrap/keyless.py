"""Who signs without a key: the identity, and the services that vouch for it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.errors import ConfigurationError
from supplychain.settings import Settings

if TYPE_CHECKING:
    from supplychain.signing.keyless.services import Instance
    from supplychain.signing.keyless.signer import KeylessSigner
    from supplychain.signing.keyless.tokens import Identify
    from supplychain.signing.keyless.witnesses import Witnesses

PUBLIC = "public"
_LIMIT = 4 * 1024 * 1024


def wants_keyless(settings: Settings) -> bool:
    """Whether to sign as an identity; a key that is named on the command line goes before.

    Raises:
        ConfigurationError: A key and an identity are both asked for, or `keyless` is no switch.
    """
    wanted, asked = settings.switch("keyless"), settings.value("keyless").origin == "flag"
    if not wanted or settings.value("key").origin != "flag":
        return wanted
    if asked:
        raise ConfigurationError(
            "--key and --keyless were both given",
            because="a signature is made with one of them",
            hint="run the command twice to have both",
        )
    return False


def keyless_signer(settings: Settings) -> KeylessSigner:
    """The signer that the settings describe; nobody is asked for anything yet.

    Raises:
        ConfigurationError: They do not say which services, or these cannot be used.
        NotFoundError: A file is not there.
        SigstoreError: The public instance does not say where its services are.
    """
    config, root = _files(settings)
    # Only now: the library takes long to load.
    from supplychain.signing.keyless.signer import KeylessSigner

    instance = _instance(config, root)
    return KeylessSigner(instance, _identify(settings, instance))


def described(settings: Settings) -> str:
    """With which services an identity would sign, for people; uses no network.

    Raises:
        ConfigurationError: As `keyless_signer`.
        NotFoundError: A file is not there.
    """
    config, root = _files(settings)
    if config == PUBLIC:
        return "no key: an identity, with the public Sigstore"
    _instance(config, root)
    return f"no key: an identity, with the services in {config}"


def witnesses(settings: Settings) -> Witnesses:
    """The log and the clocks that the settings describe, for what a key signs.

    Raises:
        ConfigurationError: They do not say which services, or these cannot be used.
        NotFoundError: A file is not there.
        SigstoreError: The public instance does not say where its services are.
    """
    config, root = _files(settings)
    from supplychain.signing.keyless.witnesses import Witnesses

    return Witnesses(_instance(config, root))


def _files(settings: Settings) -> tuple[str, str | None]:
    """The signing config, or the word for the public services, and the trusted root."""
    config, root = settings.text("signing_config"), settings.text("trusted_root")
    if config is None:
        raise ConfigurationError(
            "there is no service to sign with",
            because="without it nobody knows which Sigstore, and signing_config is not set",
            hint="--signing-config FILE --trusted-root FILE for a private one; "
            f"--signing-config {PUBLIC} for the public one, whose log everybody can read for ever",
        )
    if root is None and config != PUBLIC:
        raise ConfigurationError(
            "there is no trusted root for these services",
            because=f"signing_config is {config}, and trusted_root is not set",
            hint="--trusted-root FILE",
        )
    return config, root


def _instance(config: str, root: str | None) -> Instance:
    from supplychain.bootstrap.trust import read_document
    from supplychain.signing.keyless.services import Instance

    known = None
    if root is not None:
        known = read_document(Path(root), "trusted root", limit=_LIMIT)
    if known is None or config == PUBLIC:
        return Instance.public(known)
    return Instance.parse(known, read_document(Path(config), "signing config", limit=_LIMIT))


def _identify(settings: Settings, instance: Instance) -> Identify:
    """A token that was given, else what the surroundings give, else a person at a terminal."""
    from supplychain.signing.keyless import tokens

    given = settings.value("identity_token")
    if given.text is not None:
        if given.origin == "flag":
            # The flag names a file: whoever lists processes would see a token.
            return tokens.from_file(Path(given.text))
        return tokens.from_text(given.text, given.origin)
    somebody = sys.stdin.isatty() and sys.stderr.isatty()
    issuer = instance.issuer
    return tokens.ambient(tokens.browser(issuer) if somebody and issuer else None)
