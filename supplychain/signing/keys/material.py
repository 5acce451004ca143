"""Key files, wherever they lie: on disk, in a variable, in a folder mounted from a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from supplychain.errors import ConfigurationError, InputError, NotFoundError
from supplychain.frozen import dataclass
from supplychain.signing.keys import keyfile
from supplychain.signing.keys.access import Access, read_file
from supplychain.signing.keys.opening import OpeningSigner, open_ahead
from supplychain.signing.trust.keys import VerifyingKey

# What `cosign generate-key-pair k8s://…` names the entries of its secret.
PRIVATE, PUBLIC, PASSWORD = "cosign.key", "cosign.pub", "cosign.password"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, repr=False)
class Material:
    """What was found where a reference points.

    Attributes:
        what: Its name, for errors.
        private: A key file's content; None where there is none.
        public: A public key, PEM; None where there is none.
        password: The key file's password, where it lies beside it.
    """

    what: str
    private: bytes | None
    public: bytes | None
    password: bytes | None = None

    @classmethod
    def one(cls, what: str, data: bytes) -> Material:
        """One document, which is whatever it is asked for."""
        return cls(what, data, data)

    @classmethod
    def entries(cls, what: str, found: Mapping[str, bytes]) -> Material:
        """The entries of a secret as cosign writes it."""
        return cls(what, found.get(PRIVATE), found.get(PUBLIC), found.get(PASSWORD))

    def signer(self, access: Access) -> OpeningSigner:
        """The signer, while its key is being decrypted.

        Raises:
            NotFoundError: There is no private key.
            InputError: It is not a key file.
            ConfigurationError: It needs a password and there is none.
        """
        if self.private is None:
            raise NotFoundError(f"{self.what} has no {PRIVATE}")
        beside = self.password
        key = keyfile.parse(self.private, self.what)
        return open_ahead(key, access.password if beside is None else lambda: beside)

    def public_key(self) -> VerifyingKey:
        """The public key.

        Raises:
            NotFoundError: There is none.
            InputError: It is not one public key in PEM, of a kind that is taken.
        """
        if self.public is None:
            raise NotFoundError(f"{self.what} has no {PUBLIC}")
        return VerifyingKey.parse_pem(self.public, self.what)


def from_path(path: Path) -> Material:
    """A file, or a folder as Kubernetes mounts cosign's secret.

    Raises:
        NotFoundError: There is no such file, or the folder has no keys.
        StoreError: It cannot be read.
    """
    if not path.is_dir():
        return Material.one(
            str(path), read_file(path, "key file", hint="make one with: supplychain keys generate")
        )
    names = [name for name in (PRIVATE, PUBLIC, PASSWORD) if (path / name).is_file()]
    if not {PRIVATE, PUBLIC} & set(names):
        raise NotFoundError(
            f"{path} is a folder without {PRIVATE} and {PUBLIC}",
            because="a folder counts where a secret that cosign made is mounted",
        )
    return Material.entries(str(path), {n: read_file(path / n, "key file") for n in names})


def from_variable(reference: str, access: Access) -> Material:
    """The content of an environment variable, by `env://NAME`.

    Raises:
        InputError: That cannot be a variable's name.
        ConfigurationError: The variable is not set.
    """
    name = reference.removeprefix("env://")
    if not _VARIABLE.fullmatch(name):
        # It may be the key itself, so it is not shown.
        raise InputError(
            "env:// is not followed by the name of a variable",
            hint="--key env://COSIGN_PRIVATE_KEY",
        )
    value = access.environ.get(name)
    if not value:
        raise ConfigurationError(
            f"the key is in the variable {name}, which is not set",
            hint=f"put the key file's content into {name}",
        )
    return Material.one(f"the key in {name}", value.encode("utf-8", "surrogateescape"))
