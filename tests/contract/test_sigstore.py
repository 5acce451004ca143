"""A private Sigstore: the mock of its protocol, and the real one where that is built."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from cryptography.x509 import load_pem_x509_certificates
from sigstore.dsse import StatementBuilder, Subject
from sigstore.errors import Error
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.oidc import IdentityToken
from sigstore.sign import Signer, SigningContext
from sigstore.verify import Verifier
from sigstore.verify.policy import AllOf, GitHubWorkflowRepository, Identity

from tests.kit.go_tools import COSIGN_3
from tests.kit.sigstore import new_key
from tests.kit.sigstore.keys import public_pem, sign, spki, text
from tests.kit.sigstore.oidc import DEVELOPER, workflow_name
from tests.kit.sigstore.private import PrivateSigstore

FILE = b"what is in the file"
STATEMENT = (
    StatementBuilder()
    .subjects([Subject.model_validate({"name": "file", "digest": {"sha256": "ab" * 32}})])
    .predicate_type("https://example.com/predicate")
    .predicate({"hello": "world"})
    .build()
)


@pytest.fixture(params=["mock", "mock with Rekor v1", "real"])
def sigstore(request: pytest.FixtureRequest) -> PrivateSigstore:
    """Each Sigstore."""
    if request.param == "real":
        real: PrivateSigstore = request.getfixturevalue("private_sigstore")
        return real
    mock = request.getfixturevalue("mock_sigstore")
    sigstore: PrivateSigstore = mock.sigstore(1 if "v1" in request.param else 2)
    return sigstore


def signing(sigstore: PrivateSigstore, token: str, sign: Callable[[Signer], Bundle]) -> Bundle:
    """What somebody with this token signs."""
    context = SigningContext.from_trust_config(trust(sigstore))
    with context.signer(IdentityToken(token)) as signer:
        return Bundle.from_json(sign(signer).to_json())


def trust(sigstore: PrivateSigstore) -> ClientTrustConfig:
    """Its documents as Sigstore's own client reads them."""
    return ClientTrustConfig.from_json(sigstore.client_trust.read_text())


def verifier(sigstore: PrivateSigstore) -> Verifier:
    """A verifier that trusts it."""
    return Verifier(trusted_root=trust(sigstore).trusted_root)


def test_a_statement_is_signed_and_verified(sigstore: PrivateSigstore) -> None:
    bundle = signing(sigstore, sigstore.token(), lambda signer: signer.sign_dsse(STATEMENT))
    who = Identity(identity=DEVELOPER, issuer=sigstore.issuer)
    _, payload = verifier(sigstore).verify_dsse(bundle, who)
    assert json.loads(payload)["predicate"] == {"hello": "world"}


def test_a_file_is_signed_and_verified(sigstore: PrivateSigstore) -> None:
    bundle = signing(sigstore, sigstore.token(), lambda signer: signer.sign_artifact(FILE))
    who = Identity(identity=DEVELOPER, issuer=sigstore.issuer)
    verifier(sigstore).verify_artifact(FILE, bundle, who)
    with pytest.raises(Error):
        verifier(sigstore).verify_artifact(b"another file", bundle, who)


def test_a_workflow_signs(sigstore: PrivateSigstore) -> None:
    token = sigstore.workflow_token("acme/app", "refs/tags/v1")
    bundle = signing(sigstore, token, lambda signer: signer.sign_artifact(FILE))
    name = workflow_name("acme/app", "refs/tags/v1")
    who = AllOf(
        [
            Identity(identity=name, issuer=sigstore.workflow_issuer),
            GitHubWorkflowRepository("acme/app"),
        ]
    )
    verifier(sigstore).verify_artifact(FILE, bundle, who)


def test_nobody_passes_for_another(sigstore: PrivateSigstore) -> None:
    token = sigstore.token("eve@example.com")
    bundle = signing(sigstore, token, lambda signer: signer.sign_artifact(FILE))
    for name, issuer in (
        (DEVELOPER, sigstore.issuer),
        ("eve@example.com", sigstore.workflow_issuer),
    ):
        with pytest.raises(Error):
            verifier(sigstore).verify_artifact(FILE, bundle, Identity(identity=name, issuer=issuer))


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "another"},
        {"exp": 1_700_000_000},
        {"iss": "https://evil.example.com"},
        {"email_verified": False},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_wrong_token_gets_no_certificate(
    sigstore: PrivateSigstore, wrong: dict[str, Any]
) -> None:
    answer = ask_for_certificate(sigstore, sigstore.token(**wrong))
    assert answer.status_code in {400, 401}
    assert "identity token" in answer.json()["message"]


def test_a_token_of_another_key_gets_no_certificate(sigstore: PrivateSigstore) -> None:
    head, claims, signature = sigstore.token().split(".")
    answer = ask_for_certificate(sigstore, ".".join((head, claims, signature[::-1])))
    assert answer.status_code in {400, 401}


def test_a_key_without_proof_gets_no_certificate(sigstore: PrivateSigstore) -> None:
    answer = ask_for_certificate(sigstore, sigstore.token(), proof=b"somebody else")
    assert answer.status_code == 400


@pytest.mark.parametrize(("proof", "status"), [(None, 201), (b"somebody else", 400)])
def test_an_older_client_gets_a_certificate_by_a_proof(
    sigstore: PrivateSigstore, proof: bytes | None, status: int
) -> None:
    """As cosign 2 asks in its older form."""
    key = new_key()
    known = {"algorithm": "ecdsa", "content": text(public_pem(key))}
    signed = text(sign(key, proof or DEVELOPER.encode()))
    answer = requests.post(
        f"{sigstore.fulcio}/api/v1/signingCert",
        json={"publicKey": known, "signedEmailAddress": signed},
        headers={"Authorization": f"Bearer {sigstore.token()}"},
        timeout=30,
    )
    assert answer.status_code == status
    if status == 201:
        leaf, *chain = load_pem_x509_certificates(answer.content)
        assert leaf.public_key() == key.public_key()
        assert leaf.issuer == chain[0].subject


def test_an_entry_with_a_wrong_signature_is_refused(sigstore: PrivateSigstore) -> None:
    if '"majorApiVersion": 2' not in sigstore.signing_config.read_text():
        pytest.skip("the question is put in the words of Rekor v2")
    key = new_key()
    known = {"publicKey": {"rawBytes": text(spki(key))}, "keyDetails": "PKIX_ECDSA_P256_SHA_256"}
    signature = {"content": text(sign(key, b"something else")), "verifier": known}
    wanted = {"digest": text(hashlib.sha256(FILE).digest()), "signature": signature}
    answer = requests.post(
        f"{sigstore.rekor}/api/v2/log/entries",
        json={"hashedRekordRequestV002": wanted},
        timeout=30,
    )
    assert answer.status_code == 400


def test_a_job_gets_a_token_and_with_it_a_certificate(sigstore: PrivateSigstore) -> None:
    environ = sigstore.issuers.github_environ()
    bearer = {"Authorization": f"bearer {environ['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
    url = environ["ACTIONS_ID_TOKEN_REQUEST_URL"] + "&audience=sigstore"
    assert requests.get(url, timeout=5).status_code == 401
    token = requests.get(url, headers=bearer, timeout=5).json()["value"]
    assert ask_for_certificate(sigstore, token).status_code == 200


def test_a_browser_gets_a_token_and_with_it_a_certificate(sigstore: PrivateSigstore) -> None:
    about = requests.get(f"{sigstore.issuer}/.well-known/openid-configuration", timeout=5).json()
    shown = urlsafe_b64encode(hashlib.sha256(b"known to us alone").digest()).rstrip(b"=").decode()
    asked = {"redirect_uri": "http://localhost:1/here", "state": "s", "code_challenge": shown}
    sent = requests.get(
        about["authorization_endpoint"], params=asked, allow_redirects=False, timeout=5
    )
    back = parse_qs(urlsplit(sent.headers["Location"]).query)
    assert back["state"] == ["s"]
    told = {"code": back["code"][0], "code_verifier": "known to us alone"}
    answer = requests.post(about["token_endpoint"], data=told, timeout=5)
    assert ask_for_certificate(sigstore, answer.json()["access_token"]).status_code == 200
    assert requests.post(about["token_endpoint"], data=told, timeout=5).status_code == 400


def test_cosign_signs_a_file_and_each_verifies_it(
    sigstore: PrivateSigstore, tmp_path: Path
) -> None:
    cosign(sigstore, tmp_path, "sign-blob", "file", "--bundle=out.json")
    bundle = Bundle.from_json((tmp_path / "out.json").read_bytes())
    who = Identity(identity=DEVELOPER, issuer=sigstore.issuer)
    verifier(sigstore).verify_artifact(FILE, bundle, who)
    cosign(sigstore, tmp_path, "verify-blob", "file", "--bundle=out.json")


def test_cosign_verifies_what_sigstore_python_signed(
    sigstore: PrivateSigstore, tmp_path: Path
) -> None:
    bundle = signing(sigstore, sigstore.token(), lambda signer: signer.sign_artifact(FILE))
    (tmp_path / "out.json").write_text(bundle.to_json())
    cosign(sigstore, tmp_path, "verify-blob", "file", "--bundle=out.json")
    (tmp_path / "file").write_bytes(b"another file")
    with pytest.raises(AssertionError):
        cosign(sigstore, tmp_path, "verify-blob", "file", "--bundle=out.json")


def test_cosign_attests_and_each_verifies_it(sigstore: PrivateSigstore, tmp_path: Path) -> None:
    (tmp_path / "predicate.json").write_text('{"hello": "world"}')
    kind = "--type=https://example.com/predicate"
    made = ("--predicate=predicate.json", "--bundle=out.json")
    cosign(sigstore, tmp_path, "attest-blob", "file", kind, *made)
    bundle = Bundle.from_json((tmp_path / "out.json").read_bytes())
    who = Identity(identity=DEVELOPER, issuer=sigstore.issuer)
    _, payload = verifier(sigstore).verify_dsse(bundle, who)
    assert json.loads(payload)["predicate"] == {"hello": "world"}
    cosign(sigstore, tmp_path, "verify-blob-attestation", "file", kind, "--bundle=out.json")


def cosign(sigstore: PrivateSigstore, folder: Path, verb: str, file: str, *more: str) -> None:
    """Type a cosign command for the file in the folder, with all that it has to know."""
    (folder / "token").write_text(sigstore.token())
    if not (folder / file).exists():
        (folder / file).write_bytes(FILE)
    known = [f"--trusted-root={sigstore.trusted_root}"]
    if verb.startswith("verify"):
        known += [f"--certificate-identity={DEVELOPER}"]
        known += [f"--certificate-oidc-issuer={sigstore.issuer}"]
    else:
        known += [f"--signing-config={sigstore.signing_config}"]
        known += ["--identity-token=token", "--yes"]
    done = subprocess.run(
        [COSIGN_3.required(), verb, *known, *more, file],
        cwd=folder,
        env={"PATH": os.defpath, "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def ask_for_certificate(
    sigstore: PrivateSigstore, token: str, proof: bytes | None = None
) -> requests.Response:
    """The authority's answer to a key of a person, or a workflow, with a proof of possession."""
    claims = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
    key = new_key()
    signature = sign(key, proof or str(claims.get("email") or claims["sub"]).encode())
    asked = {
        "publicKey": {"algorithm": "ECDSA", "content": public_pem(key).decode()},
        "proofOfPossession": b64encode(signature).decode(),
    }
    return requests.post(
        f"{sigstore.fulcio}/api/v2/signingCert",
        json={"publicKeyRequest": asked},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
