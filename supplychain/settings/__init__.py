"""Every setting, where its value came from, and nothing else.

Precedence: flag, then `SUPPLYCHAIN_<NAME>` (for secrets also `SUPPLYCHAIN_<NAME>_FILE`), then the
nearest `supplychain.toml` up the tree, then the user's own `supplychain.toml`, then the default.

A project's `supplychain.toml` is a file of whatever repository one happens to stand in, so it may
not name programs to run, hashes to trust, or registries to reach without TLS: those come from the
user, from the environment or from a flag.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from supplychain.errors import ConfigurationError
from supplychain.frozen import dataclass
from supplychain.settings.declared import SETTINGS, Setting
from supplychain.settings.files import (
    BY_NAME,
    FILE_NAME,
    SettingsFile,
    expanded,
    nearest_file,
    read_file,
)

__all__ = ["SETTINGS", "Setting", "Settings", "Value", "expanded"]

_DIGITS = re.compile("[0-9]{1,15}")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# Bytes of a setting in a file of its own.
_LONGEST = 64 * 1024
_TEN_YEARS = 3650 * 86400
_BYTES = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's value and where it came from."""

    setting: Setting
    text: str | None
    origin: str

    @property
    def shown(self) -> str:
        """The value for people: secrets are masked, a password in a URL too."""
        if self.text is None:
            return ""
        if self.setting.secret:
            return "********"
        return mask_url(self.text)


def mask_url(text: str) -> str:
    """The text without the password that a URL in it may carry."""
    scheme, separator, rest = text.partition("://")
    authority, at, path = rest.rpartition("@")
    user, colon, _ = authority.partition(":")
    return f"{scheme}://{user}:********@{path}" if separator and at and colon else text


class Settings:
    """All settings of one call.

    Args:
        flags: Values given on the command line, by setting name; None where a flag is absent.
        environ: The process environment.
        directory: Where the search for a project's `supplychain.toml` starts.
        user_file: The user's own `supplychain.toml`; None for the platform's folder.
        serving: Whether others say what this process works on, as they do in a server or a
            worker: then images come from registries alone, and only from those that are named.

    Raises:
        ConfigurationError: A file does not parse, or sets what it may not or what does not exist.
    """

    def __init__(
        self,
        flags: Mapping[str, str | None],
        environ: Mapping[str, str],
        directory: Path,
        user_file: Path | None = None,
        *,
        serving: bool = False,
    ) -> None:
        self._serving = serving
        self._flags = flags
        self._environ = environ
        self._directory = directory
        self._user_file = user_file or _folder("config") / FILE_NAME
        # Once, for all that are made from these: no process works by half of an edited file.
        self._files = cache(self._read_files)

    @property
    def serving(self) -> bool:
        """Whether others say what this process works on."""
        return self._serving

    def to_serve(self) -> Settings:
        """The same settings, for a process that works on what others name."""
        return self._like(self._flags, serving=True)

    def but(self, **flags: str) -> Settings:
        """The same settings, but for these."""
        return self._like({**self._flags, **flags}, serving=self._serving)

    def _like(self, flags: Mapping[str, str | None], *, serving: bool) -> Settings:
        made = Settings(flags, self._environ, self._directory, self._user_file, serving=serving)
        made._files = self._files
        return made

    def _read_files(self) -> tuple[SettingsFile, ...]:
        project = nearest_file(self._directory)
        found = [read_file(project, is_project=True)] if project else []
        if self._user_file.is_file() and self._user_file != project:
            found.append(read_file(self._user_file, is_project=False))
        return tuple(found)

    def value(self, name: str) -> Value:
        """A setting with its origin.

        Raises:
            ConfigurationError: A `…_FILE` variable names a file that cannot be read.
        """
        setting = BY_NAME[name]
        if (flag := self._flags.get(name)) is not None:
            return Value(setting, flag, "flag")
        if (found := self._from_environment(setting)) is not None:
            return found
        for file in self._files():
            if name in file.values:
                return Value(setting, file.values[name], str(file.path))
        return Value(setting, setting.default, "default" if setting.default else "not set")

    def text(self, name: str) -> str | None:
        """A setting's text; None where it is not set."""
        return self.value(name).text

    def path(self, name: str) -> Path | None:
        """A setting as a path with `~` expanded; None where it is not set."""
        text = self.text(name)
        return expanded(text) if text else None

    def duration(self, name: str) -> float:
        """A setting such as `90s`, `15m`, `24h` or `7d`, in seconds.

        Raises:
            ConfigurationError: It is not set, or does not read as a duration.
        """
        return self._measure(name, _SECONDS, "a duration such as 90s, 15m, 24h or 7d", _TEN_YEARS)

    def size(self, name: str) -> int:
        """A setting such as `512MiB` or `16GiB`, in bytes.

        Raises:
            ConfigurationError: It is not set, or does not read as a size.
        """
        return self._measure(name, _BYTES, "a size such as 512MiB or 16GiB", 2**60)

    def count(self, name: str) -> int:
        """A setting such as `1000`.

        Raises:
            ConfigurationError: It is not set, or no number from 1 on.
        """
        return self._measure(name, {"": 1}, "a number from 1 on", 2**31)

    def _measure(self, name: str, units: Mapping[str, int], wanted: str, most: int) -> int:
        value = self.value(name)
        text = (value.text or "").strip()
        unit = next((u for u in units if text.endswith(u)), None)
        number = text.removesuffix(unit or "").strip()
        if unit is None or not _DIGITS.fullmatch(number) or int(number) == 0:
            raise ConfigurationError(
                f"{name} = {text!r} is not {wanted}", because=f"it comes from {value.origin}"
            )
        measured = int(number) * units[unit]
        if measured > most:
            raise ConfigurationError(
                f"{name} = {text!r} is more than anyone needs",
                because=f"it comes from {value.origin}",
            )
        return measured

    @property
    def data_dir(self) -> Path:
        """Where the record and the vulnerability databases live."""
        return self.path("data_dir") or _folder("data")

    @property
    def cache_dir(self) -> Path:
        """Where blobs and scanner caches live; losing it costs time only."""
        return self.path("cache_dir") or _folder("cache")

    @property
    def config_file(self) -> Path:
        """The user's own settings file, whether it exists or not."""
        return self._user_file

    @property
    def database_url(self) -> str:
        """The record's database; a SQLite file in the data folder where none is set."""
        return self.text("database") or f"sqlite:///{self.data_dir / 'supplychain.db'}"

    @property
    def shown_database(self) -> str:
        """The database's URL for people, without a password."""
        return mask_url(self.database_url)

    @property
    def content_url(self) -> str:
        """The content store; a folder in the data folder where none is set."""
        return self.text("content") or str(self.data_dir / "content")

    def names(self, name: str) -> tuple[str, ...]:
        """A setting that lists things, separated by commas."""
        return tuple(part.strip() for part in (self.text(name) or "").split(",") if part.strip())

    def switch(self, name: str) -> bool:
        """A setting that is `yes` or `no`.

        Raises:
            ConfigurationError: It is neither.
        """
        value = self.value(name)
        if value.text not in {"yes", "no"}:
            raise ConfigurationError(
                f"{name} = {value.text!r} is neither yes nor no",
                because=f"it comes from {value.origin}",
            )
        return value.text == "yes"

    def policy_file(self, environment: str) -> Path:
        """Where the policy of an environment is looked for."""
        folder = self.path("policies") or Path("policies")
        return folder / f"{environment}.yaml"

    def _from_environment(self, setting: Setting) -> Value | None:
        """Our own variable, our own file, then the variables of other programs."""
        if self._environ.get(setting.variable):
            return Value(
                setting, self._environ[setting.variable], f"environment {setting.variable}"
            )
        if (setting.secret or setting.mounted) and self._environ.get(f"{setting.variable}_FILE"):
            return self._from_file(setting)
        for variable in setting.also:
            if self._environ.get(variable):
                return Value(setting, self._environ[variable], f"environment {variable}")
        return None

    def _from_file(self, setting: Setting) -> Value:
        variable = f"{setting.variable}_FILE"
        path = Path(self._environ[variable])
        try:
            with path.open("rb") as file:
                secret = file.read(_LONGEST + 1).decode().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"{variable} names {path}, which cannot be read", because=str(error)
            ) from error
        if len(secret) > _LONGEST:
            raise ConfigurationError(
                f"{variable} names {path}, which is larger than any setting",
                because=f"it has more than {_LONGEST} bytes",
            )
        if not secret:
            # One that is being written, perhaps: without it, something else would be done.
            raise ConfigurationError(f"{variable} names {path}, which is empty")
        return Value(setting, secret, f"file {path}")


def _folder(kind: str) -> Path:
    """The platform's folder for `config`, `data` or `cache`, without creating it."""
    import platformdirs

    path: Path = getattr(platformdirs, f"user_{kind}_path")("supplychain")
    return path
