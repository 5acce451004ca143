"""Signing with a key in public: what it signs is entered in a log, and clocks say when that was.

A key says who signed and nothing else. With a log's entry and a timestamp others can find what was
signed with it, and what was signed before the key was stolen can still be told from the rest.
"""

from __future__ import annotations

import json
from dataclasses import replace

from supplychain.errors import InputError, VerificationError
from supplychain.frozen import dataclass
from supplychain.signing import bundle as bundles
from supplychain.signing.bundle import Bundle, MessageSignature
from supplychain.signing.dsse import Envelope
from supplychain.signing.found import Stored
from supplychain.signing.keyless.answers import not_holding
from supplychain.signing.keyless.witnesses import Witnesses
from supplychain.signing.sealing import KeySealer
from supplychain.signing.trust.establish import establish
from supplychain.signing.trust.material import Material
from supplychain.signing.trust.signed import Signed
from supplychain.signing.trust.trust import LogDemand, Trust


@dataclass(frozen=True, slots=True)
class LoggedSealer(KeySealer):
    """The holder of a key, and who bears witness.

    The legacy form is made as by the key alone: there an entry counts by a log's promise, which
    the logs of today do not give.
    """

    witnesses: Witnesses

    def trusted(self, others: Trust) -> Trust:
        """The key before those of others, and the root by which the witnesses are believed."""
        return replace(KeySealer.trusted(self, others), root=self.witnesses.root)

    def require_own(self, stored: Stored, material: Material) -> None:
        """Of bundles those that the log holds."""
        if stored.media_type == bundles.MEDIA_TYPE:
            self._require_logged(Bundle.parse(stored.data))
        else:
            KeySealer.require_own(self, stored, material)

    def bundled(self, content: Envelope | MessageSignature) -> bytes:
        """The bundle with what the witnesses say, if all of that holds."""
        key = self.signer.public_key
        value = json.loads(KeySealer.bundled(self, content))
        value["verificationMaterial"] |= self.witnesses.material(_signed(content), key)
        data = json.dumps(value, separators=(",", ":")).encode()
        try:
            self._require_logged(Bundle.parse(data))
        except (InputError, VerificationError) as error:
            raise not_holding(error) from None
        return data

    def _require_logged(self, read: Bundle) -> None:
        trust = Trust(
            (self.signer.public_key,),
            root=self.witnesses.root,
            log_of_keys=LogDemand.REQUIRED,
            timestamp=True,
        )
        at = self.witnesses.patience.now()
        establish(_signed(read.content), read.material, trust, at=at)


def _signed(content: Envelope | MessageSignature) -> Signed:
    if isinstance(content, MessageSignature):
        return Signed(content.signature, content.digest)
    return content.signed()
