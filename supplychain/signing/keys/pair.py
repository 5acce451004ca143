"""Key pairs as two files: the private one for its owner alone, the public one for everybody."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from supplychain.errors import ConflictError, StoreError, SupplyChainError
from supplychain.signing.keys.keyfile import Password, generate
from supplychain.signing.signer import PublicKey


def create(
    private_path: Path,
    public_path: Path,
    password: Password,
    *,
    force: bool = False,
    make: Callable[[bytes], tuple[bytes, PublicKey]] = generate,
) -> PublicKey:
    """Write a key pair: the private file 0600, the public one beside it.

    Args:
        private_path: Where the encrypted private key goes.
        public_path: Where the public key goes.
        password: Asked for once both paths are known to be free.
        force: Replace what is there.
        make: Gives a key file's content for a password, and its public key; else a new key.

    Raises:
        ConflictError: A file is there already and `force` was not given.
        StoreError: The folder cannot be written.
    """
    for path in (private_path, public_path):
        if path.exists() and not force:
            raise _exists(path)
    encrypted, public = make(password())
    _write(private_path, encrypted, 0o600, replace=force)
    try:
        _write(public_path, public.pem(), 0o644, replace=force)
    except SupplyChainError:
        if not force:
            private_path.unlink(missing_ok=True)
        raise
    return public


def create_public(path: Path, make: Callable[[], PublicKey], *, force: bool = False) -> PublicKey:
    """Write the public half of a key that is made elsewhere.

    Args:
        path: Where the public key goes.
        make: Makes the key, once the path is known to be free.
        force: Replace what is there.

    Raises:
        ConflictError: A file is there already and `force` was not given.
        StoreError: The folder cannot be written.
    """
    if path.exists() and not force:
        raise _exists(path)
    public = make()
    _write(path, public.pem(), 0o644, replace=force)
    return public


def _write(path: Path, data: bytes, mode: int, *, replace: bool) -> None:
    """Write a file whole or not at all, never readable by others than `mode` says."""
    target = path.with_name(f".{path.name}.{os.getpid()}.new") if replace else path
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise _exists(target) from None
    except OSError as error:
        raise StoreError(f"{path} cannot be written", because=error.strerror) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            target.replace(path)
    except OSError as error:
        target.unlink(missing_ok=True)
        raise StoreError(f"{path} cannot be written", because=error.strerror) from error


def _exists(path: Path) -> ConflictError:
    return ConflictError(
        f"{path} exists already",
        because="a private key that is overwritten cannot be had back",
        hint="choose another name, or add --force to replace it",
    )
