"""The registries and images of the matrix, and its table at the end."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import pytest

from supplychain.images.reference import Reference
from tests.interop import matrix, tools
from tests.interop.keyless import Office
from tests.interop.matrix import COSIGN_2, KEY, REGISTRIES, Case
from tests.interop.tools import Bench
from tests.kit.forging import forge
from tests.kit.go_tools import REFERRERS
from tests.kit.shop import push
from tests.kit.sigstore.mock import serving
from tests.kit.sigstore.private import PrivateSigstore
from tests.kit.sigstore.tuf_repository import tuf_repository

_RESULTS = pytest.StashKey[dict[tuple[Case, str], str]]()
_PAGE = Path(__file__).resolve().parents[2] / "docs" / "interop.md"
_BLOCK = re.compile(r"(<!-- interop: begin[^\n]*-->\n)(.*?)(<!-- interop: end -->)", re.DOTALL)

Pushed = Callable[[str, str], str]
Offices = Callable[[str, str], Office]
Declined = Callable[[str, str, str], str]


class Signed(Protocol):
    """Has an image signed and attested, and gives its reference."""

    def __call__(self, by: str, form: str, registry: str, means: str = KEY) -> str:
        """By whom, in which form, where, and with what."""


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Where everything is typed."""
    return Bench.furnished(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="session")
def with_the_api() -> Iterator[str]:
    """The address of a registry with the referrers API: go-containerregistry's, in memory."""
    with subprocess.Popen([REFERRERS.required()], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


@pytest.fixture(scope="session")
def pushed(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Pushed:
    """The reference of a new image in a kind of registry, beside which nothing lies."""

    def make(registry: str, name: str) -> str:
        if registry == REGISTRIES[0]:
            address = request.getfixturevalue("with_the_api")
        else:
            address = request.getfixturevalue("debian_registry").address
        path = re.sub(r"[^a-z0-9]+", "-", f"{name} {registry}".lower())
        reference = Reference(address, f"interop/{path}")
        digest = push(forge(tmp_path_factory.mktemp("image") / "layout"), reference)
        return f"{reference}@{digest}"

    return make


@pytest.fixture(scope="session")
def older_sigstore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateSigstore]:
    """A mock with a Rekor v1: the legacy form wants its promises, and so does cosign 2.6."""
    with serving(tmp_path_factory.mktemp("mock-sigstore")) as mock:
        yield mock.sigstore(rekor=1)


@pytest.fixture(scope="session")
def offices(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Offices]:
    """Where something is signed without a key: with real services, wherever they can be asked."""
    stack = ExitStack()

    @cache
    def furnish(sigstore: str, form: str) -> Office:
        folder = tmp_path_factory.mktemp("office")
        vouching: PrivateSigstore = request.getfixturevalue(sigstore)
        updates = stack.enter_context(tuf_repository(vouching.trusted_root.read_bytes()))
        return Office.furnished(folder, vouching, form, updates)

    def find(by: str, form: str) -> Office:
        older = form == "legacy" or by == COSIGN_2
        vouching = "older_sigstore" if older else "private_sigstore"
        return furnish(vouching, "legacy" if form == "legacy" else "bundle")

    with stack:
        yield find


@pytest.fixture(scope="session")
def signed(pushed: Pushed, bench: Bench, offices: Offices) -> Signed:
    """The reference of an image that was signed and attested in one way, made when asked for."""

    @cache
    def make(by: str, form: str, registry: str, means: str) -> str:
        tools.program(by)
        desk = bench if means == KEY else offices(by, form)
        image = pushed(registry, f"{by} {means} {form}")
        desk.sign(by, form, image)
        return image

    return lambda by, form, registry, means=KEY: make(by, form, registry, means)


@pytest.fixture(scope="session")
def declined(pushed: Pushed, offices: Offices) -> Declined:
    """What a signer answers that is asked for a form that it does not make; "" where it does."""

    @cache
    def ask(by: str, form: str, what: str) -> str:
        image = pushed(REGISTRIES[0], f"declined {by} {form} {what}")
        done = offices(by, form).state(by, form, what, image)
        return done.stderr if done.returncode else ""

    return ask


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make interop-table` writes the table into its page."""
    parser.addoption("--interop-table", action="store_true", help="write docs/interop.md's table")


def pytest_configure(config: pytest.Config) -> None:
    """Nothing was run yet."""
    config.stash[_RESULTS] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Note what became of a cell of the table."""
    report = yield
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if {"case", "what"} <= parameters.keys() and (report.failed or report.when == "call"):
        cell = parameters["case"], parameters["what"]
        told = {"passed": matrix.expected(*cell), "failed": "NO"}.get(report.outcome)
        if told:
            item.config.stash[_RESULTS][cell] = told
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the table; write it where that was asked for."""
    results = config.stash[_RESULTS]
    rows = matrix.table(results)
    terminalreporter.section("who reads whom")
    for line in matrix.as_text(rows):
        terminalreporter.write_line(line)
    terminalreporter.write_line(
        f'"{matrix.NOT_RUN}": something is missing on this machine, see what was skipped; '
        f'"{matrix.UNREAD}": its reader does not take that form and says so; '
        f'"{matrix.UNMADE}": its signer does not make that form and says so; '
        f'"{matrix.UNASKED}": no policy asks for it'
    )
    if config.getoption("--interop-table"):
        made = matrix.as_markdown(rows)
        _PAGE.write_text(_BLOCK.sub(rf"\g<1>{made}\g<3>", _PAGE.read_text()))
