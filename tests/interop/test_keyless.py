"""What is read without a key is one identity's alone, and what each cosign wants for that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.interop import keyless, matrix, tools
from tests.interop.conftest import Offices, Pushed, Signed
from tests.interop.keyless import Who
from tests.interop.matrix import (
    COSIGN_2,
    COSIGN_3,
    KEYLESS,
    OURS,
    POLICY_CONTROLLER,
    REGISTRIES,
    WHATS,
    Case,
)

_MADE = [
    case
    for case in matrix.cases()
    if case.means == KEYLESS and case.reader in matrix.SIGNERS and matrix.unmade(case) is None
]


# How each says that somebody else was vouched for.
_REFUSES = {
    OURS: "the certificate was issued to somebody who is not trusted",
    COSIGN_3: "expected",
    COSIGN_2: "expected",
}


@pytest.mark.parametrize("case", _MADE, ids=str)
def test_nobody_reads_it_as_anothers(case: Case, signed: Signed, offices: Offices) -> None:
    tools.program(case.reader)
    image = signed(case.by, case.form, case.registry, KEYLESS)
    office = offices(case.by, case.form)
    signer = office.signer
    for other in (
        Who("eve@example.com", signer.issuer),
        Who(signer.identity, "https://another.example"),
    ):
        for what in WHATS:
            assert _REFUSES[case.reader] in office.verify(case.reader, what, image, other)


@pytest.mark.parametrize("form", ["bundle", "legacy"])
def test_nobody_who_only_looks_like_the_signer_is_taken_for_them(
    form: str, signed: Signed, offices: Offices
) -> None:
    image = signed(COSIGN_3, form, REGISTRIES[0], KEYLESS)
    office = offices(COSIGN_3, form)
    name, issuer = office.signer.identity, office.signer.issuer
    names = (name[:-1], name[1:], f"{name}.evil.example", name.upper(), "@example.com", ".*")
    issuers = (issuer[:-1], f"{issuer}/", f"{issuer}s", ".*")
    lookalikes = [Who(one, issuer) for one in names] + [Who(name, one) for one in issuers]
    for who in lookalikes:
        assert _REFUSES[OURS] in office.verify(OURS, "signature", image, who), who


def test_an_expression_has_to_match_the_whole_name(signed: Signed, offices: Offices) -> None:
    """Here, and not with cosign, whose expressions find what they are a part of."""
    image = signed(COSIGN_3, "bundle", REGISTRIES[0], KEYLESS)
    office = offices(COSIGN_3, "bundle")
    issuer = ("--certificate-oidc-issuer", office.signer.issuer, "--trusted-root", "root.json")
    answers = {
        (reader, expression): tools.typed(
            office.folder,
            *(tools.program(reader), "verify", image),
            *("--certificate-identity-regexp", expression, *issuer),
        ).returncode
        for reader in (OURS, COSIGN_3)
        for expression in ("dev@example", "dev@.*")
    }
    assert [bool(code) for code in answers.values()] == [True, False, False, False]


def test_cosign_2_signs_no_image_into_rekor_v2(offices: Offices, pushed: Pushed) -> None:
    """Why its bundles are made with a log of version 1."""
    office = offices(COSIGN_3, "bundle")
    image = pushed(REGISTRIES[0], "cosign 2.6 and rekor v2")
    for what in WHATS:
        done = office.state(COSIGN_2, "bundle", what, image)
        assert "invalid type, must be hashedrekord" in done.stderr


def test_cosign_2_wants_to_be_told_of_timestamps(signed: Signed, offices: Offices) -> None:
    """Rekor v2 says no time, and cosign 2.6 takes that of another clock only when told to."""
    image = signed(COSIGN_3, "bundle", REGISTRIES[0], KEYLESS)
    office = offices(COSIGN_3, "bundle")
    flags = [*office.signer.flags, *keyless.READING[COSIGN_2, "bundle"]]
    flags.remove("--use-signed-timestamps")
    command: list[str | Path] = [tools.program(COSIGN_2), "verify", *flags, image]
    said = tools.typed(office.folder, *command).stderr
    assert "threshold not met for verified log entry integrated timestamps" in said


def test_cosign_2_takes_no_trusted_root_for_older_attestations(
    signed: Signed, offices: Offices
) -> None:
    """Why it is told whom to trust by the environment."""
    image = signed(COSIGN_3, "legacy", REGISTRIES[0], KEYLESS)
    office = offices(COSIGN_3, "legacy")
    verb = (*tools.asking("vuln"), *office.signer.flags, "--trusted-root", "root.json")
    said = tools.typed(office.folder, tools.program(COSIGN_2), *verb, image).stderr
    assert "trusted root path currently only supported with --new-bundle-format" in said


def test_policy_controller_takes_no_signature_in_a_bundle(signed: Signed, offices: Offices) -> None:
    """Not even where it knows the key of the log, which then is one of a Rekor v1."""
    image = signed(COSIGN_2, "bundle", REGISTRIES[0], KEYLESS)
    office = offices(COSIGN_2, "bundle")
    root = json.loads((office.folder / "root.json").read_bytes())
    root["tlogs"] = root["tlogs"][:1]
    answer = office.admit(POLICY_CONTROLLER, "signature", image, office.signer, root)
    assert "bundle support for image signatures is not yet implemented" in answer
