"""Keys and their replacement, for people and as data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.cli.console import printable
from supplychain.cli.context import rfc3339
from supplychain.frozen import dataclass

if TYPE_CHECKING:
    from supplychain.bootstrap.key_ring import KeyUse, KnownKey
    from supplychain.signing.signer import PublicKey


@dataclass(frozen=True, slots=True)
class Rotation:
    """A key pair that takes another one's place.

    Attributes:
        private: The new private key's file.
        public: The new public key's file.
        key: The new key.
        replaced: The old key.
        until: The last instant whose signatures with the old key count.
        uses: Where policies name the old key.
    """

    private: Path
    public: Path
    key: PublicKey
    replaced: PublicKey
    until: datetime
    uses: tuple[KeyUse, ...]

    def document(self) -> dict[str, object]:
        """The rotation as data."""
        return {
            "private_key": str(self.private),
            "public_key": str(self.public),
            "fingerprint": self.key.fingerprint,
            "replaces": self.replaced.fingerprint,
            "not_after": rfc3339(self.until),
            "policies": [
                {
                    "file": str(use.policy),
                    "rule": use.rule,
                    "remove": use.key.name,
                    "add": list(use.replacement(self.public, self.until) or ()),
                }
                for use in self.uses
            ],
        }

    def lines(self) -> Iterator[str]:
        """What to change, as a difference."""
        if not self.uses:
            yield f"No policy names the old key {self.replaced.fingerprint}."
        for use in self.uses:
            yield f"{printable(str(use.policy))}, keys of rule {use.rule}:"
            entries = use.replacement(self.public, self.until)
            if entries is None:
                yield f"  add {self.public}, and to {printable(str(use.key))}:"
                yield f'    not_after: "{rfc3339(self.until)}"'
                continue
            yield f"  - {printable(use.key.name)}"
            yield from (f"  + {printable(entry)}" for entry in entries)
        yield "Once the policies are changed everywhere, sign with the new key:"
        yield f"  --key {printable(str(self.private))}"


def key_document(key: KnownKey) -> dict[str, object]:
    """A key as data."""
    return {
        "fingerprint": key.fingerprint or None,
        "signs": key.signs,
        "policies": [
            {
                "file": str(use.policy),
                "rule": use.rule,
                "name": use.key.name,
                "not_before": rfc3339(use.key.not_before) if use.key.not_before else None,
                "not_after": rfc3339(use.key.not_after) if use.key.not_after else None,
                "revoked": use.key.revoked,
            }
            for use in key.uses
        ],
    }


def key_lines(key: KnownKey) -> Iterator[str]:
    """A key for people: its fingerprint whole, for it is to be compared."""
    yield key.fingerprint or "not known before the key is opened: supplychain keys public"
    if key.signs is not None:
        yield f"  signs: {printable(key.signs)}"
    for use in key.uses:
        window = f", {use.key.window}" if use.key.window else ""
        yield f"  {printable(f'{use.policy}, rule {use.rule}: {use.key}{window}')}"
