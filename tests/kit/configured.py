"""Factories for what images say about themselves and are built upon: same call, same value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, PlatformDossier
from supplychain.model.evidence import Evidence, EvidenceKind, Producer
from supplychain.model.image_config import Ancestor, ImageConfig, Kinship, Secret, Variable
from supplychain.model.subject import Subject
from tests.kit.policies import make_dossier, make_platform
from tests.kit.scans import AT, CONFIG, LAYERS

BASE = Subject("registry.test/base/debian", Digest.of(b"the base"))
SECRET = Secret("aws-access-key-id", "AWS", "critical", "AWS Access Key ID", "app/.env", 3)


def make_config(**changes: Any) -> ImageConfig:
    """A configuration in which nothing is wrong, three days old."""
    made = ImageConfig(
        digest=CONFIG,
        created_at=AT - timedelta(days=3),
        user="65532",
        ports=("8080/tcp",),
        volumes=(),
        environment=(Variable("PATH"),),
        labels=(("vendor", "Acme"),),
        healthcheck=True,
        entrypoint=("/server",),
        command=(),
        diff_ids=tuple(diff_id for _, diff_id in LAYERS),
    )
    return replace(made, **changes)


def make_configured(
    platform: PlatformDossier | None = None,
    *,
    config: ImageConfig | None = None,
    secrets: Iterable[Secret] = (),
    ancestors: Iterable[Ancestor] = (Ancestor(BASE, Kinship.LAYERS, 2),),
    recorded_at: datetime = AT - timedelta(days=1),
) -> PlatformDossier:
    """A platform with a configuration, looked through for secrets, that stands upon `BASE`."""
    platform = platform or make_platform()
    config = config or make_config()
    return replace(
        platform,
        config=config,
        config_evidence=make_evidence(platform.subject, config, recorded_at),
        secrets=tuple(secrets),
        ancestors=tuple(ancestors),
        recorded_at=recorded_at,
    )


def make_evidence(subject: Subject, config: ImageConfig, produced_at: datetime) -> Evidence:
    """Evidence of a configuration."""
    return Evidence(
        subject=subject,
        kind=EvidenceKind.CONFIG,
        digest=Digest.of(config.document()),
        media_type="application/json",
        producer=Producer("supplychain", "0.1.0"),
        produced_at=produced_at,
        verified_by="first-hand",
    )


def configured(**changes: Any) -> Dossier:
    """A dossier of one platform; the changes are those of `make_configured`."""
    return make_dossier(make_configured(**changes))
