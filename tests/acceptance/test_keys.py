"""Keys as users name them: made, imported, shown, and used wherever they are kept."""

from __future__ import annotations

import uuid
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from supplychain.signing.signer import PublicKey
from tests.kit.cli import PASSWORD, Desk
from tests.kit.openbao import RunningOpenBao, unreachable


def test_a_key_in_openbao_signs_and_never_leaves(
    desk: Desk, repaired: Path, openbao: RunningOpenBao
) -> None:
    reference = f"openbao://{uuid.uuid4().hex}"
    known = openbao.environ()
    made = desk.type(
        "keys", "generate", "--kms", reference, "--output-key-prefix", "bao", **known
    ).ended(0)
    public = PublicKey.parse_pem((desk.folder / "bao.pub").read_bytes())
    assert made.stdout == f"{public.fingerprint}\n"
    assert not (desk.folder / "bao.key").exists()
    shown = desk.type("keys", "public", "--key", reference, **known).ended(0)
    assert shown.stdout.encode() == public.pem()

    desk.type("sign", f"oci:{repaired}", "--key", reference, **known).ended(0)

    desk.type("verify", f"oci:{repaired}", "--key", "bao.pub").ended(0)
    desk.type("verify", f"oci:{repaired}", "--key", reference, **known).ended(0)
    desk.type("verify", f"oci:{repaired}", "--key", "release.pub").refused(1, "has no")


def test_a_service_that_is_gone_is_told_before_any_work(desk: Desk, repaired: Path) -> None:
    nobody = {"BAO_ADDR": unreachable(), "BAO_TOKEN": "hunter2"}

    done = desk.type("sign", f"oci:{repaired}", "--key", "openbao://release", **nobody)

    done.refused(1, f"OpenBao at {nobody['BAO_ADDR']} cannot be reached")
    assert "hunter2" not in done.stderr


def test_a_key_in_a_variable_signs(desk: Desk, repaired: Path) -> None:
    variables = {"SIGNING_KEY": desk.key.read_text()}

    desk.type("sign", f"oci:{repaired}", "--key", "env://SIGNING_KEY", **variables).ended(0)

    desk.type("verify", f"oci:{repaired}", "--key", "release.pub").ended(0)


def test_a_key_that_users_have_is_imported(desk: Desk, repaired: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    (desk.folder / "mine.pem").write_bytes(
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )

    desk.type("keys", "import", "mine.pem", "--output-key-prefix", "mine").ended(0)

    desk.type("sign", f"oci:{repaired}", "--key", "mine.key").ended(0)
    desk.type("verify", f"oci:{repaired}", "--key", "mine.pub").ended(0)
    shown = desk.type("keys", "public", "--key", "mine.key").ended(0)
    assert shown.stdout == (desk.folder / "mine.pub").read_text()
    again = desk.type("keys", "import", "mine.pem", "--output-key-prefix", "mine")
    again.refused(1, "mine.key exists already", "--force")


def test_no_password_is_shown_whatever_goes_wrong(desk: Desk, repaired: Path) -> None:
    wrong = {"SUPPLYCHAIN_KEY_PASSWORD": "hunter2"}

    done = desk.type("sign", f"oci:{repaired}", "--key", "release.key", "--verbose", **wrong)

    done.refused(2, "password is wrong")
    assert "hunter2" not in done.stderr
    assert PASSWORD not in done.stderr


def test_a_mistyped_reference_says_what_is_near(desk: Desk, repaired: Path) -> None:
    done = desk.type("sign", f"oci:{repaired}", "--key", "hashvault://release")

    done.refused(2, "no kind of key reference", "did you mean hashivault?")


def test_a_key_is_replaced_and_what_it_signed_stays_valid(desk: Desk, repaired: Path) -> None:
    image = f"oci:{repaired}"
    desk.type("run", image, "-e", "prod").ended(0)
    old = PublicKey.parse_pem(desk.public_key.read_bytes())

    done = desk.type("keys", "rotate", "--key", "release.key", "--overlap", "1h", "-o", "json")
    rotation = done.ended(0).json()

    assert rotation["replaces"] == old.fingerprint
    new = PublicKey.parse_pem((desk.folder / rotation["public_key"]).read_bytes())
    assert new.fingerprint == rotation["fingerprint"] != old.fingerprint
    assert desk.key.exists()
    policy = desk.folder / "policies" / "prod.yaml"
    assert {change["file"] for change in rotation["policies"]} == {"policies/prod.yaml"}
    assert [change["rule"] for change in rotation["policies"]] == ["signature", "sbom"]
    text = policy.read_text()
    for change in rotation["policies"]:
        text = text.replace(f"[{change['remove']}]", f"[{', '.join(change['add'])}]")
    policy.write_text(text)
    judged = desk.type("gate", image, "-e", "prod").ended(0)
    assert "signed with ../release.pub" in judged.stdout

    desk.type("run", image, "-e", "prod", "--key", rotation["private_key"]).ended(0)
    policy.write_text(text.replace('not_after: "', 'revoked: true, not_after: "'))
    judged = desk.type("gate", image, "-e", "prod").ended(0)
    assert f"signed with ../{rotation['public_key']}" in judged.stdout

    listed = desk.type("keys", "list", "-o", "json").ended(0).json()["keys"]
    by_fingerprint = {key["fingerprint"]: key for key in listed}
    assert all(use["revoked"] for use in by_fingerprint[old.fingerprint]["policies"])
    assert not any(use["revoked"] for use in by_fingerprint[new.fingerprint]["policies"])
    shown = desk.type("keys", "list").ended(0).stdout
    assert f"{old.fingerprint}\n" in shown
    assert "policies/prod.yaml, rule sbom: ../release.pub, revoked" in shown


def test_a_signature_by_a_revoked_key_is_denied(desk: Desk, repaired: Path) -> None:
    image = f"oci:{repaired}"
    desk.type("run", image, "-e", "prod").ended(0)
    policy = desk.folder / "policies" / "prod.yaml"
    entry = "{file: ../release.pub, revoked: true}"
    policy.write_text(policy.read_text().replace("../release.pub", entry))

    done = desk.type("gate", image, "-e", "prod").ended(10)

    assert "the key is revoked" in done.stdout


def test_rotating_says_what_to_change_to_people(desk: Desk) -> None:
    done = desk.type("keys", "rotate", "--output-key-prefix", "next").ended(0)

    lines = done.stdout.splitlines()
    assert lines[:3] == [
        "policies/prod.yaml, keys of rule signature:",
        "  - ../release.pub",
        "  + ../next.pub",
    ]
    assert lines[3].startswith('  + {file: ../release.pub, not_after: "20')
    assert lines[-1] == "  --key next.key"
    again = desk.type("keys", "rotate", "--output-key-prefix", "next")
    again.refused(1, "next.key exists already")


def test_only_key_files_are_rotated_here(desk: Desk) -> None:
    done = desk.type("keys", "rotate", "--key", "openbao://release")

    done.refused(2, "is not a key file", "supplychain keys public --key openbao://release")
