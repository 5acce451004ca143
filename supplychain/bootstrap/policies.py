"""The policies of environments, for a process that is asked for them again and again."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.bootstrap.looks import Look, look_at
from supplychain.bootstrap.trust import load_policy, read_kept
from supplychain.errors import InputError, NotFoundError, PolicyError, StoreError
from supplychain.frozen import dataclass
from supplychain.settings import Settings

if TYPE_CHECKING:
    from supplychain.gate.policy import Policy

# A file that was written so shortly before it was read may be written again without its times
# telling: they are as coarse as the kernel's ticks, on some file systems as seconds.
_SETTLED_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class _Read:
    """A policy, and how each file that it was read from looked before it was read."""

    policy: Policy
    looks: dict[Path, Look | None]

    def holds(self) -> bool:
        """Whether every file is still the one that was read."""
        return all(look is not None and look_at(path) == look for path, look in self.looks.items())


def of_organisation(settings: Settings, organisation: str) -> Settings:
    """All settings, as they are for an organisation.

    `default` has them as they are; another's policies are in the folder of its name among them.
    """
    if organisation == "default":
        return settings
    folder = settings.policy_file("any").parent / organisation
    return settings.but(policies=str(folder), organisation=organisation)


class Policies:
    """Policies by their environments, each read again once a file that it was made of changes.

    Threads may share one.

    Args:
        settings: Where policies are.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[str, _Read] = {}
        self._lock = threading.Lock()

    def of(self, environment: str) -> Policy | None:
        """The policy of an environment; None where there is none, which the gate denies.

        Raises:
            InputError: No policy can have this name.
            PolicyError: The policy is not usable.
        """
        name = _checked(environment)
        with self._lock:
            known = self._known.get(name)
        if known is not None and known.holds():
            return known.policy
        path = self._settings.policy_file(name)
        if not path.exists():
            return None
        read = _read(path)
        with self._lock:
            self._known[name] = read
        return read.policy

    def environments(self) -> tuple[str, ...]:
        """Every environment that has a policy, sorted."""
        folder = self._settings.policy_file("any").parent
        return tuple(sorted(path.stem for path in folder.glob("*.yaml") if _is_name(path.stem)))


def _checked(name: str) -> str:
    from supplychain.gate.options import ENVIRONMENT

    return str(ENVIRONMENT.parse(name))


def _is_name(name: str) -> bool:
    try:
        _checked(name)
    except InputError:
        return False
    return True


def _read(path: Path) -> _Read:
    looks: dict[Path, Look | None] = {}

    def read(file: Path, what: str) -> bytes:
        # Before it is read: what changes meanwhile makes this look an old one.
        looks[file] = _settled(file)
        return read_kept(file, what)

    try:
        return _Read(load_policy(path, read), looks)
    except PolicyError:
        raise
    # Whoever asks by it named neither the file nor what is in it.
    except (InputError, NotFoundError, StoreError) as error:
        raise PolicyError(
            f"the policy {path.name} cannot be read: {error}",
            because=error.because,
            hint=error.hint,
        ) from error


def _settled(path: Path) -> Look | None:
    """How a file looks; None where that would not tell whether it is changed right now."""
    look = look_at(path)
    if look is None or time.time_ns() - max(look[2:]) < _SETTLED_NS:
        return None
    return look
