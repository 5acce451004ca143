"""Which commands work through a server, and that all places where it is said say the same."""

from __future__ import annotations

from supplychain.cli.place import THROUGH_SERVERS, Works
from tests.kit.command_tree import working
from tests.kit.reference_docs import DOCS


def test_what_works_through_a_server_is_told_to_whoever_calls_something_else() -> None:
    told = set()
    for part in THROUGH_SERVERS.split(", "):
        group, _, names = part.rpartition(" ")
        told |= {f"{group} {name}".strip() for name in names.split("|")}
    assert told == set(working(Works.ANYWHERE))


def test_and_it_stands_in_the_documents() -> None:
    page = (DOCS / "command-line.md").read_text()
    block = page.split("<!-- through servers: begin")[1].split("-->\n")[1].split("\n<!--")[0]
    assert block.replace("\n", " ").replace("`", "") == THROUGH_SERVERS
