"""Which types of packages, as package URLs name them, have which order of versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from supplychain.gate.orders import (
    alpine,
    composer,
    debian,
    maven,
    nuget,
    python,
    rpm,
    rubygems,
    semantic,
)

ORDERS: dict[str, Callable[[str], Any]] = {
    "apk": alpine.order,
    "cargo": semantic.order,
    "cocoapods": rubygems.order,
    "composer": composer.order,
    "deb": debian.order,
    "gem": rubygems.order,
    "golang": semantic.order,
    "hex": semantic.order,
    "maven": maven.order,
    "npm": semantic.order,
    "nuget": nuget.order,
    "pypi": python.order,
    "rpm": rpm.order,
    "swift": semantic.order,
}
