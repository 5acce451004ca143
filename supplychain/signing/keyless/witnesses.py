"""What a log and clocks say of a signature that a key made.

A log of the second kind (Rekor v2) is asked, since it takes the key and the digest of what was
signed and nothing else; when that was, timestamp authorities say.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from supplychain.signing.encoding import write_base64
from supplychain.signing.keyless.exchange import Patience
from supplychain.signing.keyless.library import answered, enter
from supplychain.signing.keyless.services import Instance
from supplychain.signing.signer import PublicKey
from supplychain.signing.trust.root import TrustedRoot
from supplychain.signing.trust.signed import Signed


class Witnesses:
    """A log, clocks, and what they are believed by.

    Args:
        instance: Where they are.
        patience: Time and chance.

    Raises:
        ConfigurationError: The signing config names no log that takes what keys sign.
        InputError: The trusted root cannot be used.
    """

    def __init__(self, instance: Instance, patience: Patience | None = None) -> None:
        self.patience = patience or Patience()
        self._root = TrustedRoot.parse(instance.root)
        self._log, self._clocks = instance.witnesses(self.patience)

    def root(self) -> TrustedRoot:
        """What they are believed by."""
        return self._root

    def material(self, signed: Signed, key: PublicKey) -> dict[str, Any]:
        """What a bundle has of it, as the members of its verification material; unchecked.

        Args:
            signed: The signature.
            key: What verifies it.

        Raises:
            SigstoreError: One of them is not there, refuses, or answers nothing that can be used.
        """
        request: dict[str, object] = {
            "hashedRekordRequestV002": {
                "digest": write_base64(signed.sha256),
                "signature": {
                    "content": write_base64(signed.signature),
                    "verifier": {
                        "publicKey": {"rawBytes": write_base64(key.spki)},
                        "keyDetails": key.kinds[0],
                    },
                },
            }
        }
        entry = enter(self._log, request)
        stamped = [
            answered("the timestamp authority", partial(clock.request_timestamp, signed.signature))
            for clock in self._clocks
        ]
        timestamps = [{"signedTimestamp": write_base64(one.as_bytes())} for one in stamped]
        return {
            "tlogEntries": [json.loads(entry)],
            "timestampVerificationData": {"rfc3161Timestamps": timestamps},
        }
