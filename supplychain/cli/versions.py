"""What `--version` tells: ours, Trivy's, and the date of the vulnerability database."""

from __future__ import annotations

from collections.abc import Iterator

from supplychain import __version__
from supplychain.cli.context import Context
from supplychain.errors import SupplyChainError


def version_lines(shared: Context) -> Iterator[str]:
    """One line for each; what is missing says so and is no error here."""
    from supplychain.bootstrap import parts

    yield f"supplychain {__version__}"
    try:
        yield f"trivy {parts.trivy(shared.settings).binary.version}"
    except SupplyChainError as error:
        yield f"trivy: {error}"
    try:
        database = parts.databases(shared.settings).current()
        yield f"vulnerability database of {database.updated_at:%Y-%m-%d %H:%M} UTC"
    except SupplyChainError as error:
        yield f"vulnerability database: {error}"
