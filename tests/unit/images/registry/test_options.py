from __future__ import annotations

import pytest

from supplychain.errors import ConfigurationError
from supplychain.images.registry.options import RegistryOptions


@pytest.mark.parametrize(
    ("username", "password", "token"),
    [("me", None, None), (None, "secret", None), ("me", "secret", "token")],
)
def test_half_a_login_and_two_at_once_are_refused(
    username: str | None, password: str | None, token: str | None
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RegistryOptions(username=username, password=password, token=token)
    assert "SUPPLYCHAIN_REGISTRY_" in (caught.value.hint or "")


def test_secrets_are_not_shown() -> None:
    shown = repr(RegistryOptions(username="me", password="secret one"))
    assert "secret" not in shown
    assert "secret" not in repr(RegistryOptions(token="secret"))
