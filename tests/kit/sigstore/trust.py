"""The documents that say whom to trust and whom to ask: trusted root and signing config."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.kit.sigstore.authority import ISSUER, Authority
from tests.kit.sigstore.clock import TimestampAuthority
from tests.kit.sigstore.ct import CtLog
from tests.kit.sigstore.keys import details, instant, spki, text
from tests.kit.sigstore.log import TransparencyLog

ROOT_0_1 = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
ROOT_0_2 = "application/vnd.dev.sigstore.trustedroot.v0.2+json"
_CONFIG = "application/vnd.dev.sigstore.signingconfig.v0.2+json"
_CLIENT = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"


def trusted_root(
    *,
    authorities: Iterable[Authority],
    logs: Iterable[TransparencyLog],
    ct_logs: Iterable[CtLog],
    clocks: Iterable[TimestampAuthority],
    media_type: str = ROOT_0_1,
) -> dict[str, object]:
    """A trusted root that holds these."""
    return {
        "mediaType": media_type,
        "tlogs": [_log(one) for one in logs],
        "certificateAuthorities": [_chain(one.url, one.chain, one.trusted) for one in authorities],
        "ctlogs": [_log(one) for one in ct_logs],
        "timestampAuthorities": [_chain(one.url, one.chain, one.trusted) for one in clocks],
    }


def signing_config(
    *,
    authority: Authority,
    log: TransparencyLog,
    clock: TimestampAuthority | None,
    issuer: str = ISSUER,
) -> dict[str, object]:
    """A signing config that names these services."""
    start = authority.trusted[0]
    made: dict[str, object] = {
        "mediaType": _CONFIG,
        "caUrls": [_service(authority.url, 1, start)],
        "oidcUrls": [_service(issuer, 1, start)],
        "rekorTlogUrls": [_service(log.url, log.version, start)],
        "rekorTlogConfig": {"selector": "ANY"},
        "tsaUrls": [],
        "tsaConfig": {"selector": "ANY"},
    }
    if clock is not None:
        made["tsaUrls"] = [_service(clock.url, 1, start)]
    return made


def client_trust(root: object, config: object) -> dict[str, object]:
    """Both in one document, which sigstore-python reads."""
    return {"mediaType": _CLIENT, "trustedRoot": root, "signingConfig": config}


def encoded(value: object) -> bytes:
    """A document as bytes."""
    return json.dumps(value, indent=1).encode()


def _log(log: TransparencyLog | CtLog) -> dict[str, object]:
    return {
        "baseUrl": log.url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": text(spki(log.key)),
            "keyDetails": details(log.key),
            "validFor": _valid(log.trusted),
        },
        "logId": {"keyId": text(log.log_id)},
    }


def _chain(
    url: str, chain: Sequence[x509.Certificate], trusted: tuple[datetime, datetime | None]
) -> dict[str, object]:
    def named(oid: x509.ObjectIdentifier) -> str:
        return str(chain[-1].subject.get_attributes_for_oid(oid)[0].value)

    return {
        "subject": {
            "organization": named(NameOID.ORGANIZATION_NAME),
            "commonName": named(NameOID.COMMON_NAME),
        },
        "uri": url,
        "certChain": {
            "certificates": [{"rawBytes": text(one.public_bytes(Encoding.DER))} for one in chain]
        },
        "validFor": _valid(trusted),
    }


def _valid(trusted: tuple[datetime, datetime | None]) -> dict[str, str]:
    start, end = trusted
    return {"start": instant(start)} | ({"end": instant(end)} if end else {})


def _service(url: str, version: int, start: datetime) -> dict[str, object]:
    return {
        "url": url,
        "majorApiVersion": version,
        "validFor": {"start": instant(start)},
        "operator": "the tests",
    }
