"""What others name, as a server or a worker meets it: by the settings, through the same door."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from supplychain.bootstrap import parts
from supplychain.bootstrap.feeds import import_feed
from supplychain.bootstrap.reach import guard
from supplychain.bootstrap.targets import located
from supplychain.errors import ConfigurationError, DestinationError, InputError
from supplychain.images.registry.repository import RegistryRepository
from supplychain.model.exploitation import FeedKind
from supplychain.records.record import Record
from supplychain.settings import Settings
from tests.kit.artifacts import put_image
from tests.kit.cli import Desk
from tests.kit.registry import RunningRegistry


def _settings(folder: Path, *, serving: bool = True, **named: str) -> Settings:
    flags: dict[str, str | None] = {"cache_dir": str(folder / "cache"), **named}
    return Settings(flags, {}, folder, folder / "user.toml", serving=serving)


def test_a_user_goes_where_they_say_and_a_server_nowhere(tmp_path: Path) -> None:
    mine = _settings(tmp_path, serving=False)
    assert guard(mine) is None
    assert not mine.serving
    served = mine.to_serve()
    assert served.serving
    assert served.text("cache_dir") == mine.text("cache_dir")
    found = parts.registry_options(served).guard
    assert found is not None
    with pytest.raises(DestinationError):
        found.admit("registry.example", 443)


def test_a_server_takes_from_the_registry_that_is_named(
    tmp_path: Path, debian_registry: RunningRegistry
) -> None:
    reference = debian_registry.fresh()
    subject = put_image(RegistryRepository(reference))
    text = f"{reference.name}@{subject.digest}"
    team = f"{debian_registry.address}/test"
    host = debian_registry.address.rpartition(":")[0]
    named = _settings(tmp_path, registry_allowed=team, registry_private=host)
    with located(named, text) as found:
        assert found.store.manifest(subject.digest).digest == subject.digest
    # Each of the two is needed: nothing is named, another part of it is, it may not be private.
    for refused in (
        _settings(tmp_path, registry_private=host),
        _settings(tmp_path, registry_allowed=f"{team}s", registry_private=host),
        _settings(tmp_path, registry_allowed=team),
    ):
        with pytest.raises(DestinationError), located(refused, text) as found:
            found.store.manifest(subject.digest)


def test_a_login_is_for_one_registry_and_others_do_not_choose_which(tmp_path: Path) -> None:
    def logged_in(named: str, *, serving: bool = True) -> Settings:
        login = {"registry_username": "robot", "registry_password": "secret"}
        flags: dict[str, str | None] = {"registry_allowed": named, **login}
        return Settings(flags, {}, tmp_path, tmp_path / "user.toml", serving=serving)

    one = logged_in("a.example/x, a.example/y")
    assert parts.registry_options(one).username == "robot"
    for named in ("a.example, b.example", "a.example, a.example:5000", "*.a.example"):
        with pytest.raises(ConfigurationError, match="one login is set"):
            parts.registry_options(logged_in(named))
        # Who types a command names the registry themselves.
        assert parts.registry_options(logged_in(named, serving=False)).username == "robot"


def test_docker_hub_is_named_as_people_know_it(tmp_path: Path) -> None:
    found = guard(_settings(tmp_path, registry_allowed="docker.io/library"))
    assert found is not None
    found.admit_repository("registry-1.docker.io", 443, "library/debian")
    with pytest.raises(DestinationError):
        found.admit_repository("registry-1.docker.io", 443, "somebody/debian")


@pytest.mark.parametrize(
    "text",
    [
        "oci:{there}",
        "oci:{absent}",
        "oci-archive:{there}",
        "docker-archive:{absent}",
        "docker-daemon:app",
        "{there}",
        "{absent}",
        "./app",
        "../app",
        "~/app",
    ],
)
def test_nothing_of_the_servers_own_machine_is_opened_or_looked_for(
    tmp_path: Path, text: str
) -> None:
    there, absent = tmp_path / "there", tmp_path / "absent"
    there.mkdir()
    settings = _settings(tmp_path, registry_allowed="registry.example")
    named = text.format(there=there, absent=absent)
    with pytest.raises(InputError, match="is not in a registry"), located(settings, named):
        pass


def test_a_servers_feed_comes_from_a_host_that_is_named(tmp_path: Path, record: Record) -> None:
    at = datetime.now(UTC)
    settings = _settings(tmp_path, registry_beside="feeds.example")
    with pytest.raises(InputError, match="is no URL"):
        import_feed(settings, record, FeedKind.KEV, "/etc/passwd", expected=None, at=at)
    with pytest.raises(DestinationError, match=r"169.254.169.254 is not a place"):
        import_feed(
            settings, record, FeedKind.KEV, "https://169.254.169.254/x", expected=None, at=at
        )


def test_a_name_that_is_none_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    for setting, text in (
        ("registry_allowed", "registry.example, https://ghcr.io"),
        ("registry_beside", "storage.example/bucket"),
        ("registry_private", "10.0.0.0/8"),
        ("registry_private", "registry.example:5000"),
    ):
        with pytest.raises(ConfigurationError, match=setting):
            guard(Settings({setting: text}, {}, tmp_path, tmp_path / "user.toml", serving=True))


def test_who_names_registries_is_held_to_them_at_the_command_line_too(bare_desk: Desk) -> None:
    named = {"SUPPLYCHAIN_REGISTRY_ALLOWED": "registry.example/team, ghcr.io"}
    bare_desk.type("attestations", "list", "127.0.0.1:5000/team/app:1", **named).refused(
        1, "127.0.0.1:5000/team/app is not a place that images may be taken from"
    )
