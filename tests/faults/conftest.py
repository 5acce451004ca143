"""The table of faults, as they were really done, and what they are done to."""

from __future__ import annotations

import re
import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from supplychain.model.runs import RunState
from supplychain.records.migrating import upgrade
from tests.kit.aftermath import Left, left
from tests.kit.cli import Desk
from tests.kit.crew import Crew, until
from tests.kit.mortal import MortalPostgresql, mortal_postgresql
from tests.kit.posts import Post
from tests.kit.registry import RunningRegistry
from tests.kit.shops import Shop

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
_BLOCK = re.compile(r"(<!-- faults: begin[^\n]*-->\n)(.*?)(<!-- faults: end -->)", re.DOTALL)
_ROW = re.compile(r"^\| (?P<fault>[^|]+) \|.*$", re.MULTILINE)
_ENGINES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(slots=True)
class _Row:
    """What became of one fault."""

    engines: set[str] = field(default_factory=set)
    times: int = 0
    failed: bool = False
    skipped: str = ""

    def as_markdown(self, fault: str) -> str:
        came = "FAILED" if self.failed else self.skipped or "holds"
        on = ", ".join(name for name in _ENGINES.values() if name in self.engines) or "–"
        return f"| {fault} | {on} | {self.times:,} | {came} |"


@dataclass(slots=True, eq=False)
class _Rows:
    """What became of all of them, also of those that other processes did (`pytest -n`)."""

    found: dict[str, _Row] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what became of a fault."""
        said: dict[str, Any] = dict(report.user_properties)
        if "fault" not in said or (report.when != "call" and report.outcome == "passed"):
            return
        row = self.found.setdefault(said["fault"], _Row())
        if report.skipped:
            why = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            row.skipped = f"skipped: {why.removeprefix('Skipped: ')}"
            return
        row.failed |= report.failed
        row.times += int(said.get("times", 1))
        row.engines |= set(said["engines"])


_ROWS = pytest.StashKey[_Rows]()


@pytest.fixture
def crew(database: str, tmp_path: Path) -> Crew:
    """Nobody yet, over an empty record on each engine."""
    (tmp_path / "crew").mkdir()
    return Crew(database, tmp_path / "crew")


@pytest.fixture
def post(database: str, tmp_path: Path) -> Post:
    """A place for a server, on each engine."""
    return Post.furnished(database, tmp_path / "post")


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[MortalPostgresql]:
    """A PostgreSQL server with our schema that may be killed."""
    del tmp_path
    with mortal_postgresql() as found:
        upgrade(found.url)
        yield found


@pytest.fixture
def shop(desk: Desk, database: str, vulnerable: Path, debian_registry: RunningRegistry) -> Shop:
    """A shop, on each engine."""
    return Shop.furnished(desk, database, vulnerable, debian_registry.fresh())


@pytest.fixture
def corner_shop(
    desk: Desk, sqlite_template: Path, vulnerable: Path, debian_registry: RunningRegistry
) -> Shop:
    """A shop on SQLite."""
    file = desk.folder / "record.db"
    shutil.copyfile(sqlite_template, file)
    return Shop.furnished(desk, f"sqlite:///{file}", vulnerable, debian_registry.fresh())


_CLEAN: list[Left] = []


@pytest.fixture
def clean(
    request: pytest.FixtureRequest, desk: Desk, tmp_path: Path, sqlite_template: Path
) -> Left:
    """What a run leaves where nothing goes wrong; done once."""
    if not _CLEAN:
        shutil.copytree(desk.folder, tmp_path / "clean", symlinks=True)
        environ = {
            name: value.replace(str(desk.folder), str(tmp_path / "clean"))
            for name, value in desk.environ.items()
        }
        file = tmp_path / "clean.db"
        shutil.copyfile(sqlite_template, file)
        registry: RunningRegistry = request.getfixturevalue("debian_registry")
        layout: Path = request.getfixturevalue("vulnerable")
        other = Desk(tmp_path / "clean", environ)
        shop = Shop.furnished(other, f"sqlite:///{file}", layout, registry.fresh())
        shop.submit()
        with shop.worker():
            until(shop.crew.all_over, 120)
        assert shop.run().state is RunState.SUCCEEDED, shop.run().error
        _CLEAN.append(left(shop.url, shop.repository))
    return _CLEAN[0]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make faults-table` writes the table into its page."""
    parser.addoption("--faults-table", action="store_true", help="write docs/faults.md's table")


def pytest_configure(config: pytest.Config) -> None:
    """Nothing was done yet."""
    config.stash[_ROWS] = rows = _Rows()
    config.pluginmanager.register(rows)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Have a report say which fault it is of, and on which engines that was done."""
    report = yield
    if (mark := item.get_closest_marker("fault")) is not None:
        given = set(map(str, getattr(getattr(item, "callspec", None), "params", {}).values()))
        named = given | {mark.kwargs.get("on", "")}
        engines = [_ENGINES[one] for one in sorted(named & _ENGINES.keys())]
        report.user_properties += [("fault", mark.args[0]), ("engines", engines)]
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the table; write it where that was asked for."""
    done = {fault: row.as_markdown(fault) for fault, row in config.stash[_ROWS].found.items()}
    terminalreporter.section("faults")
    for line in done.values():
        terminalreporter.write_line(line)
    if config.getoption("--faults-table"):
        page = _PAGE.read_text()
        table = _BLOCK.search(page)
        assert table is not None
        # What was not done this time stays as it was.
        known = {row["fault"]: row[0] for row in _ROW.finditer(table[2])}
        heads = [known.pop(name, "") for name in ("what is done", "---")]
        lines = [*heads, *sorted((known | done).values())]
        text = "".join(f"{line}\n" for line in lines)
        _PAGE.write_text(_BLOCK.sub(lambda found: found[1] + text + found[3], page))
