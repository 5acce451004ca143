"""A kubeconfig: which cluster, and who we are there (Kubernetes API, client config v1).

Programs that a kubeconfig names (`exec`, `auth-provider`) are not run: a token or a certificate
is what this reads.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from supplychain.errors import ConfigurationError, InputError
from supplychain.signing.encoding import as_object, as_text, read_base64
from supplychain.signing.keys.access import read_file
from supplychain.signing.keys.calls import Service

_Fields = dict[str, object]


def service(paths: Sequence[Path], sleep: Callable[[float], None], files: ExitStack) -> Service:
    """The cluster of the current context.

    Args:
        paths: The files, of which the first that says something counts.
        sleep: As `Service.sleep`.
        files: Closed once the service is not needed any more: removes what had to be written.

    Raises:
        NotFoundError: A file is not there.
        ConfigurationError: They do not say which cluster, or not who we are.
    """
    documents = [_document(path) for path in paths]
    names = ", ".join(map(str, paths))
    try:
        current = next((d["current-context"] for d in documents if d.get("current-context")), "")
        context = _entry(documents, "context", current)
        cluster = _entry(documents, "cluster", context.get("cluster"))
        user = _entry(documents, "user", context.get("user"))
        return _service(cluster, user, sleep, files)
    except InputError as error:
        raise ConfigurationError(
            f"the kubeconfig {names} cannot be used", because=str(error), hint=error.hint
        ) from error


def _service(
    cluster: _Fields, user: _Fields, sleep: Callable[[float], None], files: ExitStack
) -> Service:
    if cluster.get("insecure-skip-tls-verify"):
        raise InputError(
            "it turns the check of the cluster's certificate off",
            hint="give its authority: certificate-authority",
        )
    address = as_text(cluster.get("server"), "its server").rstrip("/")
    if not address.startswith("https://"):
        raise InputError("its server is not reached by https://")
    folder = Path(files.enter_context(tempfile.TemporaryDirectory(prefix="supplychain-")))
    certificate = _file(user, "client-certificate", folder)
    key = _file(user, "client-key", folder)
    token = _token(user)
    if not token and not (certificate and key):
        raise InputError(
            "its user has neither a token nor a client certificate",
            because="programs that it names are not run",
            hint="kubectl create token SERVICEACCOUNT, into a file; then tokenFile: FILE",
        )
    return Service(
        f"the cluster at {address}",
        address,
        token,
        ("Authorization", "Bearer "),
        sleep,
        cacert=_file(cluster, "certificate-authority", folder),
        certificate=(certificate, key) if certificate and key else None,
    )


def _token(user: _Fields) -> str:
    if named := user.get("tokenFile"):
        path = Path(as_text(named, "its tokenFile"))
        return read_file(path, "token").decode("utf-8", "replace").strip()
    return as_text(user.get("token", ""), "its token")


def _file(fields: _Fields, name: str, folder: Path) -> str | None:
    """The path of a file that is named, or given whole as base64, which then is written."""
    if (data := fields.get(f"{name}-data")) is not None:
        path = folder / name
        path.write_bytes(read_base64(data, f"its {name}-data"))
        return str(path)
    named = fields.get(name)
    return as_text(named, f"its {name}") if named is not None else None


def _document(path: Path) -> _Fields:
    import yaml

    data = read_file(path, "kubeconfig", hint="check KUBECONFIG")
    try:
        document = as_object(yaml.safe_load(data), "it")
    except (yaml.YAMLError, InputError, RecursionError):
        # Not the parser's words: they quote what they could not parse, which may be a token.
        raise ConfigurationError(f"the kubeconfig {path} is not YAML") from None
    # Relative paths in it are relative to it.
    for kind in ("cluster", "user"):
        for fields in _named(document, kind).values():
            for name in ("certificate-authority", "client-certificate", "client-key", "tokenFile"):
                if isinstance(value := fields.get(name), str):
                    fields[name] = str(path.parent / value)
    return document


def _entry(documents: Sequence[_Fields], kind: str, name: object) -> _Fields:
    for document in documents:
        if (found := _named(document, kind).get(str(name))) is not None:
            return found
    raise InputError(f"it has no {kind} named {str(name)[:80]!r}")


def _named(document: _Fields, kind: str) -> dict[str, _Fields]:
    """The list `clusters`, `users` or `contexts`, by name."""
    entries = document.get(f"{kind}s") or []
    if not isinstance(entries, list):
        return {}
    return {
        str(entry.get("name")): entry[kind]
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get(kind), dict)
    }
