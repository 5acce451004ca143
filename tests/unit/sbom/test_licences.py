from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from license_expression import get_spdx_licensing

from supplychain.sbom.licences import choices
from supplychain.sbom.schema import spdx_identifiers, validate
from tests.kit.sboms import make_sbom
from tests.kit.scans import make_component


def one(text: str) -> dict[str, Any]:
    (choice,) = choices((text,))
    return choice


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("MIT", "MIT"),
        ("bsd-3-clause", "BSD-3-Clause"),
        (" Apache-2.0 ", "Apache-2.0"),
        ("Apache-2", "Apache-2.0"),
        ("GPL-2", "GPL-2.0-only"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("GPL-3.0-or-later", "GPL-3.0-or-later"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("LGPL-2", "LGPL-2.0-only"),
        ("AGPL-3+", "AGPL-3.0-or-later"),
        ("GFDL-1.3", "GFDL-1.3-only"),
        ("Expat", "MIT"),
        ("GPL-2.0-with-classpath-exception", "GPL-2.0-with-classpath-exception"),
    ],
)
def test_certain_names_become_spdx_identifiers(text: str, identifier: str) -> None:
    assert one(text) == {"license": {"id": identifier}}


@pytest.mark.parametrize(
    "text",
    [
        "BSD",  # which of them?
        "GPL",  # which version?
        "GPLv2",  # only that, or later ones too?
        "Artistic",
        "GPL-9+",
        "public-domain",
        "My Own Licence",
        "MIT and",
        "licensed to you with love and care",
        "Classpath-exception-2.0",  # an exception is no licence
        "MIT WITH Apache-2.0",
        "MIT AND Unheard-Of-1.0",
        "MIT OR Classpath-exception-2.0",
        "( OR MIT",
        "MIT and ( )",
    ],
)
def test_what_is_not_certain_stays_as_it_was_read(text: str) -> None:
    assert one(text) == {"license": {"name": text}}


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("MIT OR CC0-1.0", "MIT OR CC0-1.0"),
        ("(MIT or cc0-1.0)", "MIT OR CC0-1.0"),
        ("GPL-2+ or Apache-2", "GPL-2.0-or-later OR Apache-2.0"),
        ("MIT AND (ISC OR Zlib)", "MIT AND (ISC OR Zlib)"),
        (
            "GPL-2.0-only WITH Classpath-exception-2.0",
            "GPL-2.0-only WITH Classpath-exception-2.0",
        ),
        ("MIT OR (ISC or Zlib)", "MIT OR (ISC OR Zlib)"),
        (
            "mit or GPL-2.0-with-classpath-exception",
            "MIT OR GPL-2.0-with-classpath-exception",
        ),
    ],
)
def test_valid_expressions_are_written_in_canonical_form(text: str, expression: str) -> None:
    assert one(text) == {"expression": expression}


def test_expression_beside_others_becomes_a_name() -> None:
    assert choices(("MIT OR ISC", "Zlib", "zlib", "")) == [
        {"license": {"name": "MIT OR ISC"}},
        {"license": {"id": "Zlib"}},
    ]


def test_whole_licence_text_is_kept_as_text() -> None:
    text = "The Shop Licence\n\nYou may look."
    assert one(f"text://{text}") == {
        "license": {"name": "The Shop Licence", "text": {"content": text}}
    }


def test_no_licence_gives_no_choice() -> None:
    assert choices(("", "  ")) == []


def test_exceptions_are_told_from_licences_as_spdx_tells_them() -> None:
    """license-expression, made from SPDX's own two lists, is the referee."""
    known = get_spdx_licensing().known_symbols
    exceptions = {key for key, symbol in known.items() if symbol.is_exception}
    # SPDX lists these as licences, most of them deprecated; the referee goes by their names.
    bound = {"eCos-2.0", "MPL-2.0-no-copyleft-exception"}
    bound |= {name for name in exceptions if "-with-" in name}

    for name in spdx_identifiers():
        if name in known and name not in bound:
            assert ("name" in one(name)["license"]) == (name in exceptions), name


@given(st.lists(st.text(alphabet="MITGPL-2.0+ ORANDWITH()/,\n", max_size=40), max_size=4))
def test_any_text_makes_a_valid_document(texts: list[str]) -> None:
    validate(make_sbom([make_component("a", licences=tuple(texts))]))
