"""Fixtures that any test may ask for; each module in the list defines its own."""

from __future__ import annotations

pytest_plugins = [
    "tests.kit.aws_kms",
    "tests.kit.databases",
    "tests.kit.docker_daemon",
    "tests.kit.openbao",
    "tests.kit.properties",
    "tests.kit.records",
    "tests.kit.referrers_registry",
    "tests.kit.registry",
    "tests.kit.shop",
    "tests.kit.sigstore.fixtures",
    "tests.kit.softhsm",
    "tests.kit.spreading",
    "tests.kit.trivy",
    "tests.kit.vulndb",
    "tests.kit.cli",  # the last four, for they import some of those above
    "tests.kit.typist",
    "tests.kit.serving",
    "tests.kit.listening",
]
