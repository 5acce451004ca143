"""What everything that calls itself a `Signer` must do; each new kind of key joins the list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from supplychain.errors import VerificationError
from supplychain.signing import dsse, keyfile
from supplychain.signing.opening import load_ahead
from supplychain.signing.signer import PublicKey, Signer
from tests.kit.keys import signer as in_memory


def _from_file(folder: Path) -> Signer:
    keyfile.create(folder / "k.key", folder / "k.pub", lambda: b"")
    return keyfile.load(folder / "k.key", lambda: b"")


def _opened_ahead(folder: Path) -> Signer:
    keyfile.create(folder / "k.key", folder / "k.pub", lambda: b"")
    signer = load_ahead(folder / "k.key", lambda: b"")
    assert signer.public_key == PublicKey.parse_pem((folder / "k.pub").read_bytes())
    return signer


SIGNERS: dict[str, Callable[[Path], Signer]] = {
    "in memory": lambda folder: in_memory("contract"),
    "key file": _from_file,
    "key file, opened ahead": _opened_ahead,
}


@pytest.fixture(scope="module", params=list(SIGNERS))
def signer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return SIGNERS[request.param](tmp_path_factory.mktemp("signer"))


@pytest.mark.parametrize("data", [b"", b"x", b"\0" * 100_000], ids=len)
def test_its_public_key_verifies_what_it_signs(signer: Signer, data: bytes) -> None:
    signer.public_key.verify(signer.sign(data), data)


def test_its_public_key_verifies_nothing_else(signer: Signer) -> None:
    with pytest.raises(VerificationError):
        signer.public_key.verify(signer.sign(b"this"), b"that")


def test_its_signatures_are_der(signer: Signer) -> None:
    r, s = decode_dss_signature(signer.sign(b"data"))
    assert 0 < r < 2**256
    assert 0 < s < 2**256


def test_its_public_key_stays_the_same(signer: Signer) -> None:
    assert signer.public_key == signer.public_key == PublicKey.parse_pem(signer.public_key.pem())


def test_it_seals_envelopes(signer: Signer) -> None:
    dsse.seal(b"{}", signer).verify(signer.public_key)


def test_it_shows_no_secret(signer: Signer) -> None:
    assert signer.public_key.fingerprint in repr(signer)
    assert "PRIVATE" not in repr(signer)
