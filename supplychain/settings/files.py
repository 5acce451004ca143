"""Files of settings: a project's, which may not say everything, and the user's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from supplychain.errors import ConfigurationError
from supplychain.frozen import dataclass
from supplychain.settings.declared import SETTINGS, Setting

FILE_NAME = "supplychain.toml"
BY_NAME = {setting.name: setting for setting in SETTINGS}
_URI = re.compile(r"[a-z][a-z0-9]*://|pkcs11:")
_BRINGS_A_HOST = re.compile(r"pkcs11:|azurekms://|awskms://[^/]")


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A settings file that was read."""

    path: Path
    values: Mapping[str, str]
    is_project: bool


def expanded(text: str) -> Path:
    """A path with `~` expanded.

    Raises:
        ConfigurationError: It begins with the home folder of somebody whom nobody knows.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ConfigurationError(f"{text} cannot be found", because=str(error)) from error


def nearest_file(directory: Path) -> Path | None:
    """The settings file of a folder, or of the nearest one above it; None for none."""
    for folder in (directory, *directory.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def read_file(path: Path, *, is_project: bool) -> SettingsFile:
    """What a file sets.

    Raises:
        ConfigurationError: It does not parse, or sets what it may not or what does not exist.
    """
    import tomllib  # most have no file

    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read", because=str(error)) from error
    values: dict[str, str] = {}
    for name, raw in document.items():
        setting = BY_NAME.get(name)
        if setting is None:
            near = get_close_matches(name, BY_NAME, n=1)
            raise ConfigurationError(
                f"{path} sets {name!r}, which is not a setting",
                hint=f"did you mean {near[0]!r}?" if near else "see: supplychain config show",
            )
        values[name] = _checked(setting, raw, path, is_project=is_project)
    return SettingsFile(path, values, is_project)


def _checked(setting: Setting, raw: object, path: Path, *, is_project: bool) -> str:
    if setting.secret:
        raise ConfigurationError(
            f"{path} holds {setting.name}, a secret",
            hint=f"put it in a file and name that in {setting.variable}_FILE",
        )
    if setting.trusted_only and is_project:
        raise ConfigurationError(
            f"{path} may not set {setting.name}",
            because="a project's file could make anyone who stands in it run or trust anything",
            hint=f"set {setting.variable}, or put it in your own settings file",
        )
    if isinstance(raw, list) and all(isinstance(item, str) for item in raw):
        raw = ",".join(raw)
    if not isinstance(raw, str) or not raw:
        raise ConfigurationError(f"{path}: {setting.name} must be a non-empty text in quotes")
    if is_project and setting.name == "key" and _BRINGS_A_HOST.match(raw):
        raise ConfigurationError(
            f"{path} may not name this key: {raw[:80]}",
            because="it brings a library to load or a host to send credentials to",
            hint=f"set {setting.variable}, or put it in your own settings file",
        )
    if setting.path and raw not in setting.words and not _URI.match(raw):
        return str(path.parent / expanded(raw))
    return raw
