"""A whole Sigstore in memory, for signatures that are genuine and for forgeries of them.

    forge = Forge.create()                      # CA, CT log, Rekor v1 and v2, timestamp authority
    signed = forge.attest(statement)            # an envelope, logged in Rekor v1
    signed = forge.attest(statement, log=forge.tiles)        # in Rekor v2, with a timestamp
    signed = forge.sign(data)                   # without an envelope: a file, a legacy payload
    signed.bundle()                             # the v0.3 bundle; `value()` to edit it first
    signed.layer(), signed.annotations()        # the layer in cosign's older form
    forge.trusted_root()                        # trusted_root.json for all of it

Everything happens at `AT` (or `Forge.create(at)`) and every part can be replaced by a keyword: see
`Recipe` for what is signed, `Members` for what a trusted root holds. A second forge is the usual
foreigner. Forgeries read as one line:

    other = Forge.create()
    forge.attest(s, authority=other.authority)               # issued by another authority
    forge.attest(s, identity=Identity.email("eve@example.com"))
    forge.attest(s, identity=Identity.workflow(issuer="https://evil.example.com"))
    forge.attest(s, identity=Identity.email().but({8: None}))           # without an extension
    forge.attest(s, valid=(AT - 2 * HOUR, AT - HOUR))        # expired when it signed
    forge.attest(s, authority=Authority.create(intermediate_valid=(AT - YEAR, AT - HOUR)))
    forge.attest(s, ct=())                                   # no SCT; `(other.ct,)`: foreign
    forge.attest(s, body=entry_body(forge.attest(t), "dsse/0.0.1"))     # the entry of another
    forge.attest(s).with_entry(promise=None)                 # `with_proof(hashes=(), ...)` likewise
    forge.attest(s).with_proof(checkpoint=forge.rekor.rotated().checkpoint())   # by another key
    forge.attest(s, log=forge.tiles, stamped_at=[AT + HOUR]) # after the certificate
    forge.attest(s, log=forge.tiles, clock=other.clock)
    forge.attest(s, keyed=True, log=None)                    # a key without a log
    forge.attest(s, log=TransparencyLog.create(filled=0, offset=0))     # log index 0
    replace(a, certificate=b.certificate)                    # what does not belong together
    replace(a, entries=a.entries + b.entries)                # two entries; likewise `timestamps`
    forge.trusted_root(logs=(forge.rekor.rotated(), forge.tiles))       # the log's key was replaced
    forge.trusted_root(logs=(replace(forge.rekor, trusted=(start, end)),))

A log of one's own has to be in the trusted root to count: `logs=(log,)`.

Two fixtures answer on the loopback, both to Sigstore's own clients and to cosign:

    mock_sigstore: MockSigstore         # the wire protocol on a forge; it misbehaves when told to
    mock_sigstore.sigstore(rekor=2)     # its `PrivateSigstore`; with `rekor=1` Rekor v1 is asked
    private_sigstore: PrivateSigstore   # the real programs; skipped where they are not built

    sigstore.trusted_root, sigstore.signing_config, sigstore.client_trust       # files
    sigstore.fulcio, sigstore.rekor, sigstore.tsa                               # addresses
    sigstore.token("dev@example.com"), sigstore.workflow_token("acme/shop")     # with any claims
    sigstore.issuer, sigstore.workflow_issuer, workflow_name("acme/shop")       # in certificates
    sigstore.issuers.github_environ()                                           # a job's

`tests/contract/test_sigstore.py` holds both to the same; `mock.py` says how to misbehave.
"""

from tests.kit.sigstore.authority import GITHUB, ISSUER, LIFETIME, Authority, Identity
from tests.kit.sigstore.bodies import Body
from tests.kit.sigstore.bundle import Signed
from tests.kit.sigstore.clock import TimestampAuthority
from tests.kit.sigstore.ct import CtLog
from tests.kit.sigstore.forge import Forge, Members, Recipe, entry_body
from tests.kit.sigstore.keys import AT, HOUR, YEAR, new_key
from tests.kit.sigstore.log import Entry, Proof, TransparencyLog

__all__ = [
    "AT",
    "GITHUB",
    "HOUR",
    "ISSUER",
    "LIFETIME",
    "YEAR",
    "Authority",
    "Body",
    "CtLog",
    "Entry",
    "Forge",
    "Identity",
    "Members",
    "Proof",
    "Recipe",
    "Signed",
    "TimestampAuthority",
    "TransparencyLog",
    "entry_body",
    "new_key",
]
