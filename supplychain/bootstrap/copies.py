"""From what a user typed to an image that lies somewhere else as well."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.bootstrap.targets import Located, located
from supplychain.errors import ConfigurationError, InputError
from supplychain.model.subject import Platform, Subject
from supplychain.settings import Settings

if TYPE_CHECKING:
    from supplychain.images.destination import Destination
    from supplychain.images.source import Source
    from supplychain.pipeline.copying import Copied
    from supplychain.pipeline.progress import Progress


def copy(
    settings: Settings,
    source: str,
    destination: str,
    progress: Progress,
    *,
    platform: str | None = None,
    move: bool = False,
) -> tuple[Subject, Copied]:
    """Copy an image and everything attached to it.

    Args:
        settings: All settings.
        source: What the user typed for where it is.
        destination: And for where it goes.
        progress: Hears what is done.
        platform: What the image has to be for; None for anything.
        move: Whether a tag that stands on another image may be moved.

    Returns:
        What was copied, and what came of it.

    Raises:
        InputError: One of them names nothing that can be used, the image is not what it has to
            be, or a platform of an index is asked for.
        ConfigurationError: One login is set and there are two registries.
        SupplyChainError: As `pipeline.copying.copy`.
    """
    from supplychain.bootstrap.parts import registry_options
    from supplychain.images.destination import open_destination, parse_destination
    from supplychain.images.source import parse_source
    from supplychain.pipeline.copying import Goal
    from supplychain.pipeline.copying import copy as transfer

    wanted = Platform.parse(platform) if platform else None
    goal = parse_destination(destination)
    _require_one_login(settings, parse_source(source), goal)
    with located(settings, source) as found:
        if goal.digest not in {None, found.subject.digest}:
            raise InputError(
                f"{source} is not {goal.digest}",
                because=f"it is {found.subject.digest}, and a copy has the same digest",
            )
        if wanted is not None:
            _require_platform(found, wanted)
        options = registry_options(settings)
        store = open_destination(goal.place, options, beside=found.store)
        name = str(goal.place) if isinstance(goal.place, Path) else store.name
        target = Goal(store, name, goal.tag, move)
        return found.subject, transfer(found.store, found.subject.digest, target, progress)


def _require_platform(found: Located, wanted: Platform) -> None:
    from supplychain.images.resolve import resolve

    digest, name = found.subject.digest, found.subject.name
    image = resolve(found.store, digest, name=name, platform=wanted)
    if image.is_index:
        (only, *_) = image.images
        raise InputError(
            f"of {found.subject} one platform alone cannot be copied",
            because="the copy would have another digest than the one that was signed and judged",
            hint=f"copy it whole, or name the platform by its own digest: {only.subject}",
        )


def _require_one_login(settings: Settings, source: Source, destination: Destination) -> None:
    """A password is for one registry; it is not shown to another."""
    from supplychain.images.reference import Reference
    from supplychain.images.source import RegistrySource

    if not isinstance(source, RegistrySource) or not isinstance(destination.place, Reference):
        return
    registries = source.reference.registry, destination.place.registry
    login = settings.text("registry_username") or settings.text("registry_token")
    if login is not None and registries[0] != registries[1]:
        raise ConfigurationError(
            "one login is set, and two registries are to be reached",
            because=f"{registries[0]} and {registries[1]} would both be shown it",
            hint=f"use Docker's own configuration: docker login {registries[1]}",
        )
