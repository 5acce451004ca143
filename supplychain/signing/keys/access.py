"""What it takes to reach a key that somebody named."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from supplychain.errors import InputError, NotFoundError, StoreError
from supplychain.frozen import dataclass
from supplychain.signing.keys.keyfile import Password

# No key, certificate, token or configuration of a cluster comes near this.
_LIMIT = 1024 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """The surroundings in which a key is opened.

    Attributes:
        environ: The process's environment: addresses and credentials of services are there.
        password: Asked for where a key file is encrypted or a token is locked.
        sleep: Waits between two attempts, for seconds.
    """

    environ: Mapping[str, str]
    password: Password
    sleep: Callable[[float], None] = time.sleep


def read_file(path: Path, what: str, *, hint: str | None = None) -> bytes:
    """A small file.

    Args:
        path: The file.
        what: What it should be, for the error: "key file", "token" …
        hint: What to do where it is not there.

    Raises:
        NotFoundError: There is no such file.
        InputError: It is larger than anything of its kind.
        StoreError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT + 1)
    except FileNotFoundError:
        raise NotFoundError(f"there is no {what} {path}", hint=hint) from None
    except OSError as error:
        raise StoreError(
            f"the {what} {path} cannot be read", because=error.strerror, retryable=False
        ) from error
    if len(data) > _LIMIT:
        raise InputError(f"{path} is larger than any {what} ({_LIMIT} bytes)")
    return data
