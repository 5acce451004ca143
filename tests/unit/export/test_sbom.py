from __future__ import annotations

import pytest

from supplychain.errors import InputError
from supplychain.export.sbom import RENDERERS, render
from supplychain.sbom.document import to_xml
from tests.kit.sboms import make_sbom


def test_json_is_the_stored_bytes() -> None:
    stored = make_sbom().replace(b"\n", b"\r\n")  # whoever wrote them, and however
    assert render(stored, "cyclonedx-json") is stored


def test_xml_is_the_same_document() -> None:
    stored = make_sbom()
    assert render(stored, "cyclonedx-xml") == to_xml(stored)


def test_unknown_form_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match="'spdx-json' is not a form of SBOM") as caught:
        render(make_sbom(), "spdx-json")
    assert caught.value.hint == "one of cyclonedx-json, cyclonedx-xml"
    assert set(RENDERERS) == {"cyclonedx-json", "cyclonedx-xml"}
