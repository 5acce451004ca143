"""Keys on a PKCS#11 token, on SoftHSM."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from supplychain.errors import (
    ConfigurationError,
    InputError,
    NotFoundError,
    ToolMissingError,
)
from supplychain.signing.keys.reference import open_signer
from tests.kit.key_access import access
from tests.kit.softhsm import PIN, SoftHsm


def test_the_pin_may_lie_in_a_file(softhsm: SoftHsm, tmp_path: Path) -> None:
    (tmp_path / "pin").write_text(f"{PIN}\n")
    reference = softhsm.reference(softhsm.new_key())
    signer = open_signer(f"{reference}&pin-source=file:{tmp_path / 'pin'}", access())
    signer.public_key.verify(signer.sign(b"data"), b"data")


def test_cosigns_variables_are_read(softhsm: SoftHsm) -> None:
    environ = {"COSIGN_PKCS11_MODULE_PATH": str(softhsm.module), "COSIGN_PKCS11_PIN": PIN}
    reference = softhsm.reference(softhsm.new_key()).partition("?")[0]
    signer = open_signer(reference, access(environ))
    signer.public_key.verify(signer.sign(b"data"), b"data")


def test_several_sign_at_once(softhsm: SoftHsm) -> None:
    references = [softhsm.reference(softhsm.new_key()) for _ in range(2)]
    signers = [open_signer(r, access(password=PIN)) for r in references for _ in range(2)]

    def sign(number: int) -> None:
        signer = signers[number % len(signers)]
        signer.public_key.verify(signer.sign(b"%d" % number), b"%d" % number)

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(sign, range(100)))) == 100


def test_a_key_that_is_not_there_is_told(softhsm: SoftHsm) -> None:
    with pytest.raises(NotFoundError, match="names no private key"):
        open_signer(softhsm.reference("none"), access(password=PIN))


def test_a_token_that_is_not_there_is_told(softhsm: SoftHsm) -> None:
    reference = softhsm.reference("k").replace("token=signing", "token=other")
    with pytest.raises(NotFoundError, match="no token for") as caught:
        open_signer(reference, access(password=PIN))
    assert "signing" in str(caught.value.because)


def test_a_key_of_another_kind_is_refused(softhsm: SoftHsm) -> None:
    reference = softhsm.reference(softhsm.new_key("secp384r1"))
    with pytest.raises(InputError, match="of kind EC"):
        open_signer(reference, access(password=PIN))


def test_a_pin_does_not_belong_into_a_reference() -> None:
    with pytest.raises(InputError, match="PIN does not belong") as caught:
        open_signer("pkcs11:token=t;object=k?module-path=/m.so&pin-value=hunter2", access())
    assert "pin-source=file:" in str(caught.value.hint)
    assert "hunter2" not in f"{caught.value.diagnostics()} {caught.value!r}"


@pytest.mark.parametrize(
    "reference",
    [
        "pkcs11:",
        "pkcs11:token=t",
        "pkcs11:object=k",
        "pkcs11:slot-id=x;object=k",
        "pkcs11:token=t;object=k;object=l",
        "pkcs11:token=t;object=k?pin=hunter2",
        "pkcs11:hunter2",
    ],
)
def test_what_is_no_reference_is_refused_and_not_shown(reference: str) -> None:
    with pytest.raises(InputError, match="is not a key reference") as caught:
        open_signer(reference, access())
    assert "hunter2" not in f"{caught.value.diagnostics()} {caught.value!r}"


def test_a_module_has_to_be_named() -> None:
    with pytest.raises(ConfigurationError, match="which module") as caught:
        open_signer("pkcs11:token=t;object=k", access())
    assert "COSIGN_PKCS11_MODULE_PATH" in str(caught.value.hint)


@pytest.mark.parametrize("module", ["softhsm.so", "../evil.so"])
def test_a_module_is_not_searched_for(module: str) -> None:
    with pytest.raises(ConfigurationError, match="absolute path"):
        open_signer(f"pkcs11:token=t;object=k?module-path={module}", access())


def test_a_module_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "module.so").write_bytes(b"no library")
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        open_signer(f"pkcs11:token=t;object=k?module-path={tmp_path / 'module.so'}", access())


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(ToolMissingError) as caught:
        open_signer("pkcs11:token=t;object=k?module-path=/m.so", access())
    assert caught.value.hint == "pip install 'supplychain[pkcs11]'"


def test_a_wrong_pin_is_refused_and_not_shown(softhsm: SoftHsm, tmp_path: Path) -> None:
    # In a process that has not logged in yet: a login counts for the whole process.
    program = (
        "from supplychain.errors import InputError\n"
        "from supplychain.signing.keys.reference import open_signer\n"
        "from tests.kit.key_access import access\n"
        "try:\n"
        f"    open_signer({softhsm.reference('k')!r}, access(password='hunter2'))\n"
        "except InputError as error:\n"
        "    print(error.diagnostics(), repr(error), error.__cause__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert "is wrong" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
