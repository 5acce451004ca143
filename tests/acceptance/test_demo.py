"""The demonstration as a newcomer meets it: typed once, typed again, interrupted, typed on."""

from __future__ import annotations

import fcntl
import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.vulndb import load_advisories
from demo.workshop import write_password
from tests.kit.debian import cache_folder

pytestmark = pytest.mark.timeout(600)

_ROOT = Path(__file__).resolve().parents[2]
_COMMAND = re.compile(r"^\$ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Told:
    """What a demonstration printed, and its exit code."""

    text: str
    code: int

    def outcome(self, command: str) -> tuple[int, str]:
        """The exit code that was shown for the first command like this, and what it printed."""
        parts = _COMMAND.split(self.text)[1:]
        said = next(
            output
            for typed, output in zip(parts[::2], parts[1::2], strict=True)
            if re.search(command, typed)
        )
        output, _, rest = said.partition("# exit code ")
        return int(rest.split()[0]), output

    def under(self, title: str) -> list[str]:
        """The lines below a title that starts so."""
        after = self.text[re.search(f"^{title}.*$", self.text, re.MULTILINE).end() :]  # type: ignore[union-attr]  # a missing title is the failure
        return [line.strip() for line in after.strip().split("\n\n")[0].splitlines()]


@dataclass(frozen=True)
class Place:
    """A folder with a blank in its name, where somebody with settings of their own stands."""

    folder: Path
    home: Path

    def environ(self, **more: str) -> Mapping[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        return {
            **own,
            "HOME": str(self.home),
            "PYTHONPATH": str(_ROOT),
            "PIP_CACHE_DIR": str(cache_folder() / "pip"),
            "SUPPLYCHAIN_DATA_DIR": str(self.home / "not here"),
            "SUPPLYCHAIN_SBOM_VERSION": "none that is written",
            "COSIGN_PASSWORD": "another key's",
            **more,
        }

    def start(self, **more: str) -> subprocess.Popen[str]:
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            # Who runs us in the background ignores Ctrl-C, which a child would inherit.
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return subprocess.Popen(
            [sys.executable, "-m", "demo.run"],
            cwd=self.folder,
            env=self.environ(**more),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            umask=0o077,
            start_new_session=True,
        )

    def tell(self, **more: str) -> Told:
        with self.start(**more) as process:
            text, _ = process.communicate()
        return Told(text, process.returncode)

    @property
    def made(self) -> Path:
        return self.folder / ".demo"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    base = tmp_path_factory.mktemp("demo")
    found = Place(base / "a folder", base / "home")
    found.folder.mkdir()
    settings = found.home / ".config" / "supplychain" / "supplychain.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('database = "postgresql://nobody@127.0.0.1:1/none"\nkey = "mine.key"\n')
    return found


@pytest.fixture(scope="module")
def told(place: Place) -> Told:
    """The first demonstration."""
    told = place.tell()
    assert told.code == 0, told.text
    return told


def copy_of(place: Place, folder: Path) -> Place:
    shutil.copytree(place.made, folder / ".demo", symlinks=True)
    return Place(folder, place.home)


def test_vulnerable_image_is_denied_with_reasons_and_a_remedy(told: Told) -> None:
    code, output = told.outcome("run oci:.demo/images/shop-vulnerable ")
    assert code == 10
    assert "DENY  shop-vulnerable@sha256:" in output
    assert re.search(r"CVE-2019-19844 +critical +Django 2\.2 .*METADATA", output)
    assert "upgrade Django 2.2 to 2.2.28 or later" in output


def test_repaired_image_is_allowed(told: Told) -> None:
    code, output = told.outcome("run oci:.demo/images/shop-repaired ")
    assert code == 0
    assert "ALLOW  shop-repaired@sha256:" in output
    assert "4 statements verified" in output


def test_tampered_copy_is_refused_by_the_digest_of_its_layer(told: Told, place: Place) -> None:
    code, output = told.outcome("run oci:.demo/images/shop-tampered ")
    layout = place.made / "images" / "shop-tampered"
    index = json.loads((layout / "index.json").read_bytes())
    named = index["manifests"][0]["digest"].replace(":", "/")
    [layer] = json.loads((layout / "blobs" / named).read_bytes())["layers"]
    assert code == 1
    assert f"expected {layer['digest']}, the bytes hash to sha256:" in output
    assert "scan " not in output


def test_tampered_copy_differs_in_one_byte(told: Told, place: Place) -> None:
    def blobs(name: str) -> dict[str, bytes]:
        folder = place.made / "images" / name / "blobs" / "sha256"
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    genuine, tampered = blobs("shop-repaired"), blobs("shop-tampered")
    [changed] = [name for name in tampered if tampered[name] != genuine[name]]
    pairs = zip(tampered[changed], genuine[changed], strict=True)
    assert sum(ours != theirs for ours, theirs in pairs) == 1


def test_sbom_is_exported_and_summed_up(told: Told, place: Place) -> None:
    code, _ = told.outcome("export sbom sha256:")
    document = json.loads((place.made / "shop.cdx.json").read_bytes())
    purls = [component["purl"] for component in document["components"]]
    assert code == 0
    assert len(purls) == 4
    assert f"# CycloneDX {document['specVersion']}, 4 components:" in told.text
    assert all(f"#   {purl}\n" in told.text for purl in purls)


def test_stored_verdict_comes_from_the_record(told: Told) -> None:
    code, output = told.outcome("gate sha256:[0-9a-f]{64} ")
    assert code == 0
    assert "ALLOW  shop-repaired@" in output
    code, output = told.outcome("images list")
    assert code == 0
    assert "allow in prod" in output
    assert "deny in prod" in output


def test_a_waiver_is_asked_for_approved_used_and_expires(told: Told) -> None:
    code, output = told.outcome("waivers request ")
    assert code == 0
    assert "WV-1   requested" in output
    code, output = told.outcome("waivers approve WV-1 --as alice")
    assert code == 2
    assert "alice asked for WV-1 and cannot approve it" in output
    assert told.outcome("waivers approve WV-1 --as bob")[0] == 0
    code, output = told.outcome("gate sha256:[0-9a-f]{64} --environment staging$")
    assert code == 0
    assert "waived by bob until" in output
    code, output = told.outcome("gate sha256:[0-9a-f]{64} --environment staging --at")
    assert code == 10
    assert "WV-1 expired 1 d ago" in output


def test_what_a_stricter_policy_would_change_is_shown(told: Told) -> None:
    code, output = told.outcome("policy diff ")
    assert code == 10
    assert '- {"vulnerabilities": {"severity": "critical"}}' in output
    assert '+ {"vulnerabilities": {"severity": "high"}}' in output
    assert "signature" not in output
    assert re.search("ALLOW → DENY  shop-vulnerable@.* in staging", output)


def test_database_is_called_a_sample(told: Told) -> None:
    [line] = [line for line in told.text.splitlines() if "is a sample of" in line]
    assert f" {len(load_advisories()['advisories'])} public advisories" in line
    assert "demo/advisories.json" in line
    assert "supplychain vulndb pull" in line


def test_readme_shows_what_is_printed(told: Told) -> None:
    shown = (_ROOT / "README.md").read_text("utf-8").split("```console\n")[1].split("```")[0]
    for line in filter(None, shown.splitlines()):
        # Left out: ends of digests, and whatever follows a finding's versions.
        pattern = re.escape(line).replace("…", "[0-9a-f]+")
        assert re.search(f"^{pattern}", told.text, re.MULTILINE), line


def test_everything_is_where_it_says_and_nowhere_else(told: Told, place: Place) -> None:
    names = [line.split()[0] for line in told.under("Everything is in .demo")]
    assert len(names) == 6
    assert all((place.made / name).exists() for name in names)
    assert stat.S_IMODE((place.made / "keys" / "password").stat().st_mode) == 0o600
    assert [path.name for path in place.folder.iterdir()] == [".demo"]
    ours = sorted(path.name for path in place.home.rglob("*") if "supplychain" in path.name)
    assert ours == ["supplychain", "supplychain.toml"]
    assert not (place.home / "not here").exists()


def test_commands_at_the_end_work_as_printed(told: Told, place: Place) -> None:
    commands = told.under("Type next")
    assert commands[0] == ". .demo/activate"
    assert len(commands) == 6
    for count in range(2, len(commands) + 1):
        script = "\n".join([commands[0], commands[count - 1]])
        done = subprocess.run(
            ["sh", "-euc", script],
            cwd=place.folder,
            env=place.environ(PATH=os.defpath),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (script, done.stderr)
        assert done.stdout.strip(), script


def test_again_without_any_download(told: Told, place: Place) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    again = place.tell(PIP_NO_INDEX="1", PIP_CACHE_DIR=os.devnull)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert again.code == 0, again.text
    assert "packed" not in again.text
    assert "keys generate" not in again.text
    digest = re.compile(r"shop-\w+@sha256:[0-9a-f]{64}")
    assert set(digest.findall(again.text)) == set(digest.findall(told.text))
    # Processor time: the twenty seconds that are promised, whatever else this machine does.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 20


def test_interrupted_and_begun_again(told: Told, place: Place, tmp_path: Path) -> None:
    other = Place(tmp_path, place.home)
    shutil.copytree(place.made / "wheels", other.made / "wheels")
    for moment in ("# packed", "fetch  "):
        text = interrupted(other, moment)
        assert "Traceback" not in text
        assert "Type next" not in text
    again = other.tell(PIP_NO_INDEX="1")
    assert again.code == 0, again.text


def interrupted(place: Place, moment: str) -> str:
    """What a demonstration printed that is interrupted once it has printed this."""
    with place.start(PIP_NO_INDEX="1") as process:
        assert process.stdout is not None
        text = ""
        while moment not in text:
            line = process.stdout.readline()
            assert line, text
            text += line
        os.killpg(process.pid, signal.SIGINT)
        text += process.stdout.read()
    assert process.returncode == 130, text
    return text


@pytest.mark.parametrize("left", [(), ("password",), ("password", "demo.key")])
def test_half_made_keys_are_made_anew(tmp_path: Path, left: tuple[str, ...]) -> None:
    keys = tmp_path / "keys"
    assert write_password(keys)
    for name in left:
        (keys / name).write_text("left behind")
    assert write_password(keys)
    assert [path.name for path in keys.iterdir()] == ["password"]
    assert len((keys / "password").read_text()) > 40
    for name in ("demo.key", "demo.pub"):
        (keys / name).touch()
    assert not write_password(keys)


def test_second_one_at_the_same_time_is_refused(told: Told, place: Place) -> None:
    with (place.made / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = place.tell()
    assert refused.code == 1
    assert refused.text.startswith("error: another demonstration is at work in ")


def test_unexpected_exit_code_ends_it(told: Told, place: Place, tmp_path: Path) -> None:
    other = copy_of(place, tmp_path)
    for file in (other.made / "data").glob("supplychain.db*"):
        file.write_bytes(b"no database any more " * 1000)
    broken = other.tell()
    assert broken.code == 1
    assert "error: exit code 1 where 10 was expected" in broken.text
    assert "try: begin anew, rm -r .demo" in broken.text
    assert "Its repaired successor" not in broken.text
