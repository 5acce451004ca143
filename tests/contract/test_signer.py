"""What everything that calls itself a `Signer` must do; each new kind of key joins the list."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from supplychain.errors import VerificationError
from supplychain.signing import dsse
from supplychain.signing.keys import keyfile
from supplychain.signing.keys.reference import open_public_key, open_signer
from supplychain.signing.signer import PublicKey, Signer
from supplychain.signing.trust.keys import VerifyingKey
from tests.kit.aws_kms import RunningKms
from tests.kit.cloud_kms import FakeCloudKms, FakeKeyVault, fake_cloud_kms, fake_key_vault
from tests.kit.key_access import access
from tests.kit.keys import signer as in_memory
from tests.kit.kubernetes import cluster
from tests.kit.openbao import RunningOpenBao
from tests.kit.softhsm import PIN, SoftHsm

PASSWORD = "correct horse"
PEM, PUBLIC = keyfile.generate(PASSWORD.encode())

# What is opened: a signer, and its public key as somebody knows it who cannot sign.
Opened = tuple[Signer, VerifyingKey]
Opener = Callable[[pytest.FixtureRequest, Path], Opened]


def _in_memory(_request: pytest.FixtureRequest, _folder: Path) -> Opened:
    signer = in_memory("contract")
    return signer, signer.public_key


def _from_file(_request: pytest.FixtureRequest, folder: Path) -> Opened:
    (folder / "k.key").write_bytes(PEM)
    (folder / "k.pub").write_bytes(PUBLIC.pem())
    signer = open_signer(str(folder / "k.key"), access(password=PASSWORD))
    return signer, open_public_key(str(folder / "k.pub"), access())


def _from_variable(_request: pytest.FixtureRequest, _folder: Path) -> Opened:
    environ = {"SIGNING_KEY": PEM.decode(), "CHECKING_KEY": PUBLIC.pem().decode()}
    signer = open_signer("env://SIGNING_KEY", access(environ, PASSWORD))
    return signer, open_public_key("env://CHECKING_KEY", access(environ))


def _from_mounted_secret(_request: pytest.FixtureRequest, folder: Path) -> Opened:
    (folder / "cosign.key").write_bytes(PEM)
    (folder / "cosign.pub").write_bytes(PUBLIC.pem())
    (folder / "cosign.password").write_bytes(PASSWORD.encode())
    return open_signer(str(folder), access()), open_public_key(str(folder), access())


def _from_cluster(_request: pytest.FixtureRequest, folder: Path) -> Opened:
    entries = {"cosign.key": PEM, "cosign.pub": PUBLIC.pem(), "cosign.password": PASSWORD.encode()}
    with cluster(folder) as running:
        running.secrets["ci", "signing"] = entries
        surroundings = access(running.kubeconfig(folder / "kubeconfig"))
        signer = open_signer("k8s://ci/signing", surroundings)
        return signer, open_public_key("k8s://ci/signing", surroundings)


def _from_openbao(request: pytest.FixtureRequest, _folder: Path) -> Opened:
    server: RunningOpenBao = request.getfixturevalue("openbao")
    reference = f"openbao://{server.new_key()}"
    surroundings = access(server.environ())
    return open_signer(reference, surroundings), open_public_key(reference, surroundings)


def _from_vault(request: pytest.FixtureRequest, _folder: Path) -> Opened:
    server: RunningOpenBao = request.getfixturevalue("openbao")
    reference = f"hashivault://{server.new_key()}"
    surroundings = access(server.environ("VAULT"))
    return open_signer(reference, surroundings), open_public_key(reference, surroundings)


def _from_aws(request: pytest.FixtureRequest, _folder: Path) -> Opened:
    kms: RunningKms = request.getfixturevalue("aws_kms")
    reference = f"awskms:///{kms.new_key()}"
    return open_signer(reference, access()), open_public_key(reference, access())


def _from_google(request: pytest.FixtureRequest, _folder: Path) -> Opened:
    kms = request.getfixturevalue("cloud_kms")
    return kms.signer(), kms.signer().public_key


def _from_azure(request: pytest.FixtureRequest, _folder: Path) -> Opened:
    vault = request.getfixturevalue("key_vault")
    return vault.signer(), vault.signer().public_key


def _from_token(request: pytest.FixtureRequest, _folder: Path) -> Opened:
    token: SoftHsm = request.getfixturevalue("softhsm")
    reference = token.reference(token.new_key())
    signer = open_signer(reference, access(password=PIN))
    return signer, open_public_key(reference, access(password=PIN))


@pytest.fixture(scope="module")
def cloud_kms() -> Iterator[FakeCloudKms]:
    with fake_cloud_kms() as running:
        yield running


@pytest.fixture(scope="module")
def key_vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeKeyVault]:
    with fake_key_vault(tmp_path_factory.mktemp("vault")) as running:
        yield running


SIGNERS: dict[str, Opener] = {
    "in memory": _in_memory,
    "key file": _from_file,
    "variable": _from_variable,
    "mounted secret": _from_mounted_secret,
    "Kubernetes": _from_cluster,
    "OpenBao": _from_openbao,
    "Vault": _from_vault,
    "AWS KMS": _from_aws,
    "Google Cloud KMS": _from_google,
    "Azure Key Vault": _from_azure,
    "PKCS#11": _from_token,
}


@pytest.fixture(scope="module", params=list(SIGNERS))
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return SIGNERS[request.param](request, tmp_path_factory.mktemp("signer"))


@pytest.fixture
def signer(opened: Opened) -> Signer:
    return opened[0]


@pytest.mark.parametrize("data", [b"", b"x", b"\0" * 100_000], ids=len)
def test_its_public_key_verifies_what_it_signs(signer: Signer, data: bytes) -> None:
    signer.public_key.verify(signer.sign(data), data)


def test_its_public_key_verifies_nothing_else(signer: Signer) -> None:
    with pytest.raises(VerificationError):
        signer.public_key.verify(signer.sign(b"this"), b"that")


def test_it_signs_what_only_the_digest_is_known_of(signer: Signer) -> None:
    data = b"a large file"
    signer.public_key.verify(signer.sign_digest(hashlib.sha256(data).digest()), data)


def test_its_signatures_are_der(signer: Signer) -> None:
    r, s = decode_dss_signature(signer.sign(b"data"))
    assert 0 < r < 2**256
    assert 0 < s < 2**256


def test_its_public_key_stays_the_same(signer: Signer) -> None:
    assert signer.public_key == signer.public_key == PublicKey.parse_pem(signer.public_key.pem())


def test_its_public_key_is_known_to_those_who_cannot_sign(opened: Opened) -> None:
    signer, public_key = opened
    assert signer.public_key == public_key


def test_it_seals_envelopes(signer: Signer) -> None:
    dsse.seal(b"{}", signer).verify(signer.public_key)


def test_it_shows_no_secret(signer: Signer) -> None:
    assert signer.public_key.fingerprint in repr(signer)
    assert "PRIVATE" not in repr(signer)
    assert PASSWORD not in repr(signer)
    assert PIN not in repr(signer)
