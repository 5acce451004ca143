"""What others read, made by a server of what is on record there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from supplychain.client.connection import JSON, XML, Connection
from supplychain.client.refusals import refuse_policy
from supplychain.errors import InputError
from supplychain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Exports:
    """What others read; see `bootstrap.exports`.

    Attributes:
        connection: To the server.
        recorded: The digest of the image on record there that somebody means.
        by_digest: What somebody typed, with its digest: a tag is resolved here.
    """

    connection: Connection
    recorded: Callable[[str], str]
    by_digest: Callable[[str], str]

    def sbom(self, image: str, platform: str | None, form: str, *, at: datetime) -> bytes:
        """An image's recorded SBOM, in a form."""
        del at
        kind = JSON if form.endswith("json") else XML
        path = _of(self.recorded(image), "sbom")
        return self.connection.verbatim(path, kind, platform=platform, form=form)

    def summary(self, image: str, environment: str) -> bytes:
        """The last verdict about an image as a SLSA verification summary."""
        path = _of(self.recorded(image), "vsa")
        return self.connection.verbatim(path, JSON, environment=environment)

    def vex(
        self,
        image: str,
        environment: str,
        form: str,
        *,
        policy: Path | None,
        author: str | None,
        at: datetime,
    ) -> bytes:
        """What the policy of an environment believes, in the name of whoever the token is of."""
        del at
        refuse_policy(policy)
        if author is not None:
            raise InputError(
                "a server names whoever asks as the author",
                hint="leave --author out, or come with the token of whoever it is",
            )
        path = _of(self.by_digest(image).rpartition("@")[2], "vex")
        return self.connection.verbatim(path, JSON, environment=environment, form=form)


def _of(digest: str, what: str) -> str:
    return f"/v1/images/{digest}/exports/{what}"
