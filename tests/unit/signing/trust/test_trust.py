"""Whose word counts: nobody's, unless somebody is named."""

from __future__ import annotations

import pytest

from supplychain.errors import InputError
from supplychain.signing.trust.trust import NOBODY, LogDemand, Trust
from tests.kit.sigstore import new_key
from tests.unit.signing.trust.asking import Anybody, key_of


def test_nobody_is_refused_before_anything_is_verified() -> None:
    assert not NOBODY.anybody
    with pytest.raises(InputError, match="no key was given"):
        NOBODY.require_anybody()


def test_a_key_or_an_identity_is_somebody() -> None:
    for trust in (Trust((key_of(new_key()),)), Trust(identities=(Anybody(),))):
        assert trust.anybody
        trust.require_anybody()


def test_what_is_demanded_where_nothing_is_said() -> None:
    trust = Trust()
    assert (trust.log_of_keys, trust.log_of_identities) == (
        LogDemand.OPTIONAL,
        LogDemand.REQUIRED,
    )
    assert (trust.timestamp, trust.published, trust.root) == (False, True, None)
