"""Keys in Azure Key Vault: `azurekms://VAULT.vault.azure.net/KEY[/VERSION]`.

Credentials come from where every Azure client takes them (`DefaultAzureCredential`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from supplychain.errors import (
    ConfigurationError,
    InputError,
    KeyServiceError,
    NotFoundError,
    SupplyChainError,
)
from supplychain.signing.keys.access import Access
from supplychain.signing.keys.remote import (
    RemoteSigner,
    der,
    extra_missing,
    wrong_form,
    wrong_kind,
)
from supplychain.signing.signer import PublicKey

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.exceptions import HttpResponseError
    from azure.keyvault.keys import KeyVaultKey

T = TypeVar("T")

_REFERENCE = re.compile(
    r"azurekms://([A-Za-z0-9.-]{1,250}(?::[0-9]{1,5})?)/([A-Za-z0-9-]{1,127})(?:/([A-Za-z0-9]{1,32}))?"
)
_KINDS = frozenset({"EC", "EC-HSM"})
_LIMITS: dict[str, Any] = {
    "connection_timeout": 5,
    "read_timeout": 10,
    "retry_total": 2,
    "retry_backoff_factor": 0.2,
    "logging_enable": False,
}


def open_key(reference: str, _access: Access) -> RemoteSigner:
    """The signer of a key in Azure Key Vault.

    Raises:
        InputError: It is no such reference, or the key is of another kind than P-256.
        ToolMissingError: Azure's libraries are not installed.
        ConfigurationError: There are no credentials.
        NotFoundError: There is no such key.
        KeyServiceError: The vault cannot be reached, or refuses.
    """
    if _REFERENCE.fullmatch(reference) is None:
        raise wrong_form(reference, "azurekms://VAULT.vault.azure.net/KEY")
    try:
        import azure.keyvault.keys  # noqa: F401  # both are needed, and one may be there alone
        from azure.identity import DefaultAzureCredential
    except ImportError:
        raise extra_missing("azure", "keys in Azure Key Vault") from None
    return signer(reference, DefaultAzureCredential())


def signer(reference: str, credential: TokenCredential, **transport: Any) -> RemoteSigner:
    """As `open_key`, with credentials that are there already.

    Args:
        reference: The key.
        credential: Gives the tokens.
        **transport: Further options of Azure's clients, on how to reach the vault.
    """
    from azure.keyvault.keys import KeyClient
    from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm

    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise wrong_form(reference, "azurekms://VAULT.vault.azure.net/KEY")
    options = {**_LIMITS, **transport}
    client = KeyClient(f"https://{match[1]}", credential, **options)
    found = _asked(reference, lambda: client.get_key(match[2], match[3]))
    public_key = _public_key(reference, found)
    # By the key's own ID, which has the version: it does not change while we sign.
    signing = CryptographyClient(str(found.id), credential, **options)

    def sign(digest: bytes) -> bytes:
        signed = _asked(reference, lambda: signing.sign(SignatureAlgorithm.es256, digest))
        return der(signed.signature, reference)

    return RemoteSigner(reference, public_key, sign)


def _public_key(reference: str, found: KeyVaultKey) -> PublicKey:
    key: Any = found.key
    kind, curve = _text(key.kty), _text(key.crv)
    if kind not in _KINDS or curve != "P-256":
        raise wrong_kind(reference, f"{kind} {curve}".strip())
    return PublicKey.from_point(bytes(key.x).rjust(32, b"\0") + bytes(key.y).rjust(32, b"\0"))


def _text(word: object) -> str:
    """A word that the library gives as an enumeration where it knows it."""
    return str(getattr(word, "value", word) or "")


def _asked(reference: str, call: Callable[[], T]) -> T:
    from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

    try:
        return call()
    except HttpResponseError as error:
        raise _refusal(reference, error) from error
    except ClientAuthenticationError as error:
        raise _no_credentials(reference, error) from error
    except AzureError as error:
        raise KeyServiceError(
            f"{reference} cannot be reached", because=str(error.message)[:300]
        ) from error
    except ValueError as error:
        raise InputError(f"{reference} is not usable", because=str(error)[:300]) from error


def _refusal(reference: str, error: HttpResponseError) -> SupplyChainError:
    from azure.core.exceptions import ClientAuthenticationError

    said = str(error.message)[:300]
    if isinstance(error, ClientAuthenticationError) and error.status_code is None:
        return _no_credentials(reference, error)
    if error.status_code == 404:
        return NotFoundError(f"there is no key {reference}", because=said or None)
    hint = None
    if error.status_code in {401, 403}:
        hint = "it takes the role Key Vault Crypto User, or the permissions get and sign on keys"
    return KeyServiceError(
        f"Azure Key Vault refuses {reference} with status {error.status_code}",
        because=said or None,
        hint=hint,
        retryable=error.status_code in {408, 429, 500, 502, 503, 504},
    )


def _no_credentials(reference: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"there are no credentials for {reference}",
        because=str(error)[:300],
        hint="az login, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
    )
