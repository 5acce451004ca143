"""Keys that the settings and the command line name, wherever they are kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from supplychain.bootstrap.looks import look_at
from supplychain.errors import ConfigurationError
from supplychain.settings import Settings, expanded

if TYPE_CHECKING:
    from supplychain.signing.keys.access import Access
    from supplychain.signing.signer import PublicKey, Signer
    from supplychain.signing.trust.keys import VerifyingKey

# Asks a person for a secret; gives None where nobody is there to answer.
Ask = Callable[[str], str | None]


def signer(settings: Settings, ask: Ask) -> Signer:
    """The signer that the settings name.

    A key file is decrypted while the caller goes on: a wrong password shows when it is first used.

    Raises:
        ConfigurationError: They name none.
        SupplyChainError: As `open_signer` of `supplychain.signing.keys.reference`.
    """
    reference = settings.text("key")
    if not reference:
        raise ConfigurationError(
            "there is no key to sign with",
            because="no --key was given and SUPPLYCHAIN_KEY is not set",
            hint="make one with `supplychain keys generate`; `run` can also do with --no-sign",
        )
    from supplychain.signing.keys.reference import open_signer

    file = expanded(reference)
    while True:
        # A secret that is mounted may be replaced between its key and its password.
        seen = look_at(file)
        found = open_signer(reference, access(settings, reference, ask))
        if look_at(file) == seen:
            return found


def public_keys(settings: Settings, references: list[str], ask: Ask) -> tuple[VerifyingKey, ...]:
    """Public keys by reference: PEM files, or keys wherever they are kept.

    Raises:
        SupplyChainError: As `open_public_key` of `supplychain.signing.keys.reference`.
    """
    if not references:
        return ()
    # Only now: whoever believes identities alone needs none of it.
    from supplychain.signing.keys.reference import open_public_key

    return tuple(open_public_key(r, access(settings, r, ask)) for r in references)


def create_key(settings: Settings, reference: str, ask: Ask) -> PublicKey:
    """Make a key in a service.

    Raises:
        SupplyChainError: As `create_key` of `supplychain.signing.keys.reference`.
    """
    from supplychain.signing.keys.reference import create_key as create

    return create(reference, access(settings, reference, ask))


def access(settings: Settings, reference: str, ask: Ask) -> Access:
    """What it takes to reach a key: the environment, and its password where it has one.

    Args:
        settings: All settings.
        reference: The key, for whoever is asked.
        ask: Asks for the password where no setting has it.
    """
    from supplychain.signing.keys.access import Access

    def password() -> bytes:
        given = settings.text("key_password")
        if given is not None:
            return given.encode()
        answer = ask(f"password of {reference}")
        if answer is None:
            raise ConfigurationError(
                f"there is no password for the key {reference}",
                hint="put it into a file and name that in SUPPLYCHAIN_KEY_PASSWORD_FILE",
            )
        return answer.encode()

    return Access(os.environ, password)
