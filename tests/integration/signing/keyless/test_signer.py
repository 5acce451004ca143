"""Signing as an identity, with services that behave and with services that do not."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from supplychain.errors import ConfigurationError, InputError, LimitError, SigstoreError
from supplychain.model.digest import Digest
from supplychain.signing import dsse
from supplychain.signing.keyless import tokens
from supplychain.signing.keyless.exchange import Patience
from supplychain.signing.keyless.services import Instance
from supplychain.signing.keyless.signer import KeylessSigner
from tests.kit.misbehaving import reply
from tests.kit.sigstore import LIFETIME, Authority, Identity
from tests.kit.sigstore.bundle import pem
from tests.kit.sigstore.mock import SERVICES, MockSigstore
from tests.kit.sigstore.oidc import DEVELOPER

# No name, and white space that no library would write: what is signed is what was given.
STATEMENT = (
    b'{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"%b"}}],'
    b'"predicateType":"https://sigstore.dev/cosign/sign/v1",  "predicate":{}}' % (b"a" * 64)
)
JSON = "application/json"


def signer(
    mock: MockSigstore,
    rekor: int = 2,
    *,
    config: bytes | None = None,
    identify: Callable[[], str] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> KeylessSigner:
    documents = mock.sigstore(rekor)
    instance = Instance.parse(
        documents.trusted_root.read_bytes(), config or documents.signing_config.read_bytes()
    )
    token = identify or documents.token
    patience = Patience(lambda _: None, now)
    return KeylessSigner(instance, lambda: tokens.read(token(), "here"), patience)


def asked(mock: MockSigstore) -> dict[str, int]:
    return {service: len(mock.asked(service)) for service in SERVICES if mock.asked(service)}


def test_who_signs_is_known_before_anything_is_signed(mock_sigstore: MockSigstore) -> None:
    made = signer(mock_sigstore)
    assert asked(mock_sigstore) == {}
    assert made.identity.name == DEVELOPER
    assert asked(mock_sigstore) == {"fulcio": 1}


@pytest.mark.parametrize("clocked", [True, False])
def test_what_the_config_asks_for_is_asked_and_nothing_else(
    mock_sigstore: MockSigstore, clocked: bool
) -> None:
    config = json.loads(mock_sigstore.sigstore(1).signing_config.read_bytes())
    config |= {} if clocked else {"tsaUrls": []}
    sealed = signer(mock_sigstore, config=json.dumps(config).encode()).seal(STATEMENT)
    found = json.loads(sealed)["verificationMaterial"]["timestampVerificationData"]
    assert len(found["rfc3161Timestamps"]) == (1 if clocked else 0)
    expected = {"fulcio": 1, "rekor 1": 1, "tsa": 1}
    assert asked(mock_sigstore) == {k: v for k, v in expected.items() if clocked or k != "tsa"}


def test_a_certificate_serves_until_it_is_about_to_end(mock_sigstore: MockSigstore) -> None:
    clock, given = [datetime.now(UTC)], []

    def token() -> str:
        given.append(mock_sigstore.issuers.token())
        return str(given[-1])

    made = signer(mock_sigstore, 1, identify=token, now=lambda: clock[0])
    for number in range(3):
        made.sign_blob(Digest.of(b"%d" % number))
    assert (len(mock_sigstore.asked("fulcio")), len(given)) == (1, 1)
    clock[0] += timedelta(minutes=9, seconds=30)
    made.seal(STATEMENT)
    assert (len(mock_sigstore.asked("fulcio")), len(given)) == (2, 2)


def test_a_token_that_expired_meanwhile_is_told(mock_sigstore: MockSigstore) -> None:
    clock = [datetime.now(UTC)]
    old = mock_sigstore.issuers.token(exp=int(clock[0].timestamp()) - 60)
    left = [old, mock_sigstore.issuers.token()]
    made = signer(mock_sigstore, identify=left.pop, now=lambda: clock[0])
    made.seal(STATEMENT)
    clock[0] += timedelta(minutes=10)
    with pytest.raises(ConfigurationError, match="the identity token from here") as caught:
        made.seal(STATEMENT)
    assert "it expired at" in str(caught.value.because)


def test_a_large_statement_is_signed_and_a_larger_one_is_not(mock_sigstore: MockSigstore) -> None:
    made = signer(mock_sigstore)
    payload = STATEMENT.replace(b"{}}", b'{"a":"%b"}}' % (b"x" * 5_000_000))
    assert base64.b64decode(json.loads(made.seal(payload))["dsseEnvelope"]["payload"]) == payload
    with pytest.raises(LimitError, match="at most"):
        made.seal(b" " * (dsse.PAYLOAD_LIMIT + 1))
    with pytest.raises(InputError, match="cannot be signed"):
        made.sign_blob(Digest("sha512", "a" * 128))


@pytest.mark.parametrize("service", ["fulcio", "rekor 1", "rekor 2", "tsa"])
@pytest.mark.parametrize("kind", ["busy", "failing", "cut off", "unheard"])
def test_what_may_pass_passes(mock_sigstore: MockSigstore, service: str, kind: str) -> None:
    answers = {
        "busy": reply(429, headers={"Retry-After": "1"}),
        "failing": reply(500, b'{"code":13,"message":"try again"}', kind=JSON),
        "cut off": mock_sigstore.cut(service, after=20),
        "unheard": mock_sigstore.unheard(service),
    }
    mock_sigstore.misbehave(service, answers[kind])
    signer(mock_sigstore, 1 if service == "rekor 1" else 2).seal(STATEMENT)
    assert len(mock_sigstore.asked(service)) == 2


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("fulcio", "the certificate authority"),
        ("rekor 1", "the transparency log"),
        ("rekor 2", "the transparency log"),
        ("tsa", "the timestamp authority"),
    ],
)
def test_a_service_that_stays_down_is_named(
    mock_sigstore: MockSigstore, service: str, name: str
) -> None:
    mock_sigstore.misbehave(service, reply(503), always=True)
    with pytest.raises(SigstoreError, match=rf"{name} http.* answers with status 503") as caught:
        signer(mock_sigstore, 1 if service == "rekor 1" else 2).seal(STATEMENT)
    assert caught.value.retryable
    assert len(mock_sigstore.asked(service)) == 4


@pytest.mark.parametrize("status", [400, 401, 403])
def test_an_issuer_that_the_authority_does_not_know_is_told(
    mock_sigstore: MockSigstore, status: int
) -> None:
    said = b'{"code":16,"message":"There was an error processing the identity token"}'
    mock_sigstore.misbehave("fulcio", reply(status, said, kind=JSON), always=True)
    with pytest.raises(SigstoreError, match=f"status {status}") as caught:
        _ = signer(mock_sigstore).identity
    assert caught.value.because == "There was an error processing the identity token"
    assert "it must know the token's issuer" in str(caught.value.hint)
    assert not caught.value.retryable
    assert asked(mock_sigstore) == {"fulcio": 1}


@pytest.mark.parametrize("service", ["fulcio", "rekor 1", "rekor 2"])
@pytest.mark.parametrize(
    "value",
    [b"", b"{", b"[]", b"null", b"7", b"{}", b'{"a":{}}', b"[" * 9999, b"\xff", b"<html>"],
)
def test_an_answer_that_is_none_is_refused(
    mock_sigstore: MockSigstore, service: str, value: bytes
) -> None:
    mock_sigstore.misbehave(service, reply(200, value, kind=JSON), always=True)
    made = signer(mock_sigstore, 1 if service == "rekor 1" else 2)
    with pytest.raises(SigstoreError, match="gives an answer that cannot be used") as caught:
        made.seal(STATEMENT)
    assert not caught.value.retryable
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("value", [b"", b"0", b"\x30\x03\x30\x01\x02", b"<html>"])
def test_a_timestamp_that_is_none_is_not_left_out(
    mock_sigstore: MockSigstore, value: bytes
) -> None:
    mock_sigstore.misbehave("tsa", reply(200, value), always=True)
    for rekor in (1, 2):
        with pytest.raises(SigstoreError):
            signer(mock_sigstore, rekor).seal(STATEMENT)


@pytest.mark.parametrize(
    ("rekor", "service"), [(1, "rekor 1"), (1, "tsa"), (2, "rekor 2"), (2, "tsa")]
)
def test_what_another_sigstore_says_is_refused(
    mock_sigstore: MockSigstore, rekor: int, service: str
) -> None:
    mock_sigstore.misbehave(service, mock_sigstore.foreign(service), always=True)
    _refused(mock_sigstore, rekor)


def test_a_certificate_that_no_trusted_log_lists_is_refused(mock_sigstore: MockSigstore) -> None:
    mock_sigstore.misbehave("fulcio", mock_sigstore.foreign("fulcio"), always=True)
    with pytest.raises(SigstoreError, match="cannot be used") as caught:
        signer(mock_sigstore).seal(STATEMENT)
    assert "SCT" in str(caught.value.because)


def test_a_certificate_of_another_authority_is_refused(mock_sigstore: MockSigstore) -> None:
    forge = mock_sigstore.forge
    other = Authority.create(at=forge.at)

    def exchanged(body: bytes) -> bytes:
        [leaf, *_] = json.loads(body)["signedCertificateEmbeddedSct"]["chain"]["certificates"]
        key = x509.load_pem_x509_certificate(leaf.encode()).public_key()
        issuer = Identity.email(DEVELOPER, mock_sigstore.issuers.people)
        made = other.issue(key, issuer, valid=(forge.at, forge.at + LIFETIME), ct=(forge.ct,))
        chain = [pem((one,)) for one in (made, *other.chain)]
        return json.dumps(
            {"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}}
        ).encode()

    mock_sigstore.misbehave("fulcio", mock_sigstore.edited("fulcio", exchanged), always=True)
    _refused(mock_sigstore)


@pytest.mark.parametrize(("rekor", "service"), [(1, "rekor 1"), (2, "rekor 2"), (2, "fulcio")])
def test_what_is_about_something_else_is_refused(
    mock_sigstore: MockSigstore, rekor: int, service: str
) -> None:
    signer(mock_sigstore, rekor).sign_blob(Digest.of(b"one"))
    [earlier] = mock_sigstore.asked(service)
    mock_sigstore.misbehave(service, mock_sigstore.repeated(service, earlier), always=True)
    # A log refuses a signature that another's certificate does not verify, as the real ones do.
    words = "status 400" if service == "fulcio" else "does not hold"
    with pytest.raises(SigstoreError, match=words):
        signer(mock_sigstore, rekor).sign_blob(Digest.of(b"two"))


@pytest.mark.parametrize("service", ["fulcio", "rekor 2", "tsa"])
def test_no_error_shows_the_token(mock_sigstore: MockSigstore, service: str) -> None:
    token = mock_sigstore.issuers.token()
    said = json.dumps({"message": f"not with {token} please"}).encode()
    mock_sigstore.misbehave(service, reply(400, said, kind=JSON), always=True)
    made = signer(mock_sigstore, identify=lambda: token)
    with pytest.raises(SigstoreError) as caught:
        made.seal(STATEMENT)
    assert caught.value.because == "not with ******** please"
    assert "eyJ" not in f"{caught.value.diagnostics()} {caught.value!r} {made!r}"


def test_only_the_authority_sees_the_token(mock_sigstore: MockSigstore) -> None:
    token = mock_sigstore.issuers.token()
    signer(mock_sigstore, identify=lambda: token).seal(STATEMENT)
    for service in ("rekor 2", "tsa"):
        for one in mock_sigstore.asked(service):
            assert one.authorization is None
            assert token.encode() not in one.body
            assert token not in str(one.headers)


def test_a_service_that_the_config_asks_for_in_vain_is_told(mock_sigstore: MockSigstore) -> None:
    config = json.loads(mock_sigstore.sigstore().signing_config.read_bytes())
    twice = [*config["rekorTlogUrls"], {**config["rekorTlogUrls"][0], "operator": "another"}]
    for changes, words in (
        ({"rekorTlogUrls": twice, "rekorTlogConfig": {"selector": "ALL"}}, "2 logs"),
        ({"tsaUrls": []}, "no timestamp authority"),
        ({"caUrls": []}, "signing config cannot be used"),
        ({"rekorTlogUrls": []}, "signing config cannot be used"),
        ({"mediaType": "text/plain"}, "signing config cannot be used"),
        ({"caUrls": [{**config["caUrls"][0], "url": "ftp://fulcio"}]}, "config cannot be used"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            signer(mock_sigstore, config=json.dumps(config | changes).encode())
    assert asked(mock_sigstore) == {}


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b"[" * 9999])
def test_files_that_describe_no_sigstore_are_told(mock_sigstore: MockSigstore, data: bytes) -> None:
    documents = mock_sigstore.sigstore()
    with pytest.raises(ConfigurationError, match="the trusted root cannot be used"):
        Instance.parse(data, documents.signing_config.read_bytes())
    with pytest.raises(ConfigurationError, match="the signing config cannot be used"):
        Instance.parse(documents.trusted_root.read_bytes(), data)


def _refused(mock: MockSigstore, rekor: int = 2) -> None:
    with pytest.raises(SigstoreError, match="does not hold, so nothing was kept") as caught:
        signer(mock, rekor).seal(STATEMENT)
    assert not caught.value.retryable
    assert caught.value.because
    assert "trusted root" in str(caught.value.hint)
