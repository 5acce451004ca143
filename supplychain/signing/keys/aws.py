"""Keys in AWS KMS: `awskms://[ENDPOINT]/ID`, where ID is a key's ID or ARN, or an alias.

Credentials and region come from where every AWS client takes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from supplychain.errors import (
    ConfigurationError,
    ConflictError,
    InputError,
    KeyServiceError,
    NotFoundError,
    SupplyChainError,
)
from supplychain.signing.keys.access import Access
from supplychain.signing.keys.remote import (
    RemoteSigner,
    extra_missing,
    wrong_form,
    wrong_kind,
)
from supplychain.signing.signer import PublicKey

_KIND, _ALGORITHM = "ECC_NIST_P256", "ECDSA_SHA_256"
_ARN = r"arn:[a-z-]+:kms:(?P<region>[a-z0-9-]+):[0-9]{12}:"
_ID = r"[A-Za-z0-9-]{1,64}"
_ALIAS = r"alias/[A-Za-z0-9/_-]{1,250}"
_REFERENCE = re.compile(
    # A host has a dot or a port in it, so that two slashes for three are noticed.
    r"awskms://(?P<host>(?:[A-Za-z0-9-]*[.:][A-Za-z0-9.:-]*)?)/"
    rf"(?P<id>(?:{_ARN})?(?:key/{_ID}|{_ALIAS})|{_ID})"
)
_REFUSED = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "UnrecognizedClientException",
    }
)
_PASSING = frozenset({"DependencyTimeoutException", "KMSInternalException", "ThrottlingException"})


def open_key(reference: str, _access: Access) -> RemoteSigner:
    """The signer of a key in AWS KMS.

    Raises:
        InputError: It is no such reference, or the key is of another kind than P-256.
        ToolMissingError: boto3 is not installed.
        ConfigurationError: There is no region, or there are no credentials.
        NotFoundError: There is no such key.
        KeyServiceError: KMS cannot be reached, or refuses.
    """
    client, key = _client(reference)
    found = _asked(reference, lambda: client.get_public_key(KeyId=key))
    kind = found.get("KeySpec") or found.get("CustomerMasterKeySpec")  # its older name
    if kind != _KIND or found.get("KeyUsage") != "SIGN_VERIFY":
        raise wrong_kind(reference, f"{kind}, {found.get('KeyUsage')}")
    key_id = found["KeyId"]  # an alias may be moved to another key meanwhile

    def sign(digest: bytes) -> bytes:
        signed: bytes = _asked(
            reference,
            lambda: client.sign(
                KeyId=key_id,
                Message=digest,
                MessageType="DIGEST",
                SigningAlgorithm=_ALGORITHM,
            ),
        )["Signature"]
        return signed

    return RemoteSigner(reference, PublicKey(found["PublicKey"]), sign)


def create_key(reference: str, access: Access) -> PublicKey:
    """Make a new ECDSA P-256 key under an alias, and give its public key.

    Raises:
        ConflictError: The alias is taken.
        SupplyChainError: As `open_key`.
    """
    client, alias = _client(reference)
    if not alias.startswith("alias/"):
        raise wrong_form(reference, "awskms:///alias/NAME for a new key")
    try:
        open_key(reference, access)
    except NotFoundError:
        pass
    else:
        raise ConflictError(f"{reference} exists already", hint="choose another alias")
    made = _asked(reference, lambda: client.create_key(KeySpec=_KIND, KeyUsage="SIGN_VERIFY"))
    key_id = made["KeyMetadata"]["KeyId"]
    _asked(reference, lambda: client.create_alias(AliasName=alias, TargetKeyId=key_id))
    return open_key(reference, access).public_key


def _client(reference: str) -> tuple[Any, str]:
    """A client for KMS, and the key's ID there."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise wrong_form(reference, "awskms:///alias/NAME, awskms:///ID or awskms:///ARN")
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise extra_missing("aws", "keys in AWS KMS") from None
    config = Config(
        connect_timeout=5, read_timeout=10, retries={"mode": "standard", "max_attempts": 3}
    )
    try:
        client = boto3.session.Session().client(
            "kms",
            config=config,
            region_name=match["region"],
            endpoint_url=f"https://{match['host']}" if match["host"] else None,
        )
    except (BotoCoreError, ValueError) as error:
        raise ConfigurationError(
            "AWS KMS cannot be used", because=str(error), hint="export AWS_REGION=eu-central-1"
        ) from error
    return client, match["id"]


def _asked(reference: str, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        CredentialRetrievalError,
        NoCredentialsError,
        PartialCredentialsError,
    )

    try:
        return call()
    except ClientError as error:
        raise _refusal(reference, error.response.get("Error", {})) from error
    except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError) as error:
        raise ConfigurationError(
            f"there are no credentials for {reference}",
            because=str(error),
            hint="log in with the AWS CLI, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ) from error
    except BotoCoreError as error:
        raise KeyServiceError(f"{reference} cannot be reached", because=str(error)) from error


def _refusal(reference: str, error: dict[str, Any]) -> SupplyChainError:
    code, said = str(error.get("Code", "")), str(error.get("Message", ""))[:300]
    if code == "NotFoundException":
        return NotFoundError(
            f"there is no key {reference}",
            because=said or None,
            hint="check its name, and the region: AWS_REGION",
        )
    if code in {"UnsupportedOperationException", "InvalidKeyUsageException"}:
        return InputError(f"{reference} is no key that signs", because=said or None)
    hint = "allow kms:GetPublicKey and kms:Sign on the key" if code in _REFUSED else None
    return KeyServiceError(
        f"AWS KMS refuses {reference}: {code}",
        because=said or None,
        hint=hint,
        retryable=code in _PASSING,
    )
