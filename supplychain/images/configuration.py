"""What an image's configuration says, without the values of its environment.

OCI image specification 1.1, config.md; `Healthcheck` is Docker's addition to it.
"""

from __future__ import annotations

from datetime import datetime

from supplychain.images.fields import Fields
from supplychain.images.resolve import PlatformImage
from supplychain.images.suspicion import suspicion
from supplychain.model.image_config import ImageConfig, Variable


def read_configuration(image: PlatformImage) -> ImageConfig:
    """The configuration of an image whose documents were verified.

    Of environment variables only the names are taken over, and why a value looks like a secret:
    whoever may read the record need not be somebody who may know it.

    Raises:
        InputError: It is not of the shape that the specification gives, so no runtime takes it.
    """
    where = f"the configuration {image.manifest.config.digest} of {image.subject}"
    whole = Fields.read(image.config_raw, where)
    config = whole.inner("config") or Fields({}, where)
    annotations = Fields.read(image.raw, f"{image.subject}").inner("annotations")
    labels = config.inner("Labels")
    return ImageConfig(
        digest=image.manifest.config.digest,
        created_at=_instant(whole.text("created", "")),
        user=config.text("User", ""),
        ports=_keys(config, "ExposedPorts"),
        volumes=_keys(config, "Volumes"),
        environment=tuple(_variable(entry) for entry in config.texts("Env")),
        labels=labels.pairs() if labels else (),
        healthcheck=_has_healthcheck(config),
        entrypoint=config.texts("Entrypoint"),
        command=config.texts("Cmd"),
        diff_ids=image.config.diff_ids,
        annotations=annotations.pairs() if annotations else (),
    )


def _variable(entry: str) -> Variable:
    name, _, value = entry.partition("=")
    return Variable(name, suspicion(name, value))


def _keys(config: Fields, name: str) -> tuple[str, ...]:
    """The keys of a set, which Go writes as a map to empty objects."""
    found = config.inner(name)
    return found.names() if found else ()


def _has_healthcheck(config: Fields) -> bool:
    check = config.inner("Healthcheck")
    test = check.texts("Test") if check else ()
    # Without a test it is inherited from the base, and an image has none to inherit from any more.
    return bool(test) and test[0] != "NONE"


def _instant(text: str) -> datetime | None:
    """When it was made; None where it does not say, or in no form that can be relied upon."""
    try:
        made = datetime.fromisoformat(text)
    except ValueError:
        return None
    return made if made.tzinfo else None
