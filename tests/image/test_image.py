"""The container image: what is in it, what it may do, and what our own gate says of it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from supplychain import __version__
from tests.image.conftest import CONFINED, Built
from tests.kit.cli import Desk, Outcome

pytestmark = pytest.mark.timeout(1500)


def _configuration(built: Built) -> dict[str, Any]:
    (found,) = json.loads(built.docker.run("image", "inspect", built.name).stdout)
    configuration: dict[str, Any] = found["Config"]
    return configuration


def test_it_says_what_it_is(built: Built) -> None:
    found = _configuration(built)
    labels = {k.removeprefix("org.opencontainers.image."): v for k, v in found["Labels"].items()}
    assert labels["title"] == "supplychain"
    assert (labels["version"], labels["revision"]) == ("1.2.3", "r")
    assert labels["licenses"] == "Apache-2.0"
    assert found["User"] == "10001:10001"
    assert set(found["Volumes"]) == {"/var/lib/supplychain", "/var/cache/supplychain"}
    assert "livez" in " ".join(found["Healthcheck"]["Test"])


def test_nothing_of_how_it_was_built_is_left(built: Built) -> None:
    layers = built.docker.run("history", "--no-trunc", "--format={{.CreatedBy}}", built.name).stdout
    said = f"{layers}{json.dumps(_configuration(built)['Env'])}"
    assert "PIP_" not in said
    assert "index" not in said
    looked = "ls -d /wheels /tools /source /built /opt/supplychain/bin/pip*"
    left = built.run("-c", f"{looked} || true", entrypoint="sh")
    assert left.count("cannot access") == 5, left


def test_it_is_nobody_and_can_write_nothing_but_its_own(built: Built) -> None:
    assert built.run("-u", entrypoint="id").strip() == "10001"
    tried = "for d in / /opt/supplychain /usr /etc /var /home; do touch $d/x && echo $d; done"
    assert built.run("-c", f"{{ {tried}; }} 2>/dev/null; true", entrypoint="sh") == ""
    own = "for d in /tmp /var/lib/supplychain /var/cache/supplychain; do touch $d/x || exit 1; done"
    built.run("-c", own, entrypoint="sh")
    may = built.run("-c", "grep -E '^(CapEff|NoNewPrivs)' /proc/self/status", entrypoint="sh")
    assert may.split() == ["CapEff:", "0" * 16, "NoNewPrivs:", "1"]


def test_it_starts_with_its_own_trivy(built: Built) -> None:
    told = built.run("--version")
    assert told.startswith(f"supplychain {__version__}\ntrivy 0.")
    examined = built.run("doctor", check=False)
    assert "✓ trivy" in examined
    assert "✓ data folder   /var/lib/supplychain" in examined
    assert "✓ cache folder  /var/cache/supplychain" in examined


def test_another_trivy_in_its_place_does_not_run(built: Built) -> None:
    swapped = "cp /bin/true /tmp/trivy && SUPPLYCHAIN_TRIVY=/tmp/trivy exec supplychain --version"
    told = built.run("-c", swapped, entrypoint="sh", check=False)
    assert "trivy 0." not in told


def test_a_server_is_healthy_and_ends_when_told(built: Built) -> None:
    started = built.docker.run(
        *("run", "--detach", "--health-interval=1s", *CONFINED[1:], built.name),
        *("serve", "--embedded", "--host", "0.0.0.0"),
    )
    container = started.stdout.strip()
    try:
        asked = ("inspect", "--format={{.State.Health.Status}} {{.State.Running}}", container)
        end = time.monotonic() + 60
        while (told := built.docker.run(*asked).stdout.split()) != ["healthy", "true"]:
            log = built.docker.run("logs", container)
            assert time.monotonic() < end, f"{told}: {log.stdout}{log.stderr}"
            assert told[1] == "true", f"{log.stdout}{log.stderr}"
            time.sleep(0.5)
        built.docker.run("stop", "--time=40", container)
        exited = built.docker.run("inspect", "--format={{.State.ExitCode}}", container).stdout
        assert exited.strip() == "0"
    finally:
        built.docker.run("rm", "--force", "--volumes", container)


def test_our_own_gate_lets_it_through(built: Built, desk: Desk) -> None:
    """Scanned, described, signed, attested, recorded and judged, as any image is."""
    daemon = {"DOCKER_HOST": built.docker.host}
    image = f"docker-daemon:{built.name}"
    desk.policy(
        "signature: {keys: [../release.pub]}",
        "sbom: {keys: [../release.pub]}",
        "freshness: {scan: 24h, database: 7d}",
        "vulnerabilities: {severity: critical, fixable: true}",
        "image-config: {user: numeric}",
    )
    with desk.typing("run", image, "-e", "prod", "--layout", "signed", **daemon) as process:
        stdout, stderr = process.communicate(timeout=900)
    done = Outcome(process.returncode, stdout.decode(), stderr.decode()).ended(0)
    assert done.stdout.startswith("ALLOW  docker.io/library/supplychain@sha256:")
    (digest,) = desk.recorded()
    desk.type("gate", digest, "-e", "prod").ended(0)
    desk.type("verify", "oci:signed", "--key", desk.public_key).ended(0)
    sbom = desk.type("export", "sbom", digest).ended(0).stdout
    purls = [component.get("purl", "") for component in json.loads(sbom)["components"]]
    for wanted in ("pkg:deb/debian/libc6@", "pkg:pypi/fastapi@", "pkg:pypi/supplychain@"):
        assert any(purl.startswith(wanted) for purl in purls), wanted
