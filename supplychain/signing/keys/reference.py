"""Key references: what a user types for a key, and what it opens.

The forms are cosign's: a path, `env://VARIABLE`, `k8s://NAMESPACE/NAME`, `hashivault://KEY`,
`openbao://KEY`, `awskms://…`, `gcpkms://…`, `azurekms://…` and `pkcs11:…`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

from supplychain.errors import InputError
from supplychain.signing.keys import material
from supplychain.signing.keys.access import Access
from supplychain.signing.keys.material import Material
from supplychain.signing.keys.remote import RemoteSigner
from supplychain.signing.signer import PublicKey, Signer
from supplychain.signing.trust.keys import VerifyingKey

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def open_signer(reference: str, access: Access) -> Signer:
    """The signer that a reference names.

    A key file is decrypted while the caller goes on, so that a wrong password shows when it is
    first used; a key in a service has been looked up when this returns.

    Raises:
        InputError: It is no reference, or what it names is no P-256 private key.
        NotFoundError: There is no such key.
        ConfigurationError: A password, an address or a credential is missing.
        ToolMissingError: The client library for such keys is not installed.
        KeyServiceError: The service cannot be reached, or refuses.
    """
    found = _found(reference, access)
    return found if isinstance(found, RemoteSigner) else found.signer(access)


def open_public_key(reference: str, access: Access) -> VerifyingKey:
    """The public key that a reference names, of any kind that is taken; raises as `open_signer`."""
    found = _found(reference, access)
    return found.public_key if isinstance(found, RemoteSigner) else found.public_key()


def create_key(reference: str, access: Access) -> PublicKey:
    """Make an ECDSA P-256 key where a reference points, in a service that makes keys for us.

    Raises:
        InputError: Keys are not made there by us.
        ConflictError: There is such a key already.
        SupplyChainError: As `open_signer`.
    """
    make = _CREATORS.get(scheme_of(reference))
    if make is None:
        raise InputError(
            f"no key can be made at {reference[:200]}",
            because=f"that is done for {', '.join(f'{name}://' for name in _CREATORS)} only",
            hint="make an ECDSA P-256 key for signing with the tools of that place",
        )
    return make(reference, access)


def scheme_of(reference: str) -> str:
    """`env`, `k8s`, `hashivault` …; "" for a path.

    Raises:
        InputError: There is no such kind of reference.
    """
    if reference.startswith("pkcs11:"):
        return "pkcs11"
    match = _SCHEME.match(reference)
    if match is None:
        return ""
    if match[1] not in SCHEMES:
        near = get_close_matches(match[1].lower(), SCHEMES, n=1)
        raise InputError(
            f"{match[0]} is no kind of key reference",
            because=f"known are a path, {', '.join(f'{name}:' for name in SCHEMES)}",
            hint=f"did you mean {near[0]}?" if near else None,
        )
    return match[1]


def _found(reference: str, access: Access) -> Material | RemoteSigner:
    return _OPENERS[scheme_of(reference)](reference, access)


def _path(reference: str, _access: Access) -> Material:
    return material.from_path(Path(reference).expanduser())


def _in_cluster(reference: str, access: Access) -> Material:
    from supplychain.signing.keys.kubernetes import from_secret

    return from_secret(reference, access)


def _transit(reference: str, access: Access) -> RemoteSigner:
    from supplychain.signing.keys.transit import open_key

    return open_key(reference, access)


def _aws(reference: str, access: Access) -> RemoteSigner:
    from supplychain.signing.keys.aws import open_key

    return open_key(reference, access)


def _azure(reference: str, access: Access) -> RemoteSigner:
    from supplychain.signing.keys.azure import open_key

    return open_key(reference, access)


def _google(reference: str, access: Access) -> RemoteSigner:
    from supplychain.signing.keys.google import open_key

    return open_key(reference, access)


def _pkcs11(reference: str, access: Access) -> RemoteSigner:
    from supplychain.signing.keys.pkcs11 import open_key

    return open_key(reference, access)


_OPENERS: dict[str, Callable[[str, Access], Material | RemoteSigner]] = {
    "": _path,
    "env": material.from_variable,
    "k8s": _in_cluster,
    "hashivault": _transit,
    "openbao": _transit,
    "awskms": _aws,
    "azurekms": _azure,
    "gcpkms": _google,
    "pkcs11": _pkcs11,
}


def _create_in_transit(reference: str, access: Access) -> PublicKey:
    from supplychain.signing.keys.transit import create_key as create

    return create(reference, access)


def _create_in_aws(reference: str, access: Access) -> PublicKey:
    from supplychain.signing.keys.aws import create_key as create

    return create(reference, access)


_CREATORS: dict[str, Callable[[str, Access], PublicKey]] = {
    "hashivault": _create_in_transit,
    "openbao": _create_in_transit,
    "awskms": _create_in_aws,
}
SCHEMES = tuple(scheme for scheme in _OPENERS if scheme)
