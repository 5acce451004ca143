"""The policies that come with the product, for others to include: `builtin:strict`."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from supplychain.errors import ConflictError, NotFoundError, PolicyError, StoreError

PREFIX = "builtin:"
_FOLDER = Path(__file__).parent / "ready"


def ready_names() -> tuple[str, ...]:
    """Their names, without the prefix."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def ready_policy(name: str) -> bytes:
    """One of them.

    Raises:
        NotFoundError: There is none of that name.
    """
    from supplychain.gate.options import nearest

    if name not in ready_names():
        raise NotFoundError(f"there is no ready policy {name!r}", hint=nearest(name, ready_names()))
    return (_FOLDER / f"{name}.yaml").read_bytes()


def begin_policy(path: Path, environment: str, name: str, keys: Sequence[Path]) -> None:
    """Write the policy of an environment that includes a ready one; over nothing.

    Args:
        path: Where.
        environment: Whose.
        name: The ready policy.
        keys: Public keys whose signatures are demanded; without any that is left to be done.

    Raises:
        NotFoundError: There is no such ready policy, or no such key.
        ConflictError: The file is there already.
        PolicyError: A key is none.
        StoreError: The file cannot be written.
    """
    from supplychain.bootstrap.trust import load_policy, read_document

    ready_policy(name)
    for key in keys:
        read_document(key, "public key")
    text = _text(environment, name, [os.path.relpath(key, path.parent) for key in keys])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConflictError(
            f"there is a {path} already", hint="edit it, or name another environment"
        ) from None
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written", because=error.strerror, retryable=False
        ) from error
    try:
        load_policy(path)
    except PolicyError:
        path.unlink()
        raise


def _text(environment: str, name: str, keys: Sequence[str]) -> str:
    named = ", ".join(json.dumps(key) for key in keys)
    rules = (
        f"rules:\n  - signature: {{keys: [{named}]}}\n  - sbom: {{keys: [{named}]}}\n"
        if keys
        else "# Whose signatures count is yours to say:\n"
        "# rules:\n"
        "# - signature: {keys: [cosign.pub]}\n"
    )
    return (
        f"# What {environment} demands of an image. The whole of it, with where each rule comes "
        f"from:\n#   supplychain policy show {environment} --effective\n"
        f'schemaVersion: 1\nenvironment: {environment}\ninclude: ["{PREFIX}{name}"]\n{rules}'
    )
