"""Logins as `docker login` stores them: config.json and credential helpers.

Format: docker/cli `config/configfile`, and the docker-credential-helpers protocol.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import subprocess
from dataclasses import field
from pathlib import Path
from shutil import which
from typing import Any

import orjson

from supplychain.errors import (
    ConfigurationError,
    ToolError,
    ToolMissingError,
    ToolOutputError,
    ToolTimeoutError,
)
from supplychain.frozen import dataclass
from supplychain.images.reference import DOCKER_HUB

_HUB_KEY = "https://index.docker.io/v1/"
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HELPER_TIMEOUT = 30.0
_CONFIG_LIMIT = 1024 * 1024
# What helpers print, by protocol, when they simply know no login (credentials/error.go).
_NOT_FOUND = b"credentials not found in native keychain"
# A helper that answers with this name gives an identity token in place of a password.
_IDENTITY = "<token>"


@dataclass(frozen=True, slots=True)
class Login:
    """One way to log in: name and password, an identity token, or a registry token."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)


def login_for(registry: str, folder: Path | None) -> Login | None:
    """The stored login for a registry; None where there is none.

    Args:
        registry: `host[:port]`, as in `Reference.registry`.
        folder: Docker's configuration folder; None for `$DOCKER_CONFIG`, then `~/.docker`.

    Raises:
        ConfigurationError: config.json cannot be read.
        ToolError: A credential helper is missing, failed, or answered with garbage.
    """
    path = _config_path(folder)
    config = {} if path is None else _read(path)
    if path is None or not config:
        return None
    helper = _section(config, "credHelpers", path).get(registry) or config.get("credsStore")
    if helper:
        login = _ask(helper, _HUB_KEY if registry == DOCKER_HUB else registry, path)
        if login is not None:
            return login
    entry = _entry(_section(config, "auths", path), registry)
    return None if entry is None else _from_entry(entry, registry, path)


def _config_path(folder: Path | None) -> Path | None:
    named = os.environ.get("DOCKER_CONFIG")
    try:
        folder = folder or (Path(named) if named else Path.home() / ".docker")
    except RuntimeError:  # a user without a home folder, as in many containers
        return None
    return folder / "config.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(_CONFIG_LIMIT)
        config = orjson.loads(data)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise _wrong(path, str(error.strerror)) from None
    except orjson.JSONDecodeError as error:
        raise _wrong(path, f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    if not isinstance(config, dict):
        raise _wrong(path, "it is not a JSON object")
    return config


def _section(config: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    section = config.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise _wrong(path, f"{name} is not a JSON object")
    return section


def _entry(auths: dict[str, Any], registry: str) -> dict[str, Any] | None:
    """The entry for a registry, whose key may be a host or an old-fashioned URL."""
    if registry == DOCKER_HUB:
        wanted = {"index.docker.io", "docker.io", "registry-1.docker.io"}
    else:
        wanted = {registry}
    for key in sorted(auths, key=lambda key: key != registry):
        host = key.removeprefix("https://").removeprefix("http://").partition("/")[0]
        if host.lower() in wanted and isinstance(auths[key], dict) and auths[key]:
            return dict(auths[key])
    return None


def _from_entry(entry: dict[str, Any], registry: str, path: Path) -> Login | None:
    fields = {
        name: entry.get(name) or ""
        for name in ("username", "password", "identitytoken", "registrytoken", "auth")
    }
    if not all(isinstance(value, str) for value in fields.values()):
        raise _wrong(path, f"the entry for {registry} holds something that is not text")
    username, password = fields["username"], fields["password"]
    if fields["auth"]:
        username, password = _decode(fields["auth"], registry, path)
    login = Login(username, password, fields["identitytoken"], fields["registrytoken"])
    return None if login == Login() else login


def _decode(auth: str, registry: str, path: Path) -> tuple[str, str]:
    try:
        username, colon, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        username = colon = password = ""
    if not colon:
        raise _wrong(path, f"the auth entry for {registry} is not base64 of name:password")
    return username, password.rstrip("\0")


def _ask(helper: object, key: str, path: Path) -> Login | None:
    """Run `docker-credential-<helper> get`, which reads the registry from its standard input."""
    if not isinstance(helper, str) or not _HELPER.fullmatch(helper):
        raise _wrong(path, "it names a credential helper that cannot be a program's name")
    program = f"docker-credential-{helper}"
    found = which(program)
    if found is None:
        raise ToolMissingError(
            f"the credential helper {program} is not installed",
            because=f"{path} names it for {key}",
            hint=f"install {program}, or log in with --registry-username",
        )
    try:
        done = subprocess.run(  # noqa: S603 - the user's own configuration names the program
            [found, "get"],
            input=key.encode(),
            capture_output=True,
            timeout=_HELPER_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ToolTimeoutError(
            f"the credential helper {program} did not answer",
            because=f"it was ended after {_HELPER_TIMEOUT:.0f} s",
            hint=f"echo {key} | {program} get",
        ) from None
    except OSError as error:
        raise ToolError(
            f"the credential helper {program} could not be started", because=error.strerror
        ) from None
    return _login_from(done, program, key)


def _login_from(done: subprocess.CompletedProcess[bytes], program: str, key: str) -> Login | None:
    # Whatever the helper printed may hold the secret, so none of it goes into an error.
    hint = f"try: echo {key} | {program} get"
    if done.returncode != 0:
        if _NOT_FOUND in done.stdout:
            return None
        raise ToolError(
            f"the credential helper {program} failed",
            because=f"exit status {done.returncode}",
            hint=hint,
        )
    try:
        answer = orjson.loads(done.stdout)
        username, secret = answer["Username"], answer["Secret"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        username = secret = None
    if not isinstance(username, str) or not isinstance(secret, str):
        raise ToolOutputError(
            f"the credential helper {program} answered with something else than a login",
            because="its answer is not JSON with Username and Secret",
            hint=hint,
        )
    if username == _IDENTITY:
        return Login(identity_token=secret)
    return Login(username, secret)


def _wrong(path: Path, because: str) -> ConfigurationError:
    return ConfigurationError(
        f"Docker's configuration {path} cannot be used",
        because=because,
        hint="correct the file, or move it away and run: docker login",
    )
