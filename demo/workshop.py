"""What the demonstration is played with: settings, a password, a policy, images, a database.

Everything can be made again at any time: what is there and whole stays, what an interrupted
demonstration left half made goes.
"""

from __future__ import annotations

import json
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from demo.images import download, flip_byte, pack_layer, pack_layout, python_application
from demo.vulndb import load_advisories, write_database

_HERE = Path(__file__).parent
_TAG = "org.opencontainers.image.ref.name"
_MAIN = """\
import django, jinja2, requests

page = jinja2.Template("shop on Django {{ django }}, Requests {{ requests }}")
print(page.render(django=django.__version__, requests=requests.__version__))
"""
_ACTIVATE = """\
# Read by a shell: from then on, `supplychain` there works with what the demonstration made.
for name in $(env | grep -oE '^(SUPPLYCHAIN|COSIGN)_[A-Z0-9_]+'); do unset "$name"; done
{exports}
export PATH={programs}:"$PATH"
"""


class DemoError(Exception):
    """Something did not go as the demonstration says that it goes."""


def settings(folder: Path, programs: Path) -> Mapping[str, str]:
    """The environment variables that lead `supplychain` to this folder."""
    data = folder / "data"
    values = {
        "DATA_DIR": data,
        "CACHE_DIR": folder / "cache",
        # Said although they follow from the data folder: somebody's own file may say otherwise.
        "DATABASE": f"sqlite:///{data / 'supplychain.db'}",
        "CONTENT": data / "content",
        "PROJECT": "default",
        "POLICIES": folder / "policies",
        "ENVIRONMENT": "prod",
        "KEY": folder / "keys" / "demo.key",
        "KEY_PASSWORD_FILE": folder / "keys" / "password",
        "TRIVY": programs / "trivy",
    }
    return {f"SUPPLYCHAIN_{name}": str(value) for name, value in values.items()}


def write_activate(file: Path, variables: Mapping[str, str], programs: Path) -> None:
    """Write a file that sets these variables in a shell, and puts `supplychain` on its PATH."""
    exports = "\n".join(f"export {name}={shlex.quote(v)}" for name, v in variables.items())
    text = _ACTIVATE.format(exports=exports, programs=shlex.quote(str(programs)))
    file.write_text(text, encoding="utf-8")


def write_policies(folder: Path) -> None:
    """Write the policies of all environments; whatever was changed in them is gone."""
    folder.mkdir(exist_ok=True)
    for policy in (_HERE / "policies").glob("*.yaml"):
        shutil.copyfile(policy, folder / policy.name)


def write_proposal(folder: Path) -> None:
    """Write what somebody proposes for staging: nothing high either."""
    text = (_HERE / "policies" / "staging.yaml").read_text(encoding="utf-8")
    folder.mkdir(exist_ok=True)
    stricter = text.replace("severity: critical", "severity: high")
    (folder / "staging.yaml").write_text(stricter, encoding="utf-8")


def write_password(folder: Path) -> bool:
    """Write a password for a key pair, unless all three are there; whether that was done."""
    password, *pair = (folder / name for name in ("password", "demo.key", "demo.pub"))
    if all(file.exists() for file in (password, *pair)):
        return False
    folder.mkdir(mode=0o700, exist_ok=True)
    for file in (password, *pair):
        file.unlink(missing_ok=True)
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(32) + "\n", encoding="utf-8")
    return True


def pack(layout: Path, requirements: str, wheels: Path, *, tampered: bool = False) -> bool:
    """Pack an application and its libraries as an OCI layout; whether it was not there yet.

    Args:
        layout: Where to.
        requirements: The hash-pinned file beside this one that names the libraries.
        wheels: Where their wheels are kept; fetched with pip where they are not.
        tampered: Change one byte of the layer, and no digest.

    Raises:
        DemoError: pip failed; it has said why.
    """
    sources = (_HERE / requirements, _HERE / "images.py", Path(__file__))
    newest = max(source.stat().st_mtime for source in sources)
    packed = layout / "oci-layout"  # which is written once: signatures change what lies beside it
    if packed.exists() and packed.stat().st_mtime > newest:
        return False
    partial = layout.with_name(f".partial-{layout.name}")
    for old in (partial, layout):
        shutil.rmtree(old, ignore_errors=True)
    try:
        libraries = download(_HERE / requirements, wheels)
    except subprocess.CalledProcessError as error:
        raise DemoError(f"pip could not fetch what demo/{requirements} names") from error
    layer = pack_layer(python_application(libraries, _MAIN))
    pack_layout(partial, [layer], config={"Cmd": ["python3", "/app/main.py"]})
    if tampered:
        flip_byte(partial)
    partial.rename(layout)
    return True


def digest_of(layout: Path) -> str:
    """The digest of the image in a layout."""
    listed = json.loads((layout / "index.json").read_bytes())["manifests"]
    return next(str(e["digest"]) for e in listed if e.get("annotations", {}).get(_TAG) == "latest")


def write_sample(folder: Path) -> int:
    """Write the sample vulnerability database as of today; how many advisories it holds."""
    sample = load_advisories()
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    write_database(folder, sample, today)
    return len(sample["advisories"])
