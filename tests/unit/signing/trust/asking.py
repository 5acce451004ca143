"""What tests ask of trust, in one line each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from supplychain.model.identity import Identity
from supplychain.signing.bundle import Bundle
from supplychain.signing.dsse import Envelope, pre_authentication_encoding
from supplychain.signing.trust.bodies import Logged
from supplychain.signing.trust.establish import Established, establish
from supplychain.signing.trust.keys import VerifyingKey
from supplychain.signing.trust.root import TrustedRoot
from supplychain.signing.trust.signed import Signed
from supplychain.signing.trust.trust import Trust
from tests.kit.sigstore import AT, Forge
from tests.kit.sigstore import Signed as Made
from tests.kit.sigstore.keys import Key, spki

LATER = AT + timedelta(days=400)
STATEMENT = b'{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicate":{}}'


@dataclass
class Anybody:
    """Trusts all that have a certificate, and keeps whom it was asked about."""

    asked: list[Identity] = field(default_factory=list)

    def accepts(self, identity: Identity, /) -> bool:
        self.asked.append(identity)
        return True


class Nobody:
    """Trusts none."""

    def accepts(self, identity: Identity, /) -> bool:
        return False


def root_of(forge: Forge, **members: Any) -> Callable[[], TrustedRoot]:
    """The trusted root of a forge, as trust asks for it."""
    root = TrustedRoot.parse(forge.trusted_root(**members))
    return lambda: root


def key_of(private: Key) -> VerifyingKey:
    """The public half."""
    return VerifyingKey(spki(private))


def signed_of(made: Made) -> Signed:
    """The signature."""
    if made.payload_type is None:
        return Signed.over(made.payload, made.signature)
    message = pre_authentication_encoding(made.payload)
    return Signed.over(message, made.signature, payload=made.payload)


def logged_of(made: Made) -> Logged:
    """What an entry about it has to hold."""
    return Logged(signed_of(made), made.signer.der)


def ask(
    forge: Forge, made: Made, *, at: datetime = LATER, members: Any = None, **trust: Any
) -> Established:
    """Who signed, by the bundle."""
    bundle = Bundle.parse(made.bundle())
    root = root_of(forge, **(members or {}))
    asked = Trust(**{"identities": (Anybody(),), "root": root, **trust})
    if isinstance(bundle.content, Envelope):
        assert bundle.content.payload == made.payload
    return establish(signed_of(made), bundle.material, asked, at=at)
