"""A name that whoever has the image chose for it is no repository, and allows nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from demo.images import pack_tar
from supplychain.images.layout import OciLayout
from supplychain.model.waiver import WaiverScope, WaiverStep
from tests.kit.docker_daemon import FakeDaemon
from tests.kit.forging import one_file
from tests.kit.misbehaving import ScriptedServer, scripted_server
from tests.kit.saving import docker_save
from tests.kit.shop import digest_of, serve, serve_beside
from tests.kit.typist import HOUR, Typist
from tests.kit.waivers import APPROVER, REQUESTER, make_terms

WAIVERS = f"waivers: {{approvers: [{APPROVER}], max: {{other: 30d}}}}\n"


@dataclass(frozen=True, slots=True)
class Town:
    """A registry, a daemon, and a record in which a risk is accepted for one repository.

    Attributes:
        typist: Who records and asks.
        server: The registry, which has nothing yet.
        daemon: Where anybody may tag anything.
    """

    typist: Typist
    server: ScriptedServer
    daemon: FakeDaemon

    def sign(self, tag: str) -> Path:
        """Have somebody tag an image of their own so, and record it; the folder it is put into."""
        layer = one_file("app", compression="none")
        self.daemon.load(pack_tar(docker_save([layer], [tag])))
        copy = self.typist.folder / "copy"
        source = f"docker-daemon:{tag}"
        self.typist.type("sign", source, "--key", "release.key", "--layout", copy).ended(0)
        layout = OciLayout(copy)
        image = layout.manifest(layout.choose().digest)
        layout.put_manifest(image.raw, image.media_type, tag="latest")
        return copy

    def gate(self, image: str, code: int) -> str:
        """What the gate says, for each of the names that somebody may ask by."""
        said = [
            self.typist.type("gate", asked, "-e", "prod").ended(code).stdout
            for asked in (image, f"{self.server.repository}@{image}")
        ]
        return "".join(said)


@pytest.fixture
def town(
    typist: Typist, fake_daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Town]:
    """A policy that asks for an SBOM, and a waiver of that for the repository of the registry."""
    assert fake_daemon.host
    monkeypatch.setenv("DOCKER_HOST", fake_daemon.host)
    monkeypatch.setenv("SUPPLYCHAIN_KEY_PASSWORD", "a password")
    typist.type("keys", "generate", "--output-key-prefix", "release").ended(0)
    with scripted_server() as server:
        path = typist.policy("sbom: {}")
        path.write_text(path.read_text() + WAIVERS)
        terms = make_terms(
            WaiverScope(rule="sbom", repository=str(server.repository)),
            expires=typist.now + timedelta(days=7),
        )
        with typist.record() as record:
            record.waivers.request(terms, actor=REQUESTER, at=typist.now - HOUR)
            approved = WaiverStep.APPROVED
            record.waivers.answer(1, approved, actor=APPROVER, at=typist.now - HOUR)
        yield Town(typist, server, fake_daemon)


def test_a_tag_in_a_daemon_that_is_like_a_repository(town: Town) -> None:
    copy = town.sign(f"{town.server.repository}:1")
    said = town.gate(digest_of(copy), 10)
    assert "WV-1 does not count: no registry is known to have it there" in said
    # `images: only` does not take the name for where it is from, and what is banned stays so.
    town.typist.policy(rf"images: {{only: ['{town.server.address}/.*']}}")
    assert "for no registry is known to have it" in town.gate(digest_of(copy), 10)
    town.typist.policy(rf"images: {{repositories: ['{town.server.address}/.*']}}")
    assert "are never allowed" in town.gate(digest_of(copy), 10)


def test_what_the_registry_really_has_is_what_was_meant(town: Town) -> None:
    """Else the test above would pass if no waiver ever counted."""
    copy = town.sign("shop:1")
    image = digest_of(copy)
    town.gate(image, 10)
    serve(copy, town.server)
    serve_beside(copy, town.server)
    record = ("attestations", "record", f"{town.server.repository}:1", "--key", "release.pub")
    town.typist.type(*record).ended(0)
    assert "waived by bob" in town.gate(image, 0)


def test_a_folder_that_is_called_like_a_repository(town: Town) -> None:
    """A folder has no slash in its name; who asks for a waiver of such a name gets none."""
    copy = town.sign("shop:1")
    copy.rename(town.typist.folder / "web")
    town.typist.type("sign", "oci:web", "--key", "release.key").ended(0)
    scope = WaiverScope(rule="sbom", repository="web")
    with town.typist.record() as record:
        terms = make_terms(scope, expires=town.typist.now + timedelta(days=7))
        record.waivers.request(terms, actor=REQUESTER, at=town.typist.now - HOUR)
        record.waivers.answer(2, WaiverStep.APPROVED, actor=APPROVER, at=town.typist.now - HOUR)
    said = town.gate(digest_of(town.typist.folder / "web"), 10)
    assert "WV-2 does not count: no registry is known to have it there" in said
