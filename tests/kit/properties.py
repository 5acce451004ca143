"""How Hypothesis runs here: no deadline for single examples, because tests share their machine."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("supplychain", deadline=None)
settings.load_profile("supplychain")
