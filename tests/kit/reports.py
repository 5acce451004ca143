"""Trivy's JSON report, as version 0.76 writes it, for tests of whoever reads it."""

from __future__ import annotations

import json
from typing import Any

from supplychain.model.digest import Digest

LAYER = Digest.of(b"layer")
_LAYER = {"Digest": str(Digest.of(b"compressed")), "DiffID": str(LAYER)}
OPENSSL = "pkg:deb/debian/openssl@1:3.0.1-2?arch=amd64&distro=debian-12.5"


def package(name: str, version: str, purl: str, uid: str, **fields: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "Identifier": {"PURL": purl, "UID": uid},
        "Version": version,
        "Layer": _LAYER,
        **fields,
    }


def vulnerability(identifier: str, name: str, purl: str, uid: str, **fields: Any) -> dict[str, Any]:
    return {
        "VulnerabilityID": identifier,
        "PkgName": name,
        "PkgIdentifier": {"PURL": purl, "UID": uid},
        "InstalledVersion": "1",
        "Severity": "HIGH",
        "Layer": _LAYER,
        **fields,
    }


def document() -> dict[str, Any]:
    """A report as Trivy 0.76 writes it, with one result of each shape."""
    libc = "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12.5"
    return {
        "SchemaVersion": 2,
        "Trivy": {"Version": "0.76.0"},
        "Metadata": {
            "OS": {"Family": "debian", "Name": "12.5"},
            "ImageID": str(Digest.of(b"config")),
            "DiffIDs": [str(LAYER)],
            "ImageConfig": {"architecture": "amd64", "os": "linux"},
        },
        "Results": [
            {
                "Target": "image (debian 12.5)",
                "Class": "os-pkgs",
                "Type": "debian",
                "Packages": [
                    package(
                        *("openssl", "3.0.1", OPENSSL, "u1"),
                        ID="openssl@1:3.0.1-2",
                        Release="2",
                        Epoch=1,
                        SrcName="openssl-src",
                        SrcVersion="3.0.1",
                        SrcRelease="2",
                        SrcEpoch=1,
                        Licenses=["OpenSSL", "MIT"],
                        Maintainer="Debian",
                        Digest="md5:0123456789abcdef0123456789abcdef",
                        DependsOn=["libc6@2.36-9", "gone@1"],
                    ),
                    package("libc6", "2.36", libc, "u2", ID="libc6@2.36-9", Release="9"),
                ],
                "Vulnerabilities": [
                    vulnerability(
                        *("CVE-2023-0286", "openssl", OPENSSL, "u1"),
                        InstalledVersion="1:3.0.1-2",
                        FixedVersion="3.0.8-1",
                        Status="fixed",
                        SeveritySource="nvd",
                        Title="a title",
                        PrimaryURL="https://example.org/x",
                        PublishedDate="2023-02-08T20:15:00.123456789Z",
                        VendorIDs=["DSA-5343-1"],
                        CweIDs=["CWE-843"],
                        VendorSeverity={"nvd": 3, "debian": 0, "ghsa": 4},
                        CVSS={
                            "redhat": {"V2Vector": "AV:N/AC:M/Au:N/C:N/I:N/A:C", "V2Score": 7.1},
                            "nvd": {
                                "V3Vector": "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:H",
                                "V3Score": 7.4,
                                "V40Vector": "CVSS:4.0/AV:N/AC:H/AT:N/PR:N/UI:N/VC:H/VI:N/VA:H/"
                                "SC:N/SI:N/SA:N",
                            },
                        },
                    ),
                    {
                        "VulnerabilityID": "CVE-2000-0001",
                        "PkgName": "libc6",
                        "PkgIdentifier": {"PURL": libc, "UID": "u2"},
                        "InstalledVersion": "2.36-9",
                        "Status": "will_not_fix",
                    },
                ],
            },
            {
                "Target": "Python",
                "Class": "lang-pkgs",
                "Type": "python-pkg",
                "Packages": [
                    package(
                        *("Django", "2.2", "pkg:pypi/django@2.2", "u3"),
                        FilePath="/usr/lib/Django/METADATA",
                    )
                ],
                "Vulnerabilities": [
                    vulnerability(
                        *("CVE-2019-14234", "Django", "pkg:pypi/django@2.2", "u3"),
                        PkgPath="/usr/lib/Django/METADATA",
                    )
                ],
            },
            {
                "Target": "usr/bin/server",
                "Class": "lang-pkgs",
                "Type": "gobinary",
                "Packages": [
                    package(
                        *("server", "", "", "u4"),
                        ID="server",
                        Relationship="root",
                        DependsOn=["stdlib@v1.26.8"],
                    ),
                    package(
                        *("stdlib", "v1.26.8", "pkg:golang/stdlib@v1.26.8", "u5"),
                        ID="stdlib@v1.26.8",
                    ),
                ],
            },
            {"Target": "Python", "Class": "license", "Licenses": [{"Name": "BSD-3-Clause"}]},
        ],
    }


def large() -> bytes:
    """2,000 packages and 300 findings."""
    doc = document()
    packages = [
        package(f"p{n}", "1.0", f"pkg:npm/p{n}@1.0", f"u{n}", FilePath=f"app/p{n}/package.json")
        for n in range(2000)
    ]
    vulnerabilities = [
        vulnerability(f"CVE-2020-{n:05d}", f"p{n}", f"pkg:npm/p{n}@1.0", f"u{n}")
        for n in range(300)
    ]
    doc["Results"] = [
        {
            "Target": "Node.js",
            "Class": "lang-pkgs",
            "Type": "node-pkg",
            "Packages": packages,
            "Vulnerabilities": vulnerabilities,
        }
    ]
    return json.dumps(doc).encode()
