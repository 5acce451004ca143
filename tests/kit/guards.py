"""Guards for registries that run on this machine, and answers of DNS that a test thinks up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from supplychain.network.guard import Guard, Resolve
from supplychain.network.names import parse_names


class _Noting(Guard):
    """Notes the host of every request before it judges."""

    asked: list[str]

    def admit(self, host: str, port: int) -> None:
        self.asked.append(host)
        super().admit(host, port)


def guard_for(address: str, asked: list[str] | None = None) -> Guard:
    """A guard that opens one loopback registry.

    Args:
        address: `host:port`.
        asked: Takes the host of every request.
    """
    made = _Noting(
        parse_names([address], "registries"),
        private=parse_names([address.rpartition(":")[0]], "private"),
    )
    made.asked = [] if asked is None else asked
    return made


def guarded(
    registries: Sequence[str],
    beside: Sequence[str] = (),
    private: Sequence[str] = (),
    *,
    resolve: Resolve | None = None,
    at: Mapping[str, Sequence[str]] | None = None,
) -> Guard:
    """A guard, its DNS the test's own.

    Args:
        registries: As `registry_allowed`.
        beside: As `registry_beside`.
        private: As `registry_private`.
        resolve: The resolver; else by `at`.
        at: The addresses of each host.
    """
    known = at or {}

    def by_table(host: str) -> Sequence[str]:
        if host not in known:
            raise OSError(f"there is no {host}")
        return known[host]

    return Guard(
        parse_names(registries, "registry_allowed", paths=True),
        parse_names(beside, "registry_beside"),
        parse_names(private, "registry_private"),
        resolve=resolve or by_table,
    )
