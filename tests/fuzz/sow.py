"""Make the genuine seeds anew: `python -m tests.fuzz.sow`.

It signs with keys that nobody keeps: afterwards nothing else can be genuine. Seeds that `make fuzz`
found (`found-…`) stay.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from demo.images import Entry as File
from demo.images import pack_tar
from supplychain.model.artifact import OCI_INDEX, OCI_MANIFEST, Descriptor
from supplychain.model.digest import Digest
from supplychain.model.evidence import CYCLONEDX_PREDICATE, SIGNATURE_PREDICATE
from supplychain.signing import dsse, embedded, reference, simplesigning, statement
from supplychain.signing.bundle import Bundle
from supplychain.signing.keys import keyfile
from tests.fuzz.proofs import FILE, FOLDER, SUBJECT
from tests.fuzz.targets import SEEDS
from tests.kit import reports, vex
from tests.kit.keys import signer
from tests.kit.sigstore import Forge, Identity, Signed
from tests.kit.sigstore.keys import spki
from tests.kit.sigstore.trust import signing_config

_VECTORS = FOLDER.parent / "integration" / "signing" / "vectors"
_SBOM = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "version": 1,
    "metadata": {
        "component": {
            "type": "container",
            "name": "app",
            "version": str(SUBJECT.digest),
            "hashes": [{"alg": "SHA-256", "content": SUBJECT.digest.hex}],
        }
    },
    "components": [{"type": "library", "name": "a", "purl": "pkg:pypi/a@1", "bom-ref": "a"}],
    "dependencies": [{"ref": "a", "dependsOn": []}],
}
_POLICY = """schemaVersion: 1
environment: prod
description: "What runs where customers are."
platforms: [linux/amd64, linux/arm/v7]
rules:
  - signature:
      keys:
        - {{pem: "{pem}", name: release, not_before: 2026-01-01T00:00:00Z, revoked: false}}
  - sbom: {{}}
  - freshness: {{scan: 24h, database: 2d}}
  - vulnerabilities: {{severity: high, fixable: true, grace: 7d}}
"""


_IDENTITIES = """schemaVersion: 1
environment: prod
rules:
  - signature:
      all_of:
        - identities:
            - identity_regexp: https://github\\.com/acme/shop/\\.github/workflows/[^/]+@refs/tags/.*
              issuer: https://token.actions.githubusercontent.com
              claims: {source_repository_uri: https://github.com/acme/shop}
        - any_of:
            - identities: [{identity: a@b.example, issuer: https://accounts.google.com}]
              timestamp: required
              transparency_log: optional
  - attestation:
      type: vuln
      max_age: 7d
      identities: [{identity: a@b.example, issuer: https://accounts.google.com, kind: email}]
"""


def main() -> None:
    """Write them all."""
    forge, key = Forge.create(), signer("fuzzed")
    payload = statement.write(SUBJECT, SIGNATURE_PREDICATE, b"{}")
    attested = statement.write(SUBJECT, CYCLONEDX_PREDICATE, json.dumps(_SBOM).encode())
    simple = simplesigning.write(SUBJECT)
    hint = key.public_key.hint
    workflow = forge.attest(payload, identity=Identity.workflow())
    tiled = forge.attest(attested, log=forge.tiles)
    stamped = forge.attest(payload, log=None)
    older = forge.sign(simple, stamped_at=[forge.at])
    keyed = Bundle.by_key(hint, dsse.seal(payload, key)).encode()
    lone = replace(older, certificate=None, entries=(), timestamps=())
    lone = replace(lone, signature=key.sign(simple))

    (FOLDER / "signer.pub").write_bytes(key.public_key.pem())
    (FOLDER / "trusted_root.json").write_bytes(forge.trusted_root())
    digests = [str(Digest.of(one)) for one in (payload, attested, simple)]
    (FOLDER / "signed.txt").write_text("\n".join(digests) + "\n")

    sow("verification", key=keyed, workflow=workflow.bundle(), tiled=tiled.bundle())
    sow("verification", stamped=stamped.bundle())
    sow("legacy-verification", key=_layer(lone), certificate=_layer(older))
    sow("bundle", key=keyed, tiled=tiled.bundle(), file=forge.sign(FILE).bundle())
    sow("bundle", cosign=(_VECTORS / "signature.bundle.json").read_bytes())
    sow("file-verification", certificate=forge.sign(FILE).bundle())
    sow("bundle-file", one=keyed, two=keyed + b"\n" + tiled.bundle() + b"\n")
    kept = {
        "digest": str(SUBJECT.digest),
        "annotations": {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": str(SUBJECT.digest),
        },
    }
    sow("buildkit-index", one=json.dumps({"manifests": [kept, {"digest": 1}]}).encode())
    sow("buildkit-statement", sbom=attested)
    sow("envelope", ours=dsse.seal(payload, key).encode())
    sow("envelope", cosign=(_VECTORS / "legacy.vuln.dsse.json").read_bytes())
    sow("statement", signature=payload, sbom=attested)
    sow("simple-signing", ours=simple, cosign=(_VECTORS / "legacy.signature.json").read_bytes())
    sow("signature-layer", key=_layer(lone), certificate=_layer(older))
    sow("strict-json", nested=b'{"a": {"b":[1.5e3,true]} ,"predicate":{"\\u00e9":null}}\n')
    pieces = json.dumps(_SBOM | {"x": [1.5e3, -0, True, None, "\u00e9\n"], "y": 12}).encode()
    sow("long-json", ours=pieces, other=b'{"bomFormat": "other"}')
    sow("long-json-alone", ours=pieces)
    sow("pem", key=key.public_key.pem())
    sow("base64", padded=b"YWJjZA==", whole=b"YWJj")
    sow("public-key", ours=key.public_key.pem())
    sow("key-file", ours=keyfile.generate(b"password")[0])
    sow("image-reference", tag=b"registry.example:5000/team/app:1.4", short=b"alpine")
    sow("image-reference", digest=f"r.example/a@{SUBJECT.digest}".encode())
    pem = key.public_key.pem().decode().replace("\n", "\\n")
    sow("policy", whole=_POLICY.format(pem=pem).encode())
    sow("policy", identities=_IDENTITIES.encode())
    _sow_images()
    _sow_claims()
    _sow_services(forge)
    sow("trivy-report", whole=json.dumps(reports.document()).encode())
    sow("cyclonedx", ours=json.dumps(_SBOM).encode())
    sow("large-document", ours=json.dumps(_SBOM).encode())
    referred = reference.write(SUBJECT.digest, SUBJECT, "https://ci.example/shop")
    sow("document-reference", ours=referred)
    sow("trusted-root", forged=forge.trusted_root())
    assert workflow.certificate is not None
    sow("certificate", workflow=workflow.certificate.public_bytes(Encoding.DER))
    sow("certificate", key=spki(workflow.key), email=_certificate(tiled))
    for name, one in {"one": workflow, "two": tiled}.items():
        sow("log-entry", **{name: json.dumps(one.entry.value()).encode()})
        sow("log-body", **{name: one.entry.body})
        assert one.entry.proof is not None
        sow("checkpoint", **{name: str(one.entry.proof.checkpoint).encode()})
    sow("log-annotation", one=older.annotations()["dev.sigstore.cosign/bundle"].encode())
    sow("timestamp", one=stamped.timestamps[0])


def sow(target: str, **seeds: bytes) -> None:
    """Write seeds of a target."""
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds.items():
        Path(folder / name).write_bytes(data)


def _sow_images() -> None:
    image = (_VECTORS / "image.json").read_bytes()
    entry = {"mediaType": OCI_MANIFEST, "digest": str(Digest.of(image)), "size": len(image)}
    platform = {"os": "linux", "architecture": "amd64"}
    index = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [entry | {"platform": platform}],
    }
    listed = entry | {"artifactType": "a/b", "annotations": {"a": "1"}}
    sow("manifest", image=image, index=json.dumps(index).encode())
    sow("manifest", bundle=(_VECTORS / "signature.manifest.json").read_bytes())
    sow("referrers-answer", one=json.dumps(index | {"manifests": [listed]}).encode())
    config = {**platform, "rootfs": {"type": "layers", "diff_ids": [str(SUBJECT.digest)]}}
    sow("image-config", one=json.dumps(config).encode())
    sow("login-challenge", bearer=b'Basic realm="a", Bearer realm="https://t/",service="s"')
    sow("layer-archive", two=pack_tar([File("a/" * 80 + "b", b"x" * 600), File("c")]))


def _sow_services(forge: Forge) -> None:
    config = signing_config(authority=forge.authority, log=forge.rekor, clock=forge.clock)
    sow("signing-config", one=json.dumps(config).encode())
    claims = {"iss": "https://accounts.example.com", "aud": "sigstore", "sub": "a"}
    # It counts until the year 2100.
    times = {"iat": 1_700_000_000, "nbf": 1_700_000_000, "exp": 4_102_444_800}
    parts = ({"alg": "ES256", "typ": "JWT"}, claims | times)
    token = ".".join(urlsafe_b64encode(json.dumps(one).encode()).decode() for one in parts)
    sow("identity-token", one=f"{token.replace('=', '')}.AAAA".encode())
    sow("service-answer", said=b'{"code":3,"message":"no: eyJhbGciOiJF.eyJpc3Mi.AA"}')
    sow("service-answer", seconds=b"120", date=b"Wed, 21 Oct 2026 07:28:00 GMT")


def _sow_claims() -> None:
    csaf = vex.csaf(vex.csaf_vulnerability(ids=[{"system_name": "a", "text": "GHSA-1"}]))
    sow("vex", openvex=vex.openvex(), cyclonedx=vex.cyclonedx(), csaf=csaf)


def _layer(signed: Signed) -> bytes:
    annotations = tuple(sorted(signed.annotations().items()))
    data = signed.payload
    layer = Descriptor(
        simplesigning.MEDIA_TYPE, Digest.of(data), len(data), annotations=annotations
    )
    return embedded.embed(layer, data)


def _certificate(signed: Signed) -> bytes:
    assert signed.certificate is not None
    return signed.certificate.public_bytes(Encoding.DER)


if __name__ == "__main__":
    main()
