"""The demonstration: real images, made here without Docker, on their way to a verdict.

    python -m demo.run [FOLDER]

A vulnerable image is denied, its repaired successor allowed, and a copy with one changed byte
refused, by the same commands that anyone would type. Everything stays in FOLDER (`.demo`).
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

from demo import workshop
from demo.workshop import DemoError
from supplychain.cli.console import Paint, wants_colour

PROGRAMS = Path(sys.executable).parent
PAINT = Paint(enabled=wants_colour(sys.stdout, os.environ))
IMAGES = {
    "shop-vulnerable": "vulnerable.txt",
    "shop-repaired": "repaired.txt",
    "shop-tampered": "repaired.txt",
}
LEFT = {
    "images/": "the three images, OCI layouts; signatures and attestations beside them",
    "keys/": "the key pair and its password",
    "policies/": "the policies of prod and staging; each demonstration writes them anew",
    "proposed/": "a stricter policy for staging, as somebody proposes it",
    "data/": "the record: decisions, reports, SBOMs, envelopes; the vulnerability database",
    "shop.cdx.json": "the SBOM",
}


def main() -> None:
    """Run the demonstration; exits with 1 where anything is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m demo.run", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(".demo"))
    folder = parser.parse_args().folder.absolute()
    signal.signal(signal.SIGTERM, _end)
    try:
        with _alone(folder):
            Demo(folder).run()
    except (DemoError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


class Demo:
    """One demonstration, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        foreign = ("SUPPLYCHAIN_", "COSIGN_")
        cleaned = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        self.settings = workshop.settings(folder, PROGRAMS)
        self.environ = {**cleaned, **self.settings}

    def run(self) -> None:
        """Make what is needed, then tell the story."""
        self.prepare()
        _title("An image with well-known vulnerabilities is denied")
        self.type("run", self.image("shop-vulnerable"), "--environment", "prod", expect=10)
        _title("Its repaired successor is allowed")
        self.type("run", self.image("shop-repaired"), "--environment", "prod", expect=0)
        _title("The same image with one byte changed is refused, before anything looks into it")
        self.type("run", self.image("shop-tampered"), "--environment", "prod", expect=1)
        _title("What the allowed image is made of")
        self.show_sbom(self.shown("shop.cdx.json"))
        _title("The verdict at any later time, from the record alone")
        self.type("gate", self.digest("shop-repaired"), "--environment", "prod", expect=0)
        self.type("images", "list", expect=0)
        _title("A risk is accepted for a while, in staging, by somebody else than who asks")
        self.accept_risk()
        _title("What a stricter policy for staging would change, over everything on record")
        workshop.write_proposal(self.folder / "proposed")
        pair = self.shown("policies/staging.yaml"), self.shown("proposed/staging.yaml")
        self.type("policy", "diff", *pair, "--recorded", expect=10)
        self.say_what_next()

    def prepare(self) -> None:
        """Make settings, policy, key, images and database, as far as they are not there."""
        workshop.write_activate(self.folder / "activate", self.settings, PROGRAMS)
        _prompt(".", self.shown("activate"))
        workshop.write_policies(self.folder / "policies")
        if workshop.write_password(self.folder / "keys"):
            self.type("keys", "generate", "--output-key-prefix", self.shown("keys/demo"), expect=0)
        for name, requirements in IMAGES.items():
            layout, tampered = self.folder / "images" / name, name == "shop-tampered"
            wheels = self.folder / "wheels" / Path(requirements).stem
            if workshop.pack(layout, requirements, wheels, tampered=tampered):
                change = ", one byte changed" if tampered else ""
                _say(f"packed {self.shown()}/images/{name} from demo/{requirements}{change}")
        count = workshop.write_sample(self.folder / "vulndb")
        _say(
            f"the vulnerability database is a sample of {count} public advisories "
            "(sources in demo/advisories.json); the real one: supplychain vulndb pull"
        )
        self.type("vulndb", "import", self.shown("vulndb"), expect=0)

    def accept_risk(self) -> None:
        """Ask for a waiver, approve it, use it, and see it end."""
        there = ("--environment", "staging")
        about = ("--rule", "vulnerabilities", "--package", "pkg:pypi/django@2.2", *there)
        why = ("--reason", "the upgrade is in review", "--ticket", "SHOP-7")
        asked = self.ask("waivers", "request", *about, "--expires", "14d", *why, "--as", "alice")
        number = asked.split()[0]
        image = self.digest("shop-vulnerable")
        self.type("waivers", "approve", number, "--as", "alice", expect=2)
        self.type("waivers", "approve", number, "--as", "bob", expect=0)
        self.type("gate", image, *there, expect=0)
        later = (datetime.now(UTC) + timedelta(days=15)).strftime("%Y-%m-%dT%H:%M:%SZ")
        _say("as it would be a day after the waiver has expired, if nothing else happens:")
        self.type("gate", image, *there, "--at", later, expect=10)

    def ask(self, *arguments: str) -> str:
        """Run `supplychain` as `type` does, and give back what it said.

        Raises:
            DemoError: It failed.
        """
        _prompt("supplychain", *arguments)
        command = [str(PROGRAMS / "supplychain"), *arguments]
        done = subprocess.run(command, env=self.environ, stdout=subprocess.PIPE, check=False)
        said = done.stdout.decode()
        print(said, end="", flush=True)
        if done.returncode:
            raise DemoError(f"exit code {done.returncode} where 0 was expected")
        _say("exit code 0")
        return said

    def show_sbom(self, file: str) -> None:
        """Export the SBOM and say what is in it."""
        from supplychain.sbom.quality import assess

        self.type("export", "sbom", self.digest("shop-repaired"), "--output-file", file, expect=0)
        document = Path(file).read_bytes()
        parsed, quality = json.loads(document), assess(document)
        _say(f"CycloneDX {parsed['specVersion']}, {quality.component_count} components:")
        for component in parsed["components"]:
            _say(f"  {component['purl']}")
        _say(f"{quality.score:.0%} of NTIA's minimum elements; missing:")
        for element in quality.elements:
            if element.missing:
                _say(f"  {element.element} ({element.missing} of {element.total})")

    def say_what_next(self) -> None:
        """Say where everything is, and what to type next."""
        _title(f"Everything is in {self.shown()}")
        for name, what in LEFT.items():
            print(f"  {name:<20}{what}")
        _title("Type next")
        image, key = self.image("shop-repaired"), self.shown("keys/demo.pub")
        for command in (
            [".", self.shown("activate")],
            ["supplychain", "images", "show", self.digest("shop-repaired")],
            ["supplychain", "verify", image, "--key", key, "--type", "cyclonedx"],
            ["supplychain", "gate", image, "--output", "json"],
            ["supplychain", "policy", "show", "prod"],
            ["supplychain", "doctor"],
        ):
            print(f"  {shlex.join(command)}", flush=True)

    def type(self, *arguments: str, expect: int) -> None:
        """Run `supplychain` as a child process, as if somebody had typed it.

        Raises:
            DemoError: It ended with another exit code than is expected.
        """
        _prompt("supplychain", *arguments)
        with subprocess.Popen([PROGRAMS / "supplychain", *arguments], env=self.environ) as child:
            try:
                code = child.wait()
            except KeyboardInterrupt:  # the child got it as well
                child.wait()
                raise
            except SystemExit:
                child.terminate()
                raise
        if code != expect:
            raise DemoError(
                f"exit code {code} where {expect} was expected\n"
                f"try: begin anew, rm -r {shlex.quote(self.shown())}"
            )
        _say(f"exit code {code}")

    def shown(self, name: str = "") -> str:
        """A path in the folder, as somebody who stands here would type it."""
        path, here = self.folder / name, Path.cwd()
        return str(path.relative_to(here) if path.is_relative_to(here) else path)

    def image(self, name: str) -> str:
        """An image as SOURCE."""
        return f"oci:{self.shown()}/images/{name}"

    def digest(self, name: str) -> str:
        """An image by its digest."""
        return workshop.digest_of(self.folder / "images" / name)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second demonstration out of the folder for as long as this one works in it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(f"another demonstration is at work in {folder}") from None
        yield


def _end(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)


def _title(text: str) -> None:
    print(f"\n{PAINT('bold', text)}", flush=True)


def _prompt(*command: str) -> None:
    print(PAINT("bold", f"$ {shlex.join(command)}"), flush=True)


def _say(text: str) -> None:
    print(PAINT("dim", f"# {text}"), flush=True)


if __name__ == "__main__":
    main()
