"""Which keys are known here, and where each is used: no secret is opened and nobody is asked."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.bootstrap.trust import load_policy, read_document
from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.settings import Settings

if TYPE_CHECKING:
    from supplychain.gate.keys import TrustedKey
    from supplychain.signing.signer import PublicKey


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A key in one rule of a policy.

    Attributes:
        policy: The policy's file.
        rule: The rule's name.
        key: The key as the policy has it.
    """

    policy: Path
    rule: str
    key: TrustedKey

    def replacement(self, public: Path, until: datetime) -> tuple[str, str] | None:
        """What to write into the policy for a new key beside this one; None for a key in PEM.

        Args:
            public: The new public key's file.
            until: The last instant of this key.

        Returns:
            The entry of the new key, and that of this one.
        """
        folder = self.policy.parent
        if not (folder / Path(self.key.name).expanduser()).is_file() or not self.key.name:
            return None
        new = os.path.relpath(public, folder)
        return new, f'{{file: {self.key.name}, not_after: "{_rfc3339(until)}"}}'


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that a setting or a policy names.

    Attributes:
        fingerprint: `sha256:<hex>`; "" where it is not known without opening the key.
        signs: The reference by which the settings sign with it; None where they do not.
        uses: Where policies name it.
    """

    fingerprint: str
    signs: str | None
    uses: tuple[KeyUse, ...]


def policy_uses(settings: Settings) -> tuple[KeyUse, ...]:
    """Every key of every policy in the folder of policies, by file, in the policy's order.

    Raises:
        PolicyError: One of them is not usable.
    """
    from supplychain.gate.authorities import trusted_by
    from supplychain.gate.keys import TrustedKey

    folder = settings.policy_file("any").parent
    return tuple(
        KeyUse(path, entry.rule.name, key)
        for path in sorted(folder.glob("*.yaml"))
        for entry in load_policy(path).rules
        for key in trusted_by(entry.rule)
        if isinstance(key, TrustedKey)
    )


def known_keys(settings: Settings) -> tuple[KnownKey, ...]:
    """The key that signs first, then those of the policies.

    Raises:
        PolicyError: A policy is not usable.
        InputError: What lies beside the signing key is no public key.
    """
    uses = policy_uses(settings)
    reference = settings.text("key")
    beside = public_key_beside(reference) if reference else None
    signing = beside.fingerprint if beside else ""
    first = [signing] if reference else []
    fingerprints = dict.fromkeys([*first, *(use.key.fingerprint for use in uses)])
    return tuple(
        KnownKey(
            fingerprint,
            reference if fingerprint == signing else None,
            tuple(use for use in uses if use.key.fingerprint == fingerprint),
        )
        for fingerprint in fingerprints
    )


def public_key_beside(reference: str) -> PublicKey | None:
    """The public key that lies beside a key file; None where none does, or it is no file.

    Raises:
        InputError: What lies there is no public key.
    """
    from supplychain.signing.keys.reference import scheme_of
    from supplychain.signing.signer import PublicKey

    path = Path(reference).expanduser()
    if scheme_of(reference) or not path.exists():
        return None
    public = path / "cosign.pub" if path.is_dir() else path.with_suffix(".pub")
    if not public.is_file():
        return None
    return PublicKey.parse_pem(read_document(public, "public key"), str(public))


def key_file(settings: Settings) -> Path:
    """The file of the key that signs, where it is a key file of its own.

    Raises:
        InputError: The settings name none, or a key that lies elsewhere.
    """
    from supplychain.signing.keys.reference import scheme_of

    reference = settings.text("key")
    if not reference:
        raise InputError("no key was given", hint="supplychain keys rotate --key release.key")
    path = Path(reference).expanduser()
    if scheme_of(reference) or not path.is_file():
        raise InputError(
            f"{reference} is not a key file that we could replace",
            because="a key in a service or in a secret is replaced where it is kept",
            hint=f"replace it there, then: supplychain keys public --key {reference}",
        )
    return path


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
