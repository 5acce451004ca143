"""The service in both of its forms, a team that uses it, and an image that went through it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.images import Layer, pack_layout
from tests.acceptance.service.deployment import (
    Deployment,
    desk_in,
    document,
    running,
    silent_registry,
)
from tests.kit.cli import Desk
from tests.kit.databases import _create, _named
from tests.kit.registry import RunningRegistry
from tests.kit.shop import push

TEAM = "acme"
REVIEW = "https://example.com/review/v1"
# What each environment demands. The keys lie two folders above.
POLICIES = {
    "prod": """
waivers: {approvers: [bob], max: {critical: 14d, high: 14d}}
rules:
  - signature: {keys: [../../release.pub]}
  - sbom: {keys: [../../release.pub]}
  - freshness: {scan: 24h, database: 7d}
  - vulnerabilities: {severity: high}
""",
    "staging": """
vex: {trust: {keys: [../../psirt.pub]}}
rules:
  - sbom: {keys: [../../release.pub]}
  - vulnerabilities: {severity: high}
""",
    "canary": f"""
rules:
  - attestation: {{type: {REVIEW}, keys: [../../partner.pub], max_age: 24h}}
""",
    "edge": """
unseen: {start_run: anybody}
rules:
  - signature: {keys: [../../release.pub]}
  - freshness: {scan: 24h}
  - vulnerabilities: {severity: high}
""",
    "ci": """
claims:
  - {by: ['machine:ci'], kinds: [scan, sbom]}
rules:
  - signature: {keys: [../../partner.pub]}
  - sbom: {keys: [../../partner.pub]}
  - freshness: {scan: 24h}
  - vulnerabilities: {severity: high}
""",
}
_FORMS = ("one-machine", "postgresql")


@dataclass(frozen=True, slots=True)
class Team:
    """A service that runs, and who uses it.

    Attributes:
        service: The service.
        registry: The registry of images, and one that says nothing.
        tokens: What each of them comes with.
    """

    service: Deployment
    registry: RunningRegistry
    silent: str
    tokens: dict[str, str]

    def ask(self, who: str, method: str, path: str, **rest: Any) -> httpx.Response:
        """Ask as somebody, over a connection of its own."""
        with self.service.caller(self.tokens[who]) as client:
            answer: httpx.Response = client.request(method, f"/v1{path}", **rest)
        return answer

    def get(self, who: str, path: str, **params: Any) -> dict[str, Any]:
        """What is at a path."""
        return document(self.ask(who, "GET", path, params=params))

    def decide(self, image: str, environment: str) -> dict[str, Any]:
        """What the gate says to who deploys."""
        answer = self.ask("argo", "POST", f"/gates/{environment}/decide", json={"image": image})
        return document(answer)

    def submit(self, reference: str, environment: str = "prod") -> dict[str, Any]:
        """A run that CI asks for."""
        asked = {"reference": reference, "environment": environment}
        return document(self.ask("ci", "POST", "/runs", json=asked), 202)

    def follow(self, run: str, after: int = 0) -> list[dict[str, Any]]:
        """What happens to a run, from an event on until it is over."""
        headers = {"Last-Event-ID": str(after)}
        with (
            self.service.caller(self.tokens["ci"]) as client,
            client.stream("GET", f"/v1/runs/{run}/events", headers=headers) as stream,
        ):
            return [
                json.loads(line.removeprefix("data: "))
                for line in stream.iter_lines()
                if line.startswith("data: ")
            ]


@dataclass(frozen=True, slots=True)
class Examined:
    """An image that CI had examined.

    Attributes:
        reference: By digest, in the registry.
        digest: Its digest.
        run: The run as it was when it was asked for.
        meanwhile: What the gate said while it was under way.
        events: What happened to the run.
    """

    reference: str
    digest: str
    run: dict[str, Any]
    meanwhile: dict[str, Any]
    events: list[dict[str, Any]]


@pytest.fixture(scope="package")
def office(tmp_path_factory: pytest.TempPathFactory, desk_template: Desk) -> Desk:
    """A desk to be copied, with the keys of others and the policies of the team."""
    desk = desk_in(tmp_path_factory.mktemp("office") / "desk", desk_template)
    (desk.folder / "policies" / TEAM).mkdir()
    for name, rest in POLICIES.items():
        text = f"schemaVersion: 1\nenvironment: {name}\n{rest}"
        (desk.folder / "policies" / TEAM / f"{name}.yaml").write_text(text)
    for name in ("psirt", "partner"):
        desk.type("keys", "generate", "--output-key-prefix", name, "--quiet").ended(0)
    return desk


@pytest.fixture(scope="package", params=_FORMS)
def service(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    office: Desk,
    debian_registry: RunningRegistry,
) -> Iterator[tuple[Deployment, str]]:
    """The service, started once in each of its forms; and the registry that says nothing."""
    desk = desk_in(tmp_path_factory.mktemp("service") / "desk", office)
    database = None
    if request.param == "postgresql":
        server: str = request.getfixturevalue("postgresql_server")
        _create(server, name := f"service_{uuid.uuid4().hex}")
        database = _named(server, name)
    with (
        silent_registry() as silent,
        running(desk, (debian_registry.address, silent), database) as found,
    ):
        yield found, silent


@pytest.fixture(scope="package")
def team(service: tuple[Deployment, str], debian_registry: RunningRegistry) -> Team:
    """An organisation, its project, and a token for each who works with them."""
    place, silent = service
    desk = place.desk
    desk.type("organisations", "create", TEAM).ended(0)
    desk.environ["SUPPLYCHAIN_ORGANISATION"] = TEAM
    tokens = {
        name: _token(desk, name, *roles)
        for name, roles in {
            "ada": ("admin", "auditor"),
            "alice": ("submitter",),
            "bob": ("waiver-approver", "submitter"),
        }.items()
    }
    found = Team(place, debian_registry, silent, tokens)
    document(found.ask("ada", "POST", "/projects", json={"name": "ledger"}), 201)
    for machine, role in {"ci": "submitter", "argo": "viewer", "cluster": "operator"}.items():
        asked = {
            "name": f"{machine}-token",
            "owner": f"machine:{machine}",
            "roles": [role],
            "projects": ["default"],
        }
        made = document(found.ask("ada", "POST", "/tokens", json=asked), 201)
        tokens[machine] = made["token"]
    return found


@pytest.fixture(scope="package")
def vulnerable_image(
    team: Team, vulnerable_layer: Layer, tmp_path_factory: pytest.TempPathFactory
) -> Examined:
    """An image with known vulnerabilities, that CI had examined for `prod`."""
    folder = tmp_path_factory.mktemp("image") / "shop"
    pack_layout(folder, [vulnerable_layer])
    name = team.registry.fresh()
    digest = push(folder, name)
    reference = f"{name}@{digest}"
    run = team.submit(reference)
    meanwhile = team.decide(reference, "prod")
    return Examined(reference, digest, run, meanwhile, team.follow(run["id"]))


@pytest.fixture(scope="package")
def elsewhere(
    vulnerable_image: Examined, office: Desk, tmp_path_factory: pytest.TempPathFactory
) -> Desk:
    """A desk on a machine that has the public keys and a copy of the image, and no service."""
    desk = desk_in(tmp_path_factory.mktemp("elsewhere") / "desk", office)
    desk.environ["SUPPLYCHAIN_SIGNATURE_FORMATS"] = "bundle"
    desk.type("copy", vulnerable_image.reference, "oci:copy").ended(0)
    return desk


@pytest.fixture
def repaired_tag(team: Team, repaired: Path) -> tuple[str, str]:
    """A tag of an image in which nothing is known to be vulnerable, and its digest."""
    name = team.registry.fresh()
    digest = push(repaired, name, "2.0")
    return f"{name}:2.0", digest


def _token(desk: Desk, owner: str, *roles: str) -> str:
    given = [argument for role in roles for argument in ("--role", role)]
    made = desk.type(
        *("tokens", "create", f"of-{owner}", *given, "--all-projects"),
        *("--owner", owner, "--as", "root", "-o", "json"),
    )
    return str(made.ended(0).json()["token"])
