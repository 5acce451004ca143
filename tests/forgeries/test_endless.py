"""More than anybody needs, put beside an image to keep whoever reads it busy.

CVE-2023-46737, CVE-2024-29902, CVE-2024-29903, CVE-2024-45395: what an attacker may write decided
how much a verifier read, kept and checked. What registries answer without end is in `test_places`.
"""

from __future__ import annotations

import json
import time

import pytest

from supplychain.errors import LimitError
from supplychain.signing import dsse, found
from supplychain.signing.bundle import BUNDLE_LIMIT, MEDIA_TYPE
from supplychain.signing.dsse import PAYLOAD_LIMIT
from supplychain.signing.simplesigning import SIGNATURE_ANNOTATION
from tests.kit.keys import signer
from tests.kit.scene import Scene, by_key
from tests.kit.sigstore.keys import text


def test_more_layers_than_anybody_reads(scene: Scene) -> None:
    """The genuine signature is the first of them; who writes a thousand hides something."""
    signed = {SIGNATURE_ANNOTATION: text(signer().sign(scene.simple))}
    scene.attach_layers([(scene.simple, signed)] * 1001)
    assert "1001 layers, at most 1000" in scene.refusal(by_key())


def test_as_many_signatures_as_may_be_are_checked_in_seconds(scene: Scene) -> None:
    wrong = {SIGNATURE_ANNOTATION: text(signer("attacker").sign(scene.simple))}
    right = {SIGNATURE_ANNOTATION: text(signer().sign(scene.simple))}
    layers = [(scene.simple, wrong)] * 999 + [(scene.simple, right)]
    scene.attach_layers(layers)
    began = time.monotonic()
    report = scene.verify(by_key())
    assert (len(report.signatures), len(report.rejected)) == (1, 999)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "size", [BUNDLE_LIMIT + 1, 10 * 2**30, 2**63], ids=["over", "10 GiB", "2^63"]
)
def test_a_bundle_that_says_it_is_huge(scene: Scene, size: int) -> None:
    """What announces more than is read is not begun with."""
    digest = scene.layout.put_blob(scene.keyed())
    layer = {"mediaType": MEDIA_TYPE, "digest": str(digest), "size": size}
    scene.attach(b"", layers=[layer])
    assert f"at most {BUNDLE_LIMIT} are read" in scene.refusal(by_key())


def test_a_statement_that_is_huge(scene: Scene) -> None:
    """By the trusted key, and one byte longer than a statement may be."""
    payload = scene.statement + b" " * (PAYLOAD_LIMIT - len(scene.statement) + 1)
    value = json.loads(scene.keyed())
    sealed = dsse.seal(payload, signer())
    signatures = [{"sig": text(sealed.signature)}]
    value["dsseEnvelope"] |= {"payload": text(payload), "signatures": signatures}
    scene.attach(json.dumps(value).encode())
    assert f"at most {PAYLOAD_LIMIT} are read" in scene.refusal(by_key())


def test_more_bytes_together_than_anybody_needs(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is too large by itself; the genuine one among them is not looked for any longer."""
    monkeypatch.setattr(found, "TOTAL_LIMIT", 4000)
    scene.attach(scene.keyed())
    for number in range(5):
        scene.attach(b"%d" % number * 1000)
    with pytest.raises(LimitError, match="more than 4000 bytes together"):
        scene.verify(by_key())


def test_nesting_without_end(scene: Scene) -> None:
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    scene.attach(deep)
    scene.attach(scene.keyed(deep))
    report = scene.verify(by_key())
    assert (report.verified, len(report.rejected)) == ((), 2)


def test_a_number_without_end(scene: Scene) -> None:
    """Reading a number of a million digits takes time that grows with its square."""
    value = scene.keyed()[:-1] + b',"more":' + b"9" * 1_000_000 + b"}"
    scene.attach(value)
    began = time.monotonic()
    assert scene.refusal(by_key())
    assert time.monotonic() - began < 5
