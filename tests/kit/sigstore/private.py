"""A private Sigstore that answers on the loopback: what is common to the real one and its mock."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests.kit.sigstore import trust
from tests.kit.sigstore.oidc import DEVELOPER, Issuers


@dataclass(frozen=True, slots=True)
class PrivateSigstore:
    """A Sigstore that one can sign with.

    Attributes:
        name: Which: `mock` or `real`.
        issuers: Whose tokens it believes; mints them.
        trusted_root: Its `trusted_root.json`.
        signing_config: Its `signing_config.json`.
        client_trust: Both in one file, as sigstore-python wants it.
    """

    name: str
    issuers: Issuers
    trusted_root: Path
    signing_config: Path
    client_trust: Path

    @classmethod
    def described(
        cls,
        name: str,
        issuers: Issuers,
        folder: Path,
        root: dict[str, object],
        config: dict[str, object],
    ) -> PrivateSigstore:
        """Put the documents into the folder."""
        documents = {
            "trusted_root.json": root,
            "signing_config.json": config,
            "client_trust.json": trust.client_trust(root, config),
        }
        folder.mkdir(parents=True, exist_ok=True)
        for file, value in documents.items():
            (folder / file).write_bytes(trust.encoded(value))
        return cls(name, issuers, *(folder / file for file in documents))

    @property
    def fulcio(self) -> str:
        """Where certificates are asked for."""
        return self._service("caUrls")

    @property
    def rekor(self) -> str:
        """Where entries are put into the log."""
        return self._service("rekorTlogUrls")

    @property
    def tsa(self) -> str:
        """Where timestamps are asked for."""
        return self._service("tsaUrls")

    @property
    def issuer(self) -> str:
        """The issuer in certificates of people."""
        return self.issuers.people

    @property
    def workflow_issuer(self) -> str:
        """The issuer in certificates of workflows."""
        return self.issuers.workflows

    def token(self, email: str = DEVELOPER, **claims: object) -> str:
        """A fresh token of a person."""
        return self.issuers.token(email, **claims)

    def workflow_token(
        self, repository: str = "acme/shop", ref: str = "refs/heads/main", **claims: object
    ) -> str:
        """A fresh token of a workflow; `oidc.workflow_name` says how certificates call it."""
        return self.issuers.workflow_token(repository, ref, **claims)

    def _service(self, kind: str) -> str:
        config = json.loads(self.signing_config.read_bytes())
        return str(config[kind][0]["url"])
