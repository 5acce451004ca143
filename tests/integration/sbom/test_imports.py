from __future__ import annotations

import subprocess
import sys


def test_importing_the_room_loads_nothing_heavy() -> None:
    script = """
import sys
from supplychain.sbom import cyclonedx, document, quality, schema
from supplychain.export import sbom
heavy = {"cyclonedx", "jsonschema_rs", "license_expression", "lxml", "orjson"}
print(sorted(heavy & set(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert ran.stdout.strip() == "[]"
