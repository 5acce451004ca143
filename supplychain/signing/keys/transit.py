"""Keys in HashiCorp Vault or OpenBao: the transit secrets engine, over its HTTP API.

As cosign does it: `hashivault://KEY` and `openbao://KEY`, with the address and the token from
`VAULT_ADDR`, `VAULT_TOKEN` or `~/.vault-token`, the engine from `TRANSIT_SECRET_ENGINE_PATH`. For
`openbao://`, as its own client does, each `BAO_…` is looked at before `VAULT_…`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from supplychain.errors import (
    ConfigurationError,
    ConflictError,
    InputError,
    KeyServiceError,
    NotFoundError,
)
from supplychain.frozen import dataclass
from supplychain.signing.encoding import as_object, as_text, read_base64, write_base64
from supplychain.signing.keys.access import Access, read_file
from supplychain.signing.keys.calls import Answer, Service
from supplychain.signing.keys.remote import RemoteSigner, wrong_form, wrong_kind
from supplychain.signing.signer import PublicKey

_KIND = "ecdsa-p256"
_REFERENCE = re.compile(r"(?:hashivault|openbao)://(\w(?:[\w.-]*\w)?)", re.ASCII)
_SIGNATURE = re.compile(r"[a-z]+:v([0-9]{1,9}):(.+)", re.ASCII)


def open_key(reference: str, access: Access) -> RemoteSigner:
    """The signer of `hashivault://KEY` or `openbao://KEY`, at the key's latest version.

    Raises:
        InputError: It is no such reference, or the key is of another kind than P-256.
        ConfigurationError: There is no address or no token.
        NotFoundError: There is no such key.
        KeyServiceError: The server cannot be reached, or refuses.
    """
    key = _Key.of(reference, access)
    version, public_key = key.latest()
    return RemoteSigner(reference, public_key, lambda digest: key.sign(digest, version))


def create_key(reference: str, access: Access) -> PublicKey:
    """Make a new ECDSA P-256 key, and give its public key.

    Raises:
        ConflictError: There is such a key already.
        SupplyChainError: As `open_key`.
    """
    key = _Key.of(reference, access)
    if key.service.call("GET", key.path("keys")).status == 200:
        raise ConflictError(f"{reference} exists already", hint="choose another name")
    answer = key.service.call("POST", key.path("keys"), {"type": _KIND})
    if answer.status not in {200, 204}:
        raise key.failure(answer)
    return key.latest()[1]


@dataclass(frozen=True, slots=True)
class _Key:
    """One key of one transit engine."""

    reference: str
    name: str
    engine: str
    service: Service

    @classmethod
    def of(cls, reference: str, access: Access) -> _Key:
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            raise wrong_form(reference, "hashivault://KEY or openbao://KEY")
        engine = access.environ.get("TRANSIT_SECRET_ENGINE_PATH", "").strip("/") or "transit"
        return cls(reference, match[1], quote(engine), _service(reference, access))

    def path(self, action: str, end: str = "") -> str:
        return f"/v1/{self.engine}/{action}/{quote(self.name)}{end}"

    def latest(self) -> tuple[int, PublicKey]:
        """The version that signs, and its public key."""
        answer = self.service.call("GET", self.path("keys"))
        if answer.status == 404:
            raise NotFoundError(
                f"there is no key {self.reference}",
                because=f"{self.service.name} has none in the engine {self.engine}",
                hint=f"supplychain keys generate --kms {self.reference}",
            )
        if answer.status != 200:
            raise self.failure(answer)
        try:
            data = as_object(answer.value.get("data"), "its data")
            kind = as_text(data.get("type"), "the key's type")
            if kind == _KIND:
                return _latest(data)
        except InputError as error:
            raise _unreadable(self.service, error) from error
        raise wrong_kind(self.reference, kind)

    def sign(self, digest: bytes, version: int) -> bytes:
        """The signature over a SHA-256 digest by one version of the key, DER."""
        body = {"input": write_base64(digest), "prehashed": True, "key_version": version}
        answer = self.service.call("POST", self.path("sign", "/sha2-256"), body)
        if answer.status != 200:
            raise self.failure(answer)
        try:
            data = as_object(answer.value.get("data"), "its data")
            return _signature(as_text(data.get("signature"), "its signature"), version)
        except InputError as error:
            raise _unreadable(self.service, error) from error

    def failure(self, answer: Answer) -> KeyServiceError:
        errors = answer.value.get("errors")
        said = "; ".join(map(str, errors)) if isinstance(errors, list) else ""
        hint = None
        if answer.status == 403:
            hint = (
                f"the token's policy has to allow read on {self.engine}/keys/{self.name} "
                f"and update on {self.engine}/sign/{self.name}/sha2-256"
            )
        elif answer.status == 503:
            hint = "it is sealed or starting: unseal it, or try again"
        return self.service.failure(answer, said, hint)


def _latest(data: dict[str, object]) -> tuple[int, PublicKey]:
    version = data.get("latest_version")
    if type(version) is not int:
        raise InputError("its latest version is not a number")
    versions = as_object(data.get("keys"), "its versions")
    latest = as_object(versions.get(str(version)), "its latest version")
    return version, PublicKey.parse_pem(as_text(latest.get("public_key"), "its key").encode())


def _signature(text: str, version: int) -> bytes:
    match = _SIGNATURE.fullmatch(text)
    if match is None or int(match[1]) != version:
        raise InputError(f"its signature is not of version {version} of the key")
    return read_base64(match[2], "its signature")


def _unreadable(service: Service, error: InputError) -> KeyServiceError:
    return KeyServiceError(
        f"{service.name} gives an answer that cannot be read", because=str(error), retryable=False
    )


def _service(reference: str, access: Access) -> Service:
    names = ("BAO", "VAULT") if reference.startswith("openbao:") else ("VAULT",)

    def variable(name: str) -> str:
        found = (access.environ.get(f"{prefix}_{name}", "") for prefix in names)
        return next((text for text in found if text), "")

    address = variable("ADDR").rstrip("/")
    if not address:
        raise ConfigurationError(
            f"there is no address for {reference}: {names[0]}_ADDR is not set",
            hint=f"export {names[0]}_ADDR=https://vault.example:8200",
        )
    headers = {"X-Vault-Request": "true"}
    if namespace := variable("NAMESPACE"):
        headers["X-Vault-Namespace"] = namespace
    return Service(
        f"{'OpenBao' if len(names) > 1 else 'Vault'} at {address}",
        address,
        _token(variable, names[0]),
        ("X-Vault-Token", ""),
        access.sleep,
        headers={
            "X-Vault-Request": "true",
            **({"X-Vault-Namespace": namespace} if namespace else {}),
        },
        cacert=variable("CACERT") or None,
    )


def _token(variable: Callable[[str], str], prefix: str) -> str:
    """The token: from the environment, from a file named there, or where `login` leaves it."""
    if token := variable("TOKEN"):
        return token
    named = variable("TOKEN_FILE")
    path = Path(named).expanduser() if named else Path("~/.vault-token").expanduser()
    if not named and not path.exists():
        raise ConfigurationError(
            f"there is no token: {prefix}_TOKEN is not set",
            hint=f"put it into a file and name that in {prefix}_TOKEN_FILE",
        )
    return read_file(path, "token").decode("utf-8", "replace").strip()
