"""How each ecosystem orders its versions: one file each, loaded when a version is compared.

Each is a function from a version to a key; keys of one ecosystem compare as its own tools compare
the versions. What those tools would not take for a version has no key: a version that cannot be
compared is never taken for one that can (docs/adr/0013-version-orders.md says why these are ours).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

# No package has a longer version, and a number in one stays within what Python reads as one.
_LONGEST = 256


def has_order(package_type: str) -> bool:
    """Whether versions of a type of packages can be compared."""
    return package_type in _orders()


@lru_cache(maxsize=16384)
def order_key(package_type: str, version: str) -> Any:
    """What a version sorts by among those of its package type; None where it cannot be compared."""
    order = _orders().get(package_type)
    if order is None or not version or len(version) > _LONGEST or not version.isascii():
        return None
    return order(version)


def _orders() -> dict[str, Callable[[str], Any]]:
    from supplychain.gate.orders.known import ORDERS

    return ORDERS
