"""Keys in AWS KMS, as moto plays it."""

from __future__ import annotations

import sys
import uuid

import pytest

from supplychain.errors import (
    ConfigurationError,
    ConflictError,
    InputError,
    KeyServiceError,
    NotFoundError,
    ToolMissingError,
)
from supplychain.signing.keys.reference import create_key, open_public_key, open_signer
from tests.kit.aws_kms import RunningKms
from tests.kit.key_access import access
from tests.kit.openbao import unreachable


def test_a_key_is_known_by_its_id_and_its_arn_too(aws_kms: RunningKms) -> None:
    alias = aws_kms.new_key()
    key = aws_kms.client.describe_key(KeyId=alias)["KeyMetadata"]
    names = [alias, key["KeyId"], key["Arn"]]
    found = {open_public_key(f"awskms:///{name}", access()) for name in names}
    assert len(found) == 1


def test_an_alias_that_moves_does_not_change_the_key_that_was_opened(aws_kms: RunningKms) -> None:
    alias = aws_kms.new_key()
    opened = open_signer(f"awskms:///{alias}", access())
    other = aws_kms.client.describe_key(KeyId=aws_kms.new_key())["KeyMetadata"]["KeyId"]
    aws_kms.client.update_alias(AliasName=alias, TargetKeyId=other)
    opened.public_key.verify(opened.sign(b"data"), b"data")


def test_a_missing_key_is_told(aws_kms: RunningKms) -> None:
    with pytest.raises(NotFoundError, match="no key awskms:///alias/none") as caught:
        open_signer("awskms:///alias/none", access())
    assert "AWS_REGION" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("spec", "usage"), [("ECC_NIST_P384", "SIGN_VERIFY"), ("RSA_2048", "SIGN_VERIFY")]
)
def test_a_key_of_another_kind_is_refused(aws_kms: RunningKms, spec: str, usage: str) -> None:
    with pytest.raises(InputError, match=f"of kind {spec}"):
        open_signer(f"awskms:///{aws_kms.new_key(spec, usage)}", access())


def test_a_key_that_does_not_sign_is_refused(aws_kms: RunningKms) -> None:
    alias = aws_kms.new_key("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
    with pytest.raises((InputError, KeyServiceError)) as caught:
        open_signer(f"awskms:///{alias}", access())
    assert not caught.value.retryable


def test_a_key_can_be_made_under_an_alias(aws_kms: RunningKms) -> None:
    reference = f"awskms:///alias/{uuid.uuid4().hex}"
    made = create_key(reference, access())
    assert open_public_key(reference, access()) == made
    with pytest.raises(ConflictError, match="exists already"):
        create_key(reference, access())
    with pytest.raises(InputError) as caught:
        create_key(f"awskms:///{uuid.uuid4()}", access())
    assert "alias/NAME" in str(caught.value.hint)


@pytest.mark.parametrize(
    "reference",
    [
        "awskms://alias/release",
        "awskms:///",
        "awskms:///alias/",
        "awskms:///alias/a b",
        "awskms://",
    ],
)
def test_what_is_no_reference_is_refused(reference: str) -> None:
    with pytest.raises(InputError, match="is not a key reference"):
        open_signer(reference, access())


def test_no_credentials_are_told(aws_kms: RunningKms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    with pytest.raises(ConfigurationError, match="no credentials"):
        open_signer("awskms:///alias/release", access())


def test_no_region_is_told(aws_kms: RunningKms, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(ConfigurationError, match="AWS KMS cannot be used") as caught:
        open_signer("awskms:///alias/release", access())
    assert "region" in str(caught.value.because)


def test_nobody_there_is_our_error(aws_kms: RunningKms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", unreachable())
    with pytest.raises(KeyServiceError, match="cannot be reached") as caught:
        open_signer("awskms:///alias/release", access())
    assert caught.value.retryable
    assert "hunter2" not in f"{caught.value.diagnostics()} {caught.value.__cause__}"


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ToolMissingError, match="keys in AWS KMS") as caught:
        open_signer("awskms:///alias/release", access())
    assert caught.value.hint == "pip install 'supplychain[aws]'"
