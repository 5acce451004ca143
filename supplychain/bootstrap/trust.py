"""Policies and keys: whose word counts, and who signs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.errors import ConfigurationError, InputError, NotFoundError, StoreError
from supplychain.settings import Settings

if TYPE_CHECKING:
    from supplychain.gate.policy import Policy
    from supplychain.pipeline.run import Sealing
    from supplychain.signing.formats import Format
    from supplychain.signing.keys.access import Access
    from supplychain.signing.publication import Claim
    from supplychain.signing.signer import PublicKey, Signer

# No policy or key that people write comes near this.
_DOCUMENT_LIMIT = 1024 * 1024
_PREDICATE_LIMIT = 32 * 1024 * 1024


def read_document(path: Path, what: str, *, limit: int = _DOCUMENT_LIMIT) -> bytes:
    """A small file that a user named.

    Args:
        path: The file.
        what: What it should be, for the error: "policy", "public key" …
        limit: The most bytes that it may have.

    Raises:
        NotFoundError: It is not there.
        InputError: It is too large, or a folder.
        StoreError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise NotFoundError(
            f"there is no {what} {path}",
            hint=f"check its name; it was looked for from {Path.cwd()}",
        ) from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder, not a {what}", hint="name a file in it") from None
    except OSError as error:
        raise StoreError(
            f"the {what} {path} cannot be read", because=error.strerror, retryable=False
        ) from error
    if len(data) > limit:
        raise InputError(f"{path} is larger than any {what} ({limit} bytes)")
    return data


def load_policy(path: Path) -> Policy:
    """The policy in a file; the keys that it names are read from beside it.

    Raises:
        NotFoundError: There is no such file.
        PolicyError: It is no usable policy.
    """
    from supplychain.gate.document import load_policy as load
    from supplychain.signing.signer import fingerprint_of_pem

    return load(
        read_document(path, "policy"),
        source=str(path),
        read_key=lambda name: read_document(path.parent / Path(name).expanduser(), "public key"),
        fingerprint=fingerprint_of_pem,
    )


def policy_of(settings: Settings, environment: str, file: Path | None) -> Policy | None:
    """The policy of an environment; None where there is none, which the gate denies.

    Raises:
        NotFoundError: The file that was asked for by name is not there.
        PolicyError: The policy is not usable.
    """
    if file is not None:
        return load_policy(file)
    path = settings.policy_file(environment)
    return load_policy(path) if path.exists() else None


def public_keys(
    settings: Settings, references: list[str], ask: Callable[[str], str | None]
) -> tuple[PublicKey, ...]:
    """Public keys by reference: PEM files, or keys wherever they are kept.

    Raises:
        SupplyChainError: As `open_public_key` of `supplychain.signing.keys.reference`.
    """
    from supplychain.signing.keys.reference import open_public_key

    return tuple(open_public_key(r, access(settings, r, ask)) for r in references)


def policy_keys(policy: Policy | None) -> tuple[PublicKey, ...]:
    """The keys whose signatures a policy asks for, each once."""
    from supplychain.signing.signer import PublicKey

    if policy is None:
        return ()
    pems = dict.fromkeys(key.pem for rule in policy.rules for key in getattr(rule, "keys", ()))
    return tuple(PublicKey.parse_pem(pem.encode()) for pem in pems)


def signer(settings: Settings, ask: Callable[[str], str | None]) -> Signer | None:
    """The signer that the settings name; None where they name none.

    A key file is decrypted while the caller goes on: a wrong password shows when it is first used.

    Args:
        settings: All settings.
        ask: Asks a person for a password; gives None where nobody is there to answer.

    Raises:
        SupplyChainError: As `open_signer` of `supplychain.signing.keys.reference`.
    """
    reference = settings.text("key")
    if not reference:
        return None
    from supplychain.signing.keys.reference import open_signer

    return open_signer(reference, access(settings, reference, ask))


def access(settings: Settings, reference: str, ask: Callable[[str], str | None]) -> Access:
    """What it takes to reach a key: the environment, and its password where it has one.

    Args:
        settings: All settings.
        reference: The key, for whoever is asked.
        ask: As for `signer`.
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


def sealing(
    settings: Settings,
    policy: Policy | None,
    *,
    sign: bool,
    ask: Callable[[str], str | None],
) -> Sealing:
    """Who signs, and whose statements count beside: those that the policy asks for.

    Raises:
        ConfigurationError: Something is to be signed and no key is set.
        SupplyChainError: As `signer`.
    """
    found = signer(settings, ask) if sign else None
    if sign and found is None:
        raise ConfigurationError(
            "there is no key to sign with",
            because="no --key was given and SUPPLYCHAIN_KEY is not set",
            hint="make one with `supplychain keys generate`; `run` can also do with --no-sign",
        )
    # Only now: this takes as long as decrypting the key, which goes on meanwhile.
    from supplychain.pipeline.run import Sealing

    return Sealing(found, policy_keys(policy), signature_formats(settings))


def signature_formats(settings: Settings) -> tuple[Format, ...]:
    """In which forms signatures are stored.

    Raises:
        ConfigurationError: None is set, or one that is not known.
    """
    from supplychain.signing.formats import read_formats

    try:
        return read_formats(settings.names("signature_formats"))
    except InputError as error:
        origin = settings.value("signature_formats").origin
        raise ConfigurationError(
            f"signature_formats: {error}", because=f"it comes from {origin}", hint=error.hint
        ) from None


def claim(predicate_type: str, predicate: Path) -> Claim:
    """What somebody wants to state: a predicate's type, and the file that holds it.

    Raises:
        InputError: The type is not one.
        NotFoundError: The file is not there.
        StoreError: It cannot be read.
    """
    from supplychain.signing.predicates import type_uri
    from supplychain.signing.publication import Claim

    uri = type_uri(predicate_type)
    return Claim(uri, read_document(predicate, "predicate", limit=_PREDICATE_LIMIT))
