"""What is read of an image's configuration, and which values are taken for secrets."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from supplychain.errors import InputError
from supplychain.images.configuration import read_configuration
from supplychain.images.layout import OciLayout
from supplychain.images.resolve import resolve
from supplychain.images.suspicion import suspicion
from supplychain.model.digest import Digest
from supplychain.model.image_config import Base, ImageConfig, Variable, chain_ids

KEY = "AKIA" + "Q3EGRIWMJZ7HD5XN"
RANDOM = "b3BlbiBzZXNhbWU7IFhZ" + "Wl8xMjM0NTY3ODkwQUJD"
DRAWN = "its value looks drawn by lot"
NAMED = "its name says so"


def test_it_says_what_the_configuration_says_and_no_value(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        User="1000:1000",
        ExposedPorts={"8080/tcp": {}, "53/udp": {}},
        Volumes={"/data": {}},
        Env=["PATH=/usr/bin", f"BACKUP={KEY}", "EMPTY="],
        Labels={"b": "2", "a": "1", "org.opencontainers.image.base.name": "python:3.12-slim"},
        Healthcheck={"Test": ["CMD", "/bin/check"]},
        Entrypoint=["/server"],
        Cmd=["--serve"],
    )

    assert config.user == "1000:1000"
    assert config.ports == ("53/udp", "8080/tcp")
    assert config.volumes == ("/data",)
    assert config.environment == (
        Variable("PATH"),
        Variable("BACKUP", "its value has the form of an AWS access key"),
        Variable("EMPTY"),
    )
    assert config.labels[:2] == (("a", "1"), ("b", "2"))
    assert config.bases == (Base("docker.io/library/python", ""),)
    assert config.healthcheck
    assert (config.entrypoint, config.command) == (("/server",), ("--serve",))
    assert len(config.diff_ids) == 1
    assert KEY.encode() not in config.document()


def test_what_is_not_there_is_empty(tmp_path: Path) -> None:
    config = read(tmp_path, Healthcheck={"Test": ["NONE"]})
    assert not config.healthcheck
    assert (config.user, config.ports, config.environment, config.labels) == ("", (), (), ())


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("2026-01-15T12:00:00.123456789Z", datetime(2026, 1, 15, 12, 0, 0, 123456, UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("2026-01-15T12:00:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_when_it_was_made(tmp_path: Path, written: str, read_as: datetime | None) -> None:
    assert read(tmp_path, created=written).created_at == read_as


@pytest.mark.parametrize(
    "config",
    [{"User": 0}, {"Env": "A=B"}, {"ExposedPorts": ["80/tcp"]}, {"user": "nobody"}],
    ids=str,
)
def test_what_no_runtime_would_read_so_is_refused(tmp_path: Path, config: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        read(tmp_path, **config)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("X", f"id={KEY}", "its value has the form of an AWS access key"),
        ("X", "ghp_" + "a1B2" * 9, "its value has the form of a GitHub token"),
        ("X", "glpat-" + "a1B2" * 5, "its value has the form of a GitLab token"),
        ("X", "postgres://shop:hunter2@db/shop", "its value has the form of an address with a pas"),
        ("X", "-----BEGIN RSA PRIVATE KEY-----", "its value has the form of a private key"),
        ("DB_PASSWORD", "hunter2", NAMED),
        ("PGPASSWORD", "hunter2", NAMED),
        ("api_key", "0123456789abcdef", NAMED),
        ("SESSION", RANDOM, DRAWN),
    ],
)
def test_what_looks_like_a_secret(name: str, value: str, why: str) -> None:
    assert suspicion(name, value).startswith(why)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # As images in wide use have them.
        ("GPG_KEY", "7169605F62C751356D054A26A821E680E5FA6305"),
        ("PYTHON_SHA256", "5ae03e308260164baba39921fdb4dbf8e6d03d8235a939d4582b33f0b5e46a83"),
        ("GOTOOLCHAIN", "local"),
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("PWD", "/app"),
        ("JAVA_HOME", "/opt/java/openjdk"),
        ("DB_PASSWORD", ""),
        ("DB_PASSWORD", "${FROM_OUTSIDE}"),
        ("DB_PASSWORD_FILE", "/run/secrets/db"),
        ("SECRET", "/run/secrets/db"),
        ("TOKEN_TTL", "3600"),
        ("URL", "https://example.org/a/path?with=query"),
        ("IMAGE_ID", "sha256:5ae03e308260164baba39921fdb4dbf8e6d03d8235a939d4582b33f0b5e46a83"),
        ("UUID", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("ALPHABET", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ],
)
def test_what_only_looks_like_one(name: str, value: str) -> None:
    assert suspicion(name, value) == ""


def test_layers_are_named_together_as_the_specification_says() -> None:
    first, second = Digest.of(b"1"), Digest.of(b"2")
    assert chain_ids([first, second]) == (first, Digest.of(f"{first} {second}".encode()))


def read(folder: Path, **config: Any) -> ImageConfig:
    """The configuration of an image with one layer and this in it."""
    created = config.pop("created", "2026-01-15T12:00:00Z")
    store = OciLayout.create(folder / "image")
    layer = b"not unpacked here"
    whole = {
        "architecture": "amd64",
        "os": "linux",
        "created": created,
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(layer))]},
    }
    raw = json.dumps(whole).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _descriptor("config.v1+json", raw),
        "layers": [_descriptor("layer.v1.tar", layer)],
    }
    store.put_blob(raw)
    digest = store.put_manifest(json.dumps(manifest).encode(), str(manifest["mediaType"]))
    return read_configuration(resolve(store, digest).images[0])


def _descriptor(kind: str, data: bytes) -> dict[str, object]:
    media_type = f"application/vnd.oci.image.{kind}"
    return {"mediaType": media_type, "digest": str(Digest.of(data)), "size": len(data)}
