"""Signing as an identity: with the real Sigstore, and with the mock of its protocol."""

from __future__ import annotations

import json
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest
from sigstore.hashes import Hashed
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity
from sigstore_models.common.v1 import HashAlgorithm

from supplychain.errors import SigstoreError
from supplychain.model.digest import Digest
from supplychain.model.identity import NameKind
from supplychain.signing import dsse
from supplychain.signing.keyless import tokens
from supplychain.signing.keyless.exchange import Patience
from supplychain.signing.keyless.services import Instance
from supplychain.signing.keyless.signer import KeylessSigner
from tests.kit.sigstore.oidc import DEVELOPER, workflow_name
from tests.kit.sigstore.private import PrivateSigstore

# No name, and white space that no library would write: what is signed is what was given.
STATEMENT = (
    b'{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"%b"}}],'
    b'"predicateType":"https://sigstore.dev/cosign/sign/v1",  "predicate":{}}' % (b"a" * 64)
)


@pytest.fixture(params=["mock", "mock with Rekor v1", "real"])
def sigstore(request: pytest.FixtureRequest) -> PrivateSigstore:
    """Each Sigstore."""
    if request.param == "real":
        real: PrivateSigstore = request.getfixturevalue("private_sigstore")
        return real
    mock = request.getfixturevalue("mock_sigstore")
    sigstore: PrivateSigstore = mock.sigstore(1 if "v1" in request.param else 2)
    return sigstore


def signer(sigstore: PrivateSigstore, token: str) -> KeylessSigner:
    root, config = sigstore.trusted_root.read_bytes(), sigstore.signing_config.read_bytes()
    identify = tokens.from_text(token, "here")
    return KeylessSigner(Instance.parse(root, config), identify, Patience(lambda _: None))


def verifier(sigstore: PrivateSigstore) -> Verifier:
    config = ClientTrustConfig.from_json(sigstore.client_trust.read_text())
    return Verifier(trusted_root=config.trusted_root)


def test_sigstore_s_own_library_verifies_what_is_signed(sigstore: PrivateSigstore) -> None:
    made = signer(sigstore, sigstore.token())
    sealed, blob = made.seal(STATEMENT), made.sign_blob(Digest.of(b"a file"))
    developer = Identity(identity=DEVELOPER, issuer=sigstore.issuer)
    found = verifier(sigstore).verify_dsse(Bundle.from_json(sealed), developer)
    assert found == (dsse.PAYLOAD_TYPE, STATEMENT)
    sha256 = bytes.fromhex(Digest.of(b"a file").hex)
    hashed = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=sha256)
    verifier(sigstore).verify_artifact(hashed, Bundle.from_json(blob), developer)


def test_a_workflow_is_known_by_what_its_certificate_says(sigstore: PrivateSigstore) -> None:
    found = signer(sigstore, sigstore.workflow_token("acme/app")).identity
    assert (found.name, found.kind) == (workflow_name("acme/app"), NameKind.URI)
    assert found.issuer == sigstore.workflow_issuer
    assert found.claim("source_repository_uri") == "https://github.com/acme/app"


def test_what_it_has_said_it_recognises_and_nothing_else(sigstore: PrivateSigstore) -> None:
    made = signer(sigstore, sigstore.token())
    sealed = made.seal(STATEMENT)
    assert made.opened(sealed) == STATEMENT
    later = signer(sigstore, sigstore.token())
    assert later.opened(sealed) == STATEMENT
    other = signer(sigstore, sigstore.token("eve@example.com"))
    with pytest.raises(Exception, match="somebody who is not trusted"):
        other.opened(sealed)


def test_nobody_is_asked_but_who_is_named(sigstore: PrivateSigstore) -> None:
    asked: set[tuple[str, int]] = set()
    listening = [True]

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if listening and event == "socket.connect" and isinstance(arguments[1], tuple):
            asked.add(arguments[1][:2])
        if listening and event == "socket.getaddrinfo":
            asked.add(arguments[:2])

    token = sigstore.token()
    sys.addaudithook(hear)  # for good: it hears nothing once `listening` is empty
    try:
        made = signer(sigstore, token)
        made.opened(made.seal(STATEMENT))
    finally:
        listening.clear()
    config = json.loads(sigstore.signing_config.read_bytes())
    urls = [one["url"] for name in ("caUrls", "rekorTlogUrls", "tsaUrls") for one in config[name]]
    assert asked == {(str(urlsplit(url).hostname), urlsplit(url).port) for url in urls}


@pytest.mark.parametrize("claims", [{"iss": "https://evil.example"}, {"email_verified": False}])
def test_a_token_that_is_not_believed_gives_no_certificate(
    sigstore: PrivateSigstore, claims: dict[str, Any]
) -> None:
    token = sigstore.token(**claims)
    with pytest.raises(SigstoreError, match=r"the certificate authority http://.* status 4") as why:
        signer(sigstore, token).seal(STATEMENT)
    assert why.value.because
    assert "it must know the token's issuer" in str(why.value.hint)
    assert token not in str(why.value.diagnostics())
