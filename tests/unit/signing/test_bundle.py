"""Bundles and envelopes: what we write others read, and what we do not understand we refuse."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from sigstore_models.bundle.v1 import Bundle as RefereeBundle

from supplychain.errors import InputError, LimitError, VerificationError
from supplychain.signing import dsse
from supplychain.signing.bundle import BUNDLE_LIMIT, MEDIA_TYPE, Bundle
from supplychain.signing.dsse import PAYLOAD_LIMIT, Envelope
from tests.kit.keys import signer

PAYLOAD = b'{"_type":"https://in-toto.io/Statement/v1"}'
KEY = signer().public_key
DATA = Bundle.by_key(KEY.hint, dsse.seal(PAYLOAD, signer())).encode()


def test_a_bundle_reads_back() -> None:
    bundle = Bundle.parse(DATA)
    assert bundle.material.key_hint == KEY.hint
    assert bundle.envelope.payload == PAYLOAD
    bundle.envelope.verify(KEY)
    with pytest.raises(VerificationError):
        bundle.envelope.verify(signer("other").public_key)


def test_sigstores_own_model_reads_the_same_fields() -> None:
    value = json.loads(DATA)
    # The model wants the list that a bundle without a log leaves out.
    value["verificationMaterial"]["tlogEntries"] = []
    referee = RefereeBundle.from_dict(value)
    assert referee.media_type == MEDIA_TYPE
    assert referee.verification_material.public_key is not None
    assert referee.verification_material.public_key.hint == KEY.hint
    assert referee.verification_material.certificate is None
    assert referee.dsse_envelope is not None
    assert referee.dsse_envelope.payload == PAYLOAD
    assert referee.dsse_envelope.payload_type == "application/vnd.in-toto+json"
    (signature,) = referee.dsse_envelope.signatures
    assert signature.sig == Bundle.parse(DATA).envelope.signature
    assert not signature.keyid


def test_the_pre_authentication_encoding_is_sigstores() -> None:
    from sigstore.dsse import _pae

    for payload in (b"", b"{}", b"x" * 1234, "é".encode()):
        assert dsse.pre_authentication_encoding(payload) == _pae(dsse.PAYLOAD_TYPE, payload)


def _changed(path: str, value: Any) -> bytes:
    document = copy.deepcopy(json.loads(DATA))
    *parents, last = path.split("/")
    inner = document
    for name in parents:
        inner = inner[int(name) if name.isdigit() else name]
    inner[last] = value
    return json.dumps(document).encode()


SIGNATURE = json.loads(DATA)["dsseEnvelope"]["signatures"][0]
MATERIAL = "verificationMaterial"

REFUSED = {
    "no signature": (_changed("dsseEnvelope/signatures", []), "exactly one signature"),
    "two signatures": (_changed("dsseEnvelope/signatures", [SIGNATURE] * 2), "exactly one"),
    "null for signatures": (_changed("dsseEnvelope/signatures", None), "exactly one signature"),
    "a null signature": (_changed("dsseEnvelope/signatures", [None]), "not an object"),
    "a signature without sig": (_changed("dsseEnvelope/signatures", [{}]), "no 'sig'"),
    "a keyid that is a number": (_changed("dsseEnvelope/signatures/0/keyid", 1), "keyid"),
    "another payload type": (
        _changed("dsseEnvelope/payloadType", "application/json"),
        "'application/json', not",
    ),
    "a payload type in capitals": (
        _changed("dsseEnvelope/payloadType", "application/vnd.in-toto+JSON"),
        "not 'application/vnd.in-toto",
    ),
    "a null payload": (_changed("dsseEnvelope/payload", None), "payload is not a string"),
    "a payload with a line break": (_changed("dsseEnvelope/payload", "YQ==\n"), "base64"),
    "a payload with stray bits": (_changed("dsseEnvelope/payload", "YR=="), "canonical"),
    "a payload in the URL alphabet": (_changed("dsseEnvelope/payload", "_-__"), "base64"),
    "an unknown member in the envelope": (_changed("dsseEnvelope/x", 1), "understood: 'x'"),
    "another version": (_changed("mediaType", MEDIA_TYPE.replace("v0.3", "v0.4")), "v0.4"),
    "an older version that never was": (
        _changed("mediaType", "application/vnd.dev.sigstore.bundle+json;version=0.0"),
        "version=0.0",
    ),
    "no media type": (_changed("mediaType", None), "mediaType is not a string"),
    "an unknown member": (_changed("x", 1), "not understood: 'x'"),
    "a bare message beside the envelope": (
        _changed("messageSignature", {}),
        "one thing that is signed",
    ),
    "no content": (_changed("dsseEnvelope", None), "one thing that is signed"),
    "no key": (_changed(MATERIAL, {}), "neither a key nor a certificate"),
    "material that is a list": (_changed(MATERIAL, []), "not an object"),
    "a hint that is no text": (_changed(f"{MATERIAL}/publicKey/hint", 1), "hint is not a string"),
    "a key in the bundle itself": (
        _changed(f"{MATERIAL}/publicKey/rawBytes", KEY.hint),
        "not understood: 'rawBytes'",
    ),
    "a certificate without its bytes": (
        _changed(MATERIAL, {"certificate": {}}),
        "no 'rawBytes'",
    ),
    "a certificate beside the key": (
        _changed(f"{MATERIAL}/certificate", {"rawBytes": "YQ=="}),
        "publicKey and certificate",
    ),
    "a certificate chain beside the key": (
        _changed(f"{MATERIAL}/x509CertificateChain", {"certificates": []}),
        "publicKey and x509CertificateChain",
    ),
    "an empty certificate chain": (
        _changed(MATERIAL, {"x509CertificateChain": {"certificates": []}}),
        "chain is empty",
    ),
    "a log entry of no log": (
        _changed(f"{MATERIAL}/tlogEntries", [{"logIndex": "1"}]),
        "no 'logId'",
    ),
    "more log entries than anybody makes": (
        _changed(f"{MATERIAL}/tlogEntries", [{}] * 33),
        "at most 32",
    ),
    "an empty timestamp": (
        _changed(f"{MATERIAL}/timestampVerificationData", {"rfc3161Timestamps": [{}]}),
        "no 'signedTimestamp'",
    ),
    "material that is not understood": (_changed(f"{MATERIAL}/x", 1), "not understood: 'x'"),
    "data after it": (DATA + b"\n{}", "strict JSON"),
    "a duplicate member": (DATA[:-1] + b',"mediaType":"x"}', "strict JSON"),
    "a duplicate signatures member": (
        DATA.replace(b'"signatures":', b'"signatures":[],"signatures":'),
        "strict JSON",
    ),
    "nothing": (b"", "strict JSON"),
    "a list": (b"[]", "not an object"),
}


@pytest.mark.parametrize(("data", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_understood_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(InputError) as caught:
        Bundle.parse(data)
    assert words in f"{caught.value} {caught.value.because}"


@pytest.mark.parametrize("empty", [[], None])
def test_an_empty_list_of_log_entries_is_none(empty: object) -> None:
    assert Bundle.parse(_changed(f"{MATERIAL}/tlogEntries", empty)) == Bundle.parse(DATA)


def test_a_huge_bundle_is_not_parsed() -> None:
    with pytest.raises(LimitError, match="the bundle has"):
        Bundle.parse(b" " * (BUNDLE_LIMIT + 1))


def test_nobody_can_be_made_to_sign_what_nobody_would_read() -> None:
    with pytest.raises(LimitError, match="can be signed"):
        Bundle.by_key(KEY.hint, Envelope(bytes(PAYLOAD_LIMIT + 1), b"s")).encode()
