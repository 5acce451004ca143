"""A predicate of each type that has a name, as somebody would have it in a file."""

from __future__ import annotations

from typing import Any

SPDX: dict[str, Any] = {
    "spdxVersion": "SPDX-2.3",
    "SPDXID": "SPDXRef-DOCUMENT",
    "dataLicense": "CC0-1.0",
    "name": "shop",
    "documentNamespace": "https://example.com/spdx/shop",
    "creationInfo": {"created": "2026-01-01T00:00:00Z", "creators": ["Tool: example"]},
}
SPDX_TEXT = "SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\nDocumentName: <shop & é>\n"
_DIGEST = {"sha256": "ab" * 32}

PREDICATES: dict[str, dict[str, Any]] = {
    "custom": {"Data": "anything <at> all", "Timestamp": "2026-01-01T00:00:00Z"},
    "cyclonedx": {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "components": [{"type": "library", "name": "a<b>&c", "version": "1.0"}],
    },
    "link": {
        "_type": "link",
        "name": "build",
        "materials": {"main.py": _DIGEST},
        "products": {"shop.tar": _DIGEST},
        "byproducts": {"return-value": 0},
        "command": ["make"],
        "environment": {},
    },
    "openvex": {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.com/vex/1",
        "author": "the security team",
        "timestamp": "2026-01-01T00:00:00Z",
        "version": 1,
        "statements": [
            {
                "vulnerability": {"name": "CVE-2026-0001"},
                "products": [{"@id": "pkg:oci/shop"}],
                "status": "not_affected",
                "justification": "vulnerable_code_not_present",
            }
        ],
    },
    "slsaprovenance": {
        "builder": {"id": "https://example.com/builder"},
        "buildType": "https://example.com/build/v1",
        "invocation": {"configSource": {"uri": "git+https://example.com/shop"}},
        "materials": [{"uri": "git+https://example.com/shop", "digest": {"sha1": "ab" * 20}}],
    },
    "slsaprovenance1": {
        "buildDefinition": {
            "buildType": "https://example.com/build/v1",
            "externalParameters": {"ref": "refs/heads/main"},
            "resolvedDependencies": [{"uri": "git+https://example.com/shop"}],
        },
        "runDetails": {
            "builder": {"id": "https://example.com/builder"},
            "metadata": {"invocationId": "1", "startedOn": "2026-01-01T00:00:00Z"},
        },
    },
    "spdx": SPDX,
    "vsa": {
        "verifier": {"id": "https://example.com/verifier"},
        "timeVerified": "2026-01-01T00:00:00Z",
        "resourceUri": "pkg:oci/shop",
        "policy": {"uri": "https://example.com/policy", "digest": _DIGEST},
        "verificationResult": "PASSED",
        "verifiedLevels": ["SLSA_BUILD_LEVEL_2"],
    },
    "vuln": {
        "invocation": {"parameters": None, "uri": "", "event_id": "", "builder.id": ""},
        "scanner": {
            "uri": "https://scanner.example",
            "version": "1",
            "db": {"uri": "", "version": ""},
            "result": {"SchemaVersion": 2},
        },
        "metadata": {
            "scanStartedOn": "2026-01-01T00:00:00Z",
            "scanFinishedOn": "2026-01-01T00:00:01Z",
        },
    },
}
PREDICATES["slsaprovenance02"] = PREDICATES["slsaprovenance"]
PREDICATES["spdxjson"] = SPDX
