"""What comes with a signature: a bundle's verification material, and cosign's annotations."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from supplychain.errors import InputError, LimitError
from supplychain.signing.bundle import Bundle
from supplychain.signing.trust.material import Material
from tests.kit.sigstore import AT, Forge
from tests.kit.sigstore import Signed as Made
from tests.kit.sigstore.keys import text
from tests.unit.signing.trust.asking import STATEMENT

FAMILY = "application/vnd.dev.sigstore.bundle"


def _material(made: Made) -> dict[str, Any]:
    value: Any = made.value()["verificationMaterial"]
    return dict(value)


def _der(made: Made) -> bytes:
    assert made.certificate is not None
    return made.certificate.public_bytes(Encoding.DER)


def _old(made: Made, version: str) -> dict[str, Any]:
    """The same bundle as it was before v0.3, with a chain of certificates."""
    value: Any = made.value()
    material = value["verificationMaterial"]
    chain = [{"rawBytes": text(one.public_bytes(Encoding.DER))} for one in made.chain]
    material["x509CertificateChain"] = {"certificates": [material.pop("certificate"), *chain]}
    return {**value, "mediaType": f"{FAMILY}+json;version={version}"}


def _parsed(value: object) -> Material:
    return Bundle.parse(json.dumps(value).encode()).material


def test_a_certificate_with_an_entry_and_timestamps(forge: Forge) -> None:
    made = forge.attest(STATEMENT, stamped_at=[AT, AT])
    read = Material.parse(_material(made))
    assert (read.certificate, read.key_hint, read.needs_proof) == (_der(made), "", True)
    assert [entry.index for entry in read.entries] == [made.entry.index]
    assert read.timestamps == made.timestamps


def test_a_key_with_an_entry(forge: Forge) -> None:
    made = forge.attest(STATEMENT, keyed=True)
    read = Material.parse(_material(made))
    assert (read.certificate, len(read.entries), read.timestamps) == (None, 1, ())
    assert read.key_hint == _material(made)["publicKey"]["hint"]


@pytest.mark.parametrize(("version", "proof"), [("0.1", False), ("0.2", True)])
def test_bundles_before_v0_3_have_a_chain(forge: Forge, version: str, *, proof: bool) -> None:
    made = forge.attest(STATEMENT)
    read = _parsed(_old(made, version))
    assert (read.certificate, read.needs_proof) == (_der(made), proof)


def test_each_version_has_its_certificate_in_its_place(forge: Forge) -> None:
    made = forge.attest(STATEMENT)
    old, new = _old(made, "0.2"), made.value()
    for value in (
        {**old, "mediaType": f"{FAMILY}.v0.3+json"},
        {**old, "mediaType": f"{FAMILY}+json;version=0.3"},
        {**new, "mediaType": f"{FAMILY}+json;version=0.2"},
        {**new, "mediaType": f"{FAMILY}+json;version=0.1"},
    ):
        with pytest.raises(InputError, match="where its version does not look for it"):
            _parsed(value)
    for version in ("0.4", "1.0", "0.3 ", "0.30"):
        with pytest.raises(InputError, match="the bundle is"):
            _parsed({**new, "mediaType": f"{FAMILY}+json;version={version}"})


def test_what_is_null_is_not_there(forge: Forge) -> None:
    value = _material(forge.attest(STATEMENT))
    nulls = {"publicKey": None, "x509CertificateChain": None, "timestampVerificationData": None}
    assert Material.parse({**value, **nulls}) == Material.parse(value)
    key = {"publicKey": {"hint": "x"}, "tlogEntries": None}
    assert Material.parse(key) == Material(key_hint="x")


Edit = Callable[[Any], object]
REFUSED: dict[str, tuple[Edit, str]] = {
    "nobody": (lambda v: v.pop("certificate"), "neither a key nor a certificate"),
    "both": (lambda v: v.update(publicKey={}), "publicKey and certificate"),
    "something else": (lambda v: v.update(witness={}), "not understood"),
    "a certificate in PEM": (
        lambda v: v.update(certificate={"rawBytes": "-----BEGIN CERTIFICATE-----"}),
        "base64",
    ),
    "33 entries": (lambda v: v.update(tlogEntries=v["tlogEntries"] * 33), "at most 32"),
    "33 timestamps": (
        lambda v: v.update(
            timestampVerificationData={"rfc3161Timestamps": [{"signedTimestamp": ""}] * 33}
        ),
        "at most 32",
    ),
    "a timestamp of another kind": (
        lambda v: v.update(timestampVerificationData={"rfc9999Timestamps": []}),
        "not understood",
    ),
    "an entry that is none": (lambda v: v.update(tlogEntries=[{}]), "has no"),
    "an entry that is null": (lambda v: v.update(tlogEntries=[None]), "not an object"),
}


@pytest.mark.parametrize(("edit", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_malformed_is_refused(forge: Forge, edit: Edit, words: str) -> None:
    value = _material(forge.attest(STATEMENT))
    edit(value)
    with pytest.raises((InputError, LimitError)) as caught:
        Material.parse(value)
    assert words in f"{caught.value} {caught.value.because}"


def test_annotations(forge: Forge) -> None:
    made = forge.sign(b"payload", stamped_at=[AT])
    read = Material.of_annotations(dict(made.annotations()))
    assert (read.certificate, read.needs_proof) == (_der(made), False)
    assert [entry.kind for entry in read.entries] == [""]
    assert read.timestamps == made.timestamps


def test_annotations_of_others_and_empty_ones_say_nothing() -> None:
    said = {
        "dev.cosignproject.cosign/signature": "x",
        "org.example/note": "x",
        "dev.sigstore.cosign/bundle": "",
        "dev.sigstore.cosign/certificate": "",
        "dev.sigstore.cosign/chain": "",
        "dev.sigstore.cosign/rfc3161timestamp": "",
    }
    assert Material.of_annotations(said) == Material(needs_proof=False)


PREFIX = "dev.sigstore.cosign/"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("revocation", "x", "not understood"),
        ("bundle", 7, "not a string"),
        ("bundle", "text", "strict JSON"),
        ("rfc3161timestamp", "text", "strict JSON"),
        ("rfc3161timestamp", "{}", "SignedRFC3161Timestamp"),
        ("rfc3161timestamp", '{"SignedRFC3161Timestamp":"e30"}', "base64"),
        ("certificate", "text", "is none"),
        ("certificate", "-----END CERTIFICATE-----", "not a PEM file"),
        ("certificate", "x" * 70000 + "-----END CERTIFICATE-----", "is none"),
        (
            "certificate",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END CERTIFICATE-----",
            "not a PEM file",
        ),
        ("certificate", "\ud800", "not Unicode"),
    ],
)
def test_annotations_that_are_malformed(name: str, value: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Material.of_annotations({f"{PREFIX}{name}": value})


def test_the_first_certificate_counts_and_what_follows_does_not(forge: Forge) -> None:
    made = forge.sign(b"payload")
    said = dict(made.annotations())
    leaf, chain = said[f"{PREFIX}certificate"], said[f"{PREFIX}chain"]
    both = Material.of_annotations({**said, f"{PREFIX}certificate": leaf + chain})
    assert both.certificate == _der(made)
    turned = Material.of_annotations({**said, f"{PREFIX}certificate": chain + leaf})
    assert turned.certificate == made.chain[0].public_bytes(Encoding.DER)
    # Who issued it is the trusted root's to say: the chain beside it is not even read.
    assert Material.of_annotations({**said, f"{PREFIX}chain": "text"}) == both
