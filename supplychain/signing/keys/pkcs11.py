"""Keys on a token or HSM: `pkcs11:token=T;object=K?module-path=/path/to/module.so` (RFC 7512).

The PIN is never in the reference, which others can see in the list of processes: it comes from a
file (`pin-source=file:/path`), from `COSIGN_PKCS11_PIN`, or from where a key file's password does.
"""

from __future__ import annotations

import re
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from supplychain.errors import ConfigurationError, InputError, KeyServiceError, NotFoundError
from supplychain.frozen import dataclass
from supplychain.signing.keys.access import Access, read_file
from supplychain.signing.keys.remote import (
    RemoteSigner,
    der,
    extra_missing,
    wrong_form,
    wrong_kind,
)
from supplychain.signing.signer import PublicKey

if TYPE_CHECKING:
    import pkcs11

_FORM = "pkcs11:token=NAME;object=KEY?module-path=/path/to/module.so"
_PATH = frozenset({"token", "slot-id", "object", "id", "type"})
_QUERY = frozenset({"module-path", "pin-source", "pin-value"})
# DER of the object identifier of P-256, which is what CKA_EC_PARAMS holds (RFC 5480, 2.1.1.1).
_P256 = bytes.fromhex("06082a8648ce3d030107")
_POINT = 65
# To close one of these would log every other session of the process out.
_LOGGED_IN: list[pkcs11.Session] = []
# Modules are not told that they have to lock, so that only one call may go on.
_ONE_AT_A_TIME = Lock()


@dataclass(frozen=True, slots=True)
class _Uri:
    """What a reference says.

    Attributes:
        token: The token's label.
        slot: The slot's number.
        label: The key's label.
        id: The key's ID.
        module: The library that speaks to the token.
        pin_file: Where the PIN lies.
    """

    token: str | None
    slot: int | None
    label: str | None
    id: bytes | None
    module: str | None
    pin_file: str | None

    @classmethod
    def parse(cls, reference: str) -> _Uri:
        path, _, query = reference.removeprefix("pkcs11:").partition("?")
        found = _attributes(path, ";", _PATH) | _attributes(query, "&", _QUERY)
        texts = {name: value.decode("utf-8", "replace") for name, value in found.items()}
        slot = texts.get("slot-id")
        if (slot and not re.fullmatch("[0-9]{1,9}", slot)) or not (
            (texts.get("token") or slot) and (texts.get("object") or found.get("id"))
        ):
            raise wrong_form("this pkcs11: reference", _FORM)
        source = texts.get("pin-source")
        return cls(
            texts.get("token"),
            int(slot) if slot else None,
            texts.get("object"),
            found.get("id"),
            texts.get("module-path"),
            source.removeprefix("file:").removeprefix("//") if source else None,
        )


def open_key(reference: str, access: Access) -> RemoteSigner:
    """The signer of a key on a token; the token stays open until the process ends.

    Raises:
        InputError: It is no such reference, the PIN is wrong, or the key is no P-256 key.
        ToolMissingError: python-pkcs11 is not installed.
        ConfigurationError: There is no PIN, or no module, or the module cannot be loaded.
        NotFoundError: There is no such token, or no such key on it.
        KeyServiceError: The token fails.
    """
    uri = _Uri.parse(reference)
    try:
        from pkcs11 import Mechanism, ObjectClass
        from pkcs11.exceptions import PKCS11Error
    except ImportError:
        raise extra_missing("pkcs11", "keys on PKCS#11 tokens") from None
    with _ONE_AT_A_TIME:
        session = _session(uri, access)
        private: Any = _key(session, ObjectClass.PRIVATE_KEY, uri)
        public_key = _public_key(_key(session, ObjectClass.PUBLIC_KEY, uri), uri)

    def sign(digest: bytes) -> bytes:
        try:
            with _ONE_AT_A_TIME:
                raw = private.sign(digest, mechanism=Mechanism.ECDSA)
        except PKCS11Error as error:
            raise _failed(uri, error) from error
        return der(bytes(raw), _named(uri))

    return RemoteSigner(_named(uri), public_key, sign)


def _attributes(text: str, separator: str, known: frozenset[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in filter(None, text.split(separator)):
        name, equals, value = part.partition("=")
        if not equals or name not in known or name in found:
            # Not what it is: it could be a PIN.
            raise wrong_form("this pkcs11: reference", _FORM)
        found[name] = unquote_to_bytes(value)
    if "pin-value" in found:
        raise InputError(
            "a PIN does not belong into a key reference",
            because="others on this machine see it in the list of processes",
            hint="put it into a file: pin-source=file:/path",
        )
    return found


def _named(uri: _Uri) -> str:
    """The key for people."""
    where = f"token={uri.token}" if uri.token else f"slot-id={uri.slot}"
    return f"pkcs11:{where};" + (f"object={uri.label}" if uri.label else f"id={uri.id!r}")


def _session(uri: _Uri, access: Access) -> pkcs11.Session:
    import pkcs11
    from pkcs11 import exceptions

    module = uri.module or access.environ.get("COSIGN_PKCS11_MODULE_PATH")
    if not module:
        raise ConfigurationError(
            f"it is not known which module reaches {_named(uri)}",
            hint="add ?module-path=/path/to/module.so, or set COSIGN_PKCS11_MODULE_PATH",
        )
    if not Path(module).is_absolute():
        raise ConfigurationError(f"{module} is not the absolute path of a PKCS#11 module")
    try:
        library = pkcs11.lib(module)
    except (exceptions.PKCS11Error, RuntimeError) as error:
        raise ConfigurationError(f"{module} cannot be loaded", because=str(error)[:300]) from error
    try:
        slots = library.get_slots(token_present=True)
        tokens = [s.get_token() for s in slots if uri.slot in {None, s.slot_id}]
        found = [t for t in tokens if uri.token in {None, t.label}]
        if len(found) != 1:
            raise NotFoundError(
                f"there is no token for {_named(uri)}" if not found else "several tokens match",
                because=f"{module} has {', '.join(repr(t.label) for t in tokens) or 'none'}",
            )
        return _logged_in(found[0], _pin(uri, access))
    except (exceptions.PinIncorrect, exceptions.PinInvalid, exceptions.PinLenRange):
        raise InputError(
            f"the PIN for {_named(uri)} is wrong",
            because="after a few wrong ones a token locks itself",
        ) from None
    except exceptions.PKCS11Error as error:
        raise _failed(uri, error) from error


def _logged_in(token: pkcs11.Token, pin: str) -> pkcs11.Session:
    """A session on a token; one login counts for the whole process."""
    from pkcs11.exceptions import UserAlreadyLoggedIn

    try:
        session = token.open(user_pin=pin)
    except UserAlreadyLoggedIn:
        return token.open()
    _LOGGED_IN.append(session)
    return session


def _pin(uri: _Uri, access: Access) -> str:
    if uri.pin_file is not None:
        return read_file(Path(uri.pin_file), "PIN").decode("utf-8", "replace").rstrip("\r\n")
    if pin := access.environ.get("COSIGN_PKCS11_PIN"):
        return pin
    return access.password().decode("utf-8", "replace")


def _key(session: pkcs11.Session, kind: pkcs11.ObjectClass, uri: _Uri) -> pkcs11.Object:
    from pkcs11 import Attribute
    from pkcs11.exceptions import PKCS11Error

    wanted: dict[Attribute, object] = {Attribute.CLASS: kind}
    if uri.label is not None:
        wanted[Attribute.LABEL] = uri.label
    if uri.id is not None:
        wanted[Attribute.ID] = uri.id
    try:
        found = list(session.get_objects(wanted))
    except PKCS11Error as error:
        raise _failed(uri, error) from error
    if len(found) != 1:
        name = kind.name.lower().replace("_", " ")
        raise NotFoundError(
            f"{_named(uri)} names {len(found) or 'no'} {name}{'s' if len(found) > 1 else ''}",
            hint="both halves of a key pair have to be on the token, by one label or ID",
        )
    return found[0]


def _public_key(key: pkcs11.Object, uri: _Uri) -> PublicKey:
    from pkcs11 import Attribute
    from pkcs11.exceptions import PKCS11Error

    try:
        parameters, point = bytes(key[Attribute.EC_PARAMS]), bytes(key[Attribute.EC_POINT])
    except PKCS11Error as error:
        raise wrong_kind(_named(uri), "that is not on an elliptic curve") from error
    if parameters != _P256:
        raise wrong_kind(_named(uri), f"EC {parameters.hex()}")
    # An octet string around an uncompressed point; some modules leave the string away.
    return PublicKey.from_point(point[-(_POINT - 1) :])


def _failed(uri: _Uri, error: Exception) -> KeyServiceError:
    return KeyServiceError(
        f"{_named(uri)} cannot be used",
        because=str(error) or type(error).__name__,
        retryable=False,
    )
