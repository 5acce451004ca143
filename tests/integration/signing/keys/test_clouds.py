"""Keys in Google Cloud KMS and Azure Key Vault, when things are not as they should be."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from supplychain.errors import (
    ConfigurationError,
    InputError,
    KeyServiceError,
    NotFoundError,
    SupplyChainError,
    ToolMissingError,
    VerificationError,
)
from supplychain.signing.keys.reference import create_key, open_signer
from tests.kit.cloud_kms import (
    KEY,
    FakeCloudKms,
    FakeKeyVault,
    azure_error,
    fake_cloud_kms,
    fake_key_vault,
    google_error,
)
from tests.kit.json_server import Reply
from tests.kit.key_access import access


@pytest.fixture
def google() -> Iterator[FakeCloudKms]:
    with fake_cloud_kms() as running:
        yield running


@pytest.fixture
def azure(tmp_path: Path) -> Iterator[FakeKeyVault]:
    with fake_key_vault(tmp_path) as running:
        yield running


def test_googles_newest_enabled_version_signs(google: FakeCloudKms) -> None:
    first = google.signer()
    for _ in range(10):
        google.add_version()
    newest = google.signer()
    named = google.signer(f"gcpkms://{KEY}/cryptoKeyVersions/11")
    assert newest.public_key == named.public_key != first.public_key
    assert google.signer(f"gcpkms://{KEY}/versions/1").public_key == first.public_key
    # Who opened the key before goes on with the version whose public key it told.
    first.public_key.verify(first.sign(b"data"), b"data")


def test_googles_key_without_an_enabled_version_does_not_sign(google: FakeCloudKms) -> None:
    google.versions.clear()
    with pytest.raises(NotFoundError, match="no version of"):
        google.signer()


def test_googles_version_that_is_not_there_is_told(google: FakeCloudKms) -> None:
    with pytest.raises(NotFoundError, match="there is no key"):
        google.signer(f"gcpkms://{KEY}/cryptoKeyVersions/9")


def test_googles_key_of_another_kind_is_refused(google: FakeCloudKms) -> None:
    google.algorithm = "EC_SIGN_P384_SHA384"
    with pytest.raises(InputError, match="of kind EC_SIGN_P384_SHA384"):
        google.signer()


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (google_error(403, "PERMISSION_DENIED", "Permission denied"), KeyServiceError),
        (google_error(401, "UNAUTHENTICATED", "Invalid credentials"), ConfigurationError),
        (google_error(400, "FAILED_PRECONDITION", "is not enabled"), InputError),
        (google_error(500, "INTERNAL", "Internal error"), KeyServiceError),
        (Reply(502, b"<html>bad gateway</html>"), KeyServiceError),
    ],
)
def test_googles_refusal_is_our_error(
    google: FakeCloudKms, reply: Reply, kind: type[SupplyChainError]
) -> None:
    signer = google.signer()
    google.broken = reply
    with pytest.raises(kind):
        google.signer()
    with pytest.raises(kind):
        signer.sign(b"data")


def test_a_signature_of_another_version_is_not_believed(google: FakeCloudKms) -> None:
    signer = google.signer()
    google.versions.clear()
    google.add_version()
    with pytest.raises(VerificationError, match="does not verify"):
        signer.sign(b"data")


def test_azures_latest_version_signs(azure: FakeKeyVault) -> None:
    first = azure.signer()
    version = azure.add_version()
    latest = azure.signer()
    assert latest.public_key == azure.signer(f"release/{version}").public_key != first.public_key
    first.public_key.verify(first.sign(b"data"), b"data")


def test_azures_missing_key_is_told(azure: FakeKeyVault) -> None:
    with pytest.raises(NotFoundError, match="there is no key azurekms://"):
        azure.signer("none")


def test_azures_key_of_another_kind_is_refused(azure: FakeKeyVault) -> None:
    azure.curve = "P-384"
    with pytest.raises(InputError, match="of kind EC P-384"):
        azure.signer()


@pytest.mark.parametrize("status", [403, 429, 500])
def test_azures_refusal_is_our_error(azure: FakeKeyVault, status: int) -> None:
    signer = azure.signer()
    azure.broken = azure_error(status, "Refused", "caller is not authorised")
    for ask in (azure.signer, lambda: signer.sign(b"data")):
        with pytest.raises(KeyServiceError, match=f"status {status}") as caught:
            ask()
        assert caught.value.retryable == (status != 403)
        assert "hunter2" not in f"{caught.value.diagnostics()} {caught.value.__cause__}"


def test_azures_signature_by_another_key_is_not_believed(azure: FakeKeyVault) -> None:
    signer = azure.signer()
    (name,) = azure.keys
    other = azure.keys[azure.add_version()]
    azure.keys[name] = other
    with pytest.raises(VerificationError, match="does not verify"):
        signer.sign(b"data")


@pytest.mark.parametrize(
    "reference",
    [
        "gcpkms://",
        "gcpkms://projects/p/locations/l/keyRings/r",
        f"gcpkms://{KEY}/cryptoKeyVersions/latest",
        "azurekms://",
        "azurekms://vault",
        "azurekms://vault/key/version/more",
        "azurekms://user@vault/key",
    ],
)
def test_what_is_no_reference_is_refused(reference: str) -> None:
    with pytest.raises(InputError, match="is not a key reference"):
        open_signer(reference, access())


def test_no_google_credentials_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(ConfigurationError, match="no credentials for gcpkms://"):
        open_signer(f"gcpkms://{KEY}", access())


@pytest.mark.parametrize(
    ("reference", "library", "extra"),
    [
        (f"gcpkms://{KEY}", "google.cloud.kms_v1", "gcp"),
        ("azurekms://vault/key", "azure.identity", "azure"),
        ("azurekms://vault/key", "azure.keyvault.keys", "azure"),
    ],
)
def test_a_missing_library_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, reference: str, library: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ToolMissingError) as caught:
        open_signer(reference, access())
    assert caught.value.hint == f"pip install 'supplychain[{extra}]'"


@pytest.mark.parametrize("reference", [f"gcpkms://{KEY}", "azurekms://vault/key", "env://KEY"])
def test_keys_are_not_made_where_we_cannot(reference: str) -> None:
    with pytest.raises(InputError, match="no key can be made at") as caught:
        create_key(reference, access())
    assert "openbao://" in str(caught.value.because)
