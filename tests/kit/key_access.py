"""Ways to keys for tests: an environment of their own, no waiting, and who may be asked."""

from __future__ import annotations

from collections.abc import Mapping

from supplychain.signing.keys.access import Access


def access(environ: Mapping[str, str] | None = None, password: str | None = None) -> Access:
    """The surroundings of a key: only this environment, and this password or nobody to ask."""

    def answer() -> bytes:
        assert password is not None, "the password was asked for"
        return password.encode()

    return Access(environ or {}, answer, sleep=lambda _seconds: None)
