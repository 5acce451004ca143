"""Keys in Google Cloud KMS, by `gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K`.

With `/cryptoKeyVersions/N` behind it that version, else the newest that is enabled. Credentials
come from where every Google client takes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from supplychain.errors import (
    ConfigurationError,
    InputError,
    KeyServiceError,
    NotFoundError,
)
from supplychain.signing.keys.access import Access
from supplychain.signing.keys.remote import (
    RemoteSigner,
    extra_missing,
    wrong_form,
    wrong_kind,
)
from supplychain.signing.signer import PublicKey

if TYPE_CHECKING:
    from google.cloud.kms_v1 import KeyManagementServiceClient

T = TypeVar("T")

_PART = r"[A-Za-z0-9:._-]{1,63}"
_REFERENCE = re.compile(
    rf"gcpkms://(projects/{_PART}/locations/{_PART}/keyRings/{_PART}/cryptoKeys/{_PART})"
    r"(?:/(?:cryptoKeyVersions|versions)/([0-9]{1,9}))?"
)
_FORM = "gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K"
_TIMEOUT = 30.0  # seconds for a call with its repetitions


def open_key(reference: str, _access: Access) -> RemoteSigner:
    """The signer of a key in Google Cloud KMS.

    Raises:
        InputError: It is no such reference, or the key is of another kind than P-256.
        ToolMissingError: google-cloud-kms is not installed.
        ConfigurationError: There are no credentials.
        NotFoundError: There is no such key, or no version of it is enabled.
        KeyServiceError: KMS cannot be reached, or refuses.
    """
    if _REFERENCE.fullmatch(reference) is None:
        raise wrong_form(reference, _FORM)
    try:
        from google.auth.exceptions import GoogleAuthError
        from google.cloud.kms_v1 import KeyManagementServiceClient
    except ImportError:
        raise extra_missing("gcp", "keys in Google Cloud KMS") from None
    try:
        client = KeyManagementServiceClient(transport="rest")
    except GoogleAuthError as error:
        raise _no_credentials(reference, error) from error
    return signer(reference, client)


def signer(reference: str, client: KeyManagementServiceClient) -> RemoteSigner:
    """As `open_key`, with a client that is there already."""
    from google.cloud.kms_v1 import CryptoKeyVersion, Digest

    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise wrong_form(reference, _FORM)
    wanted = CryptoKeyVersion.CryptoKeyVersionAlgorithm.EC_SIGN_P256_SHA256
    version = (
        f"{match[1]}/cryptoKeyVersions/{match[2]}"
        if match[2]
        else _newest(reference, match[1], client)
    )
    found = _asked(reference, lambda: client.get_public_key(name=version, timeout=_TIMEOUT))
    if found.algorithm != wanted:
        raise wrong_kind(reference, found.algorithm.name)

    def sign(digest: bytes) -> bytes:
        # Their checksums are not needed: what comes back is verified with the public key.
        return _asked(
            reference,
            lambda: client.asymmetric_sign(
                name=version, digest=Digest(sha256=digest), timeout=_TIMEOUT
            ),
        ).signature

    return RemoteSigner(reference, PublicKey.parse_pem(found.pem.encode(), reference), sign)


def _newest(reference: str, key: str, client: KeyManagementServiceClient) -> str:
    request = {"parent": key, "filter": "state=ENABLED"}
    names = _asked(
        reference,
        lambda: [
            version.name
            for version in client.list_crypto_key_versions(request=request, timeout=_TIMEOUT)
        ],
    )
    numbers = [int(end) for name in names if (end := name.rpartition("/")[2]).isdecimal()]
    if not numbers:
        raise NotFoundError(f"no version of {reference} is enabled")
    return f"{key}/cryptoKeyVersions/{max(numbers)}"


def _asked(reference: str, call: Callable[[], T]) -> T:
    import requests
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError

    try:
        return call()
    except exceptions.NotFound as error:
        raise NotFoundError(
            f"there is no key {reference}", because=error.message[:300] or None
        ) from error
    except exceptions.BadRequest as error:
        raise InputError(
            f"{reference} is no key that signs", because=error.message[:300] or None
        ) from error
    except (exceptions.Forbidden, exceptions.Unauthorized) as error:
        raise KeyServiceError(
            f"Google Cloud KMS refuses {reference}",
            because=error.message[:300] or None,
            hint="it takes the roles cloudkms.signer and cloudkms.viewer on the key",
            retryable=False,
        ) from error
    except GoogleAuthError as error:
        raise _no_credentials(reference, error) from error
    except (exceptions.GoogleAPIError, requests.RequestException) as error:
        raise KeyServiceError(f"{reference} cannot be reached", because=str(error)[:300]) from error


def _no_credentials(reference: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"there are no credentials for {reference}",
        because=str(error)[:300],
        hint="gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS",
    )
