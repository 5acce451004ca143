"""The real programs of a Sigstore on the loopback, each on a free port, with keys of their own.

Fulcio, TesseraCT, Rekor v2 on files and the timestamp authority are built by `make test-interop`.
"""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import requests
import yaml
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from tests.kit.go_tools import CT_LOG, FULCIO, REKOR, SIGSTORE, TIMESTAMPS
from tests.kit.misbehaving import scripted_server
from tests.kit.sigstore import trust
from tests.kit.sigstore.bundle import pem
from tests.kit.sigstore.forge import Forge
from tests.kit.sigstore.keys import HOUR, Key, public_pem, text
from tests.kit.sigstore.oidc import AUDIENCE, Issuers
from tests.kit.sigstore.private import PrivateSigstore
from tests.kit.sigstore.protocol import now

_START_TIMEOUT = 30.0
_PASSWORD = "fulcio"


@dataclass(frozen=True, slots=True)
class _Places:
    """Where each service answers."""

    fulcio: str
    rekor: str
    ct: str
    tsa: str


@contextmanager
def running(folder: Path) -> Iterator[PrivateSigstore]:
    """The services, while the context lasts; skips the calling test where they are not built."""
    for tool in SIGSTORE:
        tool.required()
    forge = Forge.create(now() - HOUR)
    _write_keys(folder, forge)
    with ExitStack() as stack:
        issuers = Issuers(stack.enter_context(scripted_server()))
        _write_issuers(folder, issuers)
        places = _Places(
            ct=_start(stack, folder, "ct", _ct_log, "/ct/v1/get-roots"),
            rekor=_start(stack, folder, "rekor", _rekor, "/healthz"),
            tsa=_start(stack, folder, "tsa", _timestamps, "/ping"),
            fulcio="",
        )
        fulcio = _start(stack, folder, "fulcio", _fulcio(places.ct), "/api/v2/trustBundle")
        forge = _placed(forge, replace(places, fulcio=fulcio))
        _log_one(forge)
        config = trust.signing_config(
            authority=forge.authority, log=forge.tiles, clock=forge.clock, issuer=issuers.people
        )
        root = forge.trusted_root_value(logs=(forge.tiles,))
        yield PrivateSigstore.described("real", issuers, folder / "trust", root, config)


def _ct_log(folder: Path, port: int) -> Sequence[str | Path]:
    kept = folder / "ct"
    kept.mkdir(exist_ok=True)
    address = ("-address", f"127.0.0.1:{port}", "-folder", kept)
    return CT_LOG.path, *address, "-roots", folder / "fulcio-root.pem", "-key", folder / "ct.key"


def _rekor(folder: Path, port: int) -> Sequence[str | Path]:
    kept = folder / "rekor"
    kept.mkdir(exist_ok=True)
    return (
        REKOR.path,
        "serve",
        "--http-address=127.0.0.1",
        f"--http-port={port}",
        "--grpc-address=127.0.0.1",
        f"--grpc-port={_free_port()}",
        f"--http-metrics-port={_free_port()}",
        "--hostname=127.0.0.1",
        f"--storage-dir={kept}",
        f"--signer-filepath={folder / 'rekor.key'}",
        "--checkpoint-interval=500ms",
        "--batch-max-age=50ms",
    )


def _timestamps(folder: Path, port: int) -> Sequence[str | Path]:
    files = ("-key", folder / "tsa.key", "-chain", folder / "tsa-chain.pem")
    return TIMESTAMPS.path, "-port", str(port), *files


def _fulcio(ct: str) -> Callable[[Path, int], Sequence[str | Path]]:
    def command(folder: Path, port: int) -> Sequence[str | Path]:
        return (
            FULCIO.path,
            "serve",
            "--host=127.0.0.1",
            f"--port={port}",
            "--grpc-host=127.0.0.1",
            f"--grpc-port={_free_port()}",
            f"--metrics-port={_free_port()}",
            f"--legacy-unix-domain-socket={folder / f'fulcio-{port}.sock'}",
            "--ca=fileca",
            f"--fileca-cert={folder / 'fulcio-chain.pem'}",
            f"--fileca-key={folder / 'fulcio.key'}",
            f"--fileca-key-passwd={_PASSWORD}",
            "--fileca-watch=false",
            f"--ct-log-url={ct}",
            f"--ct-log-public-key-path={folder / 'ct.pub'}",
            f"--config-path={folder / 'fulcio.yaml'}",
        )

    return command


def _start(
    stack: ExitStack,
    folder: Path,
    name: str,
    command: Callable[[Path, int], Sequence[str | Path]],
    ready: str,
) -> str:
    """Start one, wait until it answers, and have it stopped with the stack; its address."""
    for _ in range(3):  # another may take the port in between
        port = _free_port()
        address = f"http://127.0.0.1:{port}"
        process = _spawned(command(folder, port), folder, name)
        stack.callback(_stop, process)
        if _answers(process, f"{address}{ready}"):
            return address
        _stop(process)
    last = (folder / f"{name}.log").read_text(errors="replace")[-2000:]
    raise RuntimeError(f"{name} did not start:\n{last}")


def _spawned(command: Sequence[str | Path], folder: Path, name: str) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.log").open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            env={"PATH": os.defpath, "HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(10)


def _answers(process: subprocess.Popen[bytes], url: str) -> bool:
    end = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(url, timeout=2).ok:
                return True
        except requests.ConnectionError:
            pass
        time.sleep(0.03)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _write_keys(folder: Path, forge: Forge) -> None:
    sealed = BestAvailableEncryption(_PASSWORD.encode())
    files: Mapping[str, bytes] = {
        "fulcio-chain.pem": pem(forge.authority.chain).encode(),
        "fulcio-root.pem": pem(forge.authority.chain[1:]).encode(),
        "fulcio.key": _private(forge.authority.key, seal=sealed),
        "ct.key": _private(forge.ct.key, PrivateFormat.TraditionalOpenSSL),
        "ct.pub": public_pem(forge.ct.key),
        "rekor.key": _private(forge.tiles.key),
        "tsa-chain.pem": pem(forge.clock.chain).encode(),
        "tsa.key": _private(forge.clock.key),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)


def _private(
    key: Key,
    form: PrivateFormat = PrivateFormat.PKCS8,
    seal: KeySerializationEncryption | None = None,
) -> bytes:
    return key.private_bytes(Encoding.PEM, form, seal or NoEncryption())


def _write_issuers(folder: Path, issuers: Issuers) -> None:
    kinds = {issuers.people: "email", issuers.workflows: "github-workflow"}
    known = {
        url: {"issuer-url": url, "client-id": AUDIENCE, "type": kind} for url, kind in kinds.items()
    }
    (folder / "fulcio.yaml").write_text(yaml.safe_dump({"oidc-issuers": known}))


def _placed(forge: Forge, places: _Places) -> Forge:
    return replace(
        forge,
        authority=replace(forge.authority, url=places.fulcio),
        ct=replace(forge.ct, url=places.ct),
        tiles=replace(forge.tiles, url=places.rekor),
        clock=replace(forge.clock, url=f"{places.tsa}/api/v1/timestamp"),
    )


def _log_one(forge: Forge) -> None:
    """Fill the log's first place: sigstore-python cannot read what others write of index 0."""
    signed = forge.sign(b"the first", keyed=True, log=None)
    signature = {"content": text(signed.signature), "verifier": signed.signer.verifier()}
    digest = text(hashlib.sha256(signed.payload).digest())
    wanted = {"hashedRekordRequestV002": {"digest": digest, "signature": signature}}
    answer = requests.post(f"{forge.tiles.url}/api/v2/log/entries", json=wanted, timeout=30)
    answer.raise_for_status()
