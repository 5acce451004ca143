"""The mock of a Sigstore misbehaves exactly as it is told to, and then no more."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate
from rfc3161_client import TimestampRequestBuilder, decode_timestamp_response

from tests.kit.misbehaving import endless, reply, silence
from tests.kit.sigstore import new_key
from tests.kit.sigstore.keys import public_pem, sign, spki, text
from tests.kit.sigstore.mock import SERVICES, MockSigstore


def ask_certificate(mock: MockSigstore, **more: Any) -> requests.Response:
    """Ask for a certificate."""
    key = new_key()
    proof = b64encode(sign(key, b"dev@example.com")).decode()
    known = {"algorithm": "ECDSA", "content": public_pem(key).decode()}
    sigstore = mock.sigstore()
    return requests.post(
        f"{sigstore.fulcio}{SERVICES['fulcio']}",
        json={"publicKeyRequest": {"publicKey": known, "proofOfPossession": proof}},
        headers={"Authorization": f"Bearer {sigstore.token()}"},
        **{"timeout": 5, **more},
    )


def ask_entry_1(mock: MockSigstore, **more: Any) -> requests.Response:
    """Put a signature by a key into the log of version 1."""
    key, data = new_key(), b"a file"
    spec = {
        "data": {"hash": {"algorithm": "sha256", "value": sha256(data).hexdigest()}},
        "signature": {
            "content": text(sign(key, data)),
            "publicKey": {"content": text(public_pem(key))},
        },
    }
    wanted = {"kind": "hashedrekord", "apiVersion": "0.0.1", "spec": spec}
    url = f"{mock.sigstore(1).rekor}{SERVICES['rekor 1']}"
    return requests.post(url, json=wanted, **{"timeout": 5, **more})


def ask_entry_2(mock: MockSigstore, **more: Any) -> requests.Response:
    """Put a signature by a key into the log of version 2."""
    key, data = new_key(), b"a file"
    known = {"publicKey": {"rawBytes": text(spki(key))}, "keyDetails": "PKIX_ECDSA_P256_SHA_256"}
    signature = {"content": text(sign(key, data)), "verifier": known}
    wanted = {"digest": text(sha256(data).digest()), "signature": signature}
    url = f"{mock.sigstore().rekor}{SERVICES['rekor 2']}"
    asked = {"hashedRekordRequestV002": wanted}
    return requests.post(url, json=asked, **{"timeout": 5, **more})


def ask_timestamp(mock: MockSigstore, **more: Any) -> requests.Response:
    """Ask for a timestamp."""
    wanted = TimestampRequestBuilder().data(b"a signature").build().as_bytes()
    headers = {"Content-Type": "application/timestamp-query"}
    return requests.post(
        mock.sigstore().tsa, data=wanted, headers=headers, **{"timeout": 5, **more}
    )


Ask = Callable[..., requests.Response]
ASKS: dict[str, Ask] = {
    "fulcio": ask_certificate,
    "rekor 1": ask_entry_1,
    "rekor 2": ask_entry_2,
    "tsa": ask_timestamp,
}
each = pytest.mark.parametrize(("service", "ask"), ASKS.items(), ids=ASKS)


@each
def test_a_status_in_turn_and_then_honesty(
    mock_sigstore: MockSigstore, service: str, ask: Ask
) -> None:
    later = reply(429, headers={"Retry-After": "1"})
    mock_sigstore.misbehave(service, later, reply(500))
    answers = [ask(mock_sigstore) for _ in range(3)]
    assert [one.status_code for one in answers[:2]] == [429, 500]
    assert answers[0].headers["Retry-After"] == "1"
    assert answers[2].ok
    assert len(mock_sigstore.asked(service)) == 3


@each
def test_a_body_that_is_cut(mock_sigstore: MockSigstore, service: str, ask: Ask) -> None:
    mock_sigstore.misbehave(service, mock_sigstore.cut(service, after=10), always=True)
    for _ in range(2):
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            ask(mock_sigstore)
    mock_sigstore.behave(service)
    assert ask(mock_sigstore).ok


@each
def test_a_late_answer_and_none(mock_sigstore: MockSigstore, service: str, ask: Ask) -> None:
    mock_sigstore.misbehave(service, mock_sigstore.late(service, 0.3), silence)
    began = time.monotonic()
    assert ask(mock_sigstore).ok
    assert time.monotonic() - began >= 0.3
    with pytest.raises(requests.exceptions.ReadTimeout):
        ask(mock_sigstore, timeout=0.2)


@each
def test_a_body_without_end(mock_sigstore: MockSigstore, service: str, ask: Ask) -> None:
    mock_sigstore.misbehave(service, endless())
    with ask(mock_sigstore, stream=True) as answer:
        assert len(answer.raw.read(1_000_000)) == 1_000_000


@each
def test_another_content_type_and_body(mock_sigstore: MockSigstore, service: str, ask: Ask) -> None:
    wrong = mock_sigstore.edited(service, lambda body: body + b"}", kind="text/html")
    mock_sigstore.misbehave(service, wrong)
    answer = ask(mock_sigstore)
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.content.endswith(b"}")


def test_a_certificate_of_another_authority(mock_sigstore: MockSigstore) -> None:
    mock_sigstore.misbehave("fulcio", mock_sigstore.foreign("fulcio"))
    foreign, genuine = (chain_of(ask_certificate(mock_sigstore)) for _ in range(2))
    assert foreign[1] not in mock_sigstore.forge.authority.chain
    assert genuine[1:] == list(mock_sigstore.forge.authority.chain)


def test_a_certificate_of_another_key(mock_sigstore: MockSigstore) -> None:
    first = chain_of(ask_certificate(mock_sigstore))[0]
    earlier = mock_sigstore.asked("fulcio")[0]
    mock_sigstore.misbehave("fulcio", mock_sigstore.repeated("fulcio", earlier))
    second = chain_of(ask_certificate(mock_sigstore))[0]
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    assert first.public_key().public_bytes(*form) == second.public_key().public_bytes(*form)


def test_the_entry_of_another_signature(mock_sigstore: MockSigstore) -> None:
    first = ask_entry_2(mock_sigstore).json()["canonicalizedBody"]
    earlier = mock_sigstore.asked("rekor 2")[0]
    mock_sigstore.misbehave("rekor 2", mock_sigstore.repeated("rekor 2", earlier))
    assert ask_entry_2(mock_sigstore).json()["canonicalizedBody"] == first


def test_the_entry_of_another_signature_in_version_one(mock_sigstore: MockSigstore) -> None:
    (first,) = ask_entry_1(mock_sigstore).json().values()
    earlier = mock_sigstore.asked("rekor 1")[0]
    mock_sigstore.misbehave("rekor 1", mock_sigstore.repeated("rekor 1", earlier))
    answer = ask_entry_1(mock_sigstore)
    (second,) = answer.json().values()
    assert (answer.status_code, second["body"]) == (201, first["body"])


def test_an_entry_that_was_taken_in_unheard_is_a_conflict_afterwards(
    mock_sigstore: MockSigstore,
) -> None:
    mock_sigstore.misbehave("rekor 1", mock_sigstore.unheard("rekor 1"))
    assert ask_entry_1(mock_sigstore).status_code == 502
    url = mock_sigstore.sigstore(1).rekor
    again = requests.post(
        f"{url}{SERVICES['rekor 1']}", data=mock_sigstore.asked("rekor 1")[0].body, timeout=5
    )
    assert again.status_code == 409
    found = requests.get(f"{url}{again.headers['Location']}", timeout=5)
    (entry,) = found.json().values()
    assert entry["verification"]["signedEntryTimestamp"]


def test_version_two_takes_an_entry_in_once(mock_sigstore: MockSigstore) -> None:
    first = ask_entry_2(mock_sigstore).json()
    url = f"{mock_sigstore.sigstore().rekor}{SERVICES['rekor 2']}"
    again = requests.post(url, data=mock_sigstore.asked("rekor 2")[0].body, timeout=5).json()
    assert again["logIndex"] == first["logIndex"]


def test_a_timestamp_repeats_the_nonce(mock_sigstore: MockSigstore) -> None:
    wanted = TimestampRequestBuilder().data(b"a signature").build()
    headers = {"Content-Type": "application/timestamp-query"}
    answer = requests.post(
        mock_sigstore.sigstore().tsa, data=wanted.as_bytes(), headers=headers, timeout=5
    )
    assert decode_timestamp_response(answer.content).tst_info.nonce == wanted.nonce


def chain_of(answer: requests.Response) -> list[Any]:
    """The certificates in an answer."""
    chain = answer.json()["signedCertificateEmbeddedSct"]["chain"]["certificates"]
    return [load_pem_x509_certificate(one.encode()) for one in chain]
