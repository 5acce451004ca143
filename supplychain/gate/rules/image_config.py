"""Is the image set up to run with no more than it needs?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from typing import ClassVar

from supplychain.errors import InputError, PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.case import Case, Judgement
from supplychain.gate.evidence import usable_config
from supplychain.gate.mappings import PATTERNS_BY_NAME
from supplychain.gate.options import BOOLEAN, option
from supplychain.gate.patterns import PATTERN, PATTERNS, fits, matches
from supplychain.gate.ports import FIRST_FREE, PORTS, Ports
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.dossier import Need
from supplychain.model.image_config import ImageConfig

_NONROOT, _NUMERIC = "nonroot", "numeric"
# As Go's Atoi reads a user, and the most that Linux has.
_NUMBER = re.compile(r"[+-]?[0-9]+")
_HIGHEST_USER = 2**31 - 1
# What is wrong, and what would put it right.
_Fault = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ImageConfiguration:
    """The configuration of every platform is as it should be: its user, ports, labels and so on.

    Nothing is demanded but what is given. The configuration says how a container runs unless
    whoever starts it says otherwise, so it does not replace what the cluster enforces.

    `user: nonroot` refuses `root`, user 0 however it is written, and no user at all. What a name
    means is decided by the image's own `/etc/passwd`, where anybody may be user 0, so
    `user: numeric` demands a number, as Kubernetes' `runAsNonRoot` does.

    Whether the value of an environment variable looks like a secret is found when the image is
    recorded: by the form that makers gave their credentials, by a name that says so
    (`DB_PASSWORD`), or by text that looks drawn by lot. Values are not recorded. Checksums,
    fingerprints of keys and paths are no secrets, and what is unlike all this stays unnoticed.

    Patterns are [RE2's](https://github.com/google/re2/wiki/Syntax) and match the whole.
    """

    name: ClassVar[str] = "image-config"
    examples: ClassVar[tuple[str, ...]] = (
        "image-config: {user: nonroot, environment_secrets: false}",
        """
        image-config:
          user: numeric
          ports: [8080, 9000-9100/tcp]
          privileged_ports: false
          volumes: false
          healthcheck: true
          entrypoint: true
          environment_forbidden: [LD_PRELOAD, ".*_DEBUG"]
          labels:
            org.opencontainers.image.source: https://github\\.com/acme/.+
            org.opencontainers.image.revision: "[0-9a-f]{40}"
        """,
    )
    needs: ClassVar[frozenset[Need]] = frozenset()
    waivable: ClassVar[bool] = True

    user: str = field(
        default="",
        metadata=option(PATTERN, "`nonroot`, `numeric`, or a pattern of the user as it is written"),
    )
    ports: tuple[Ports, ...] = field(
        default=(), metadata=option(PORTS, "ports that it may expose; default: any")
    )
    privileged_ports: bool = field(
        default=True,
        metadata=option(BOOLEAN, "whether it may expose ports below 1024; default true"),
    )
    volumes: bool = field(
        default=True, metadata=option(BOOLEAN, "whether it may declare volumes; default true")
    )
    healthcheck: bool = field(
        default=False, metadata=option(BOOLEAN, "whether it has to have a health check")
    )
    entrypoint: bool = field(
        default=False, metadata=option(BOOLEAN, "whether it has to have an entrypoint")
    )
    environment_secrets: bool = field(
        default=True,
        metadata=option(
            BOOLEAN, "whether values of its environment may look like secrets; default true"
        ),
    )
    environment_required: tuple[str, ...] = field(
        default=(),
        metadata=option(PATTERNS, "patterns of variables, for each of which one has to be there"),
    )
    environment_forbidden: tuple[str, ...] = field(
        default=(), metadata=option(PATTERNS, "patterns of variables, of which none may be there")
    )
    labels: tuple[tuple[str, str], ...] = field(
        default=(),
        metadata=option(PATTERNS_BY_NAME, "labels that have to be there, each with a pattern"),
    )

    def __post_init__(self) -> None:
        """Refuse a rule that demands nothing.

        Raises:
            PolicyError: It does.
        """
        strict = (self.user, self.ports, self.healthcheck, self.entrypoint, self.labels)
        lists = (self.environment_required, self.environment_forbidden)
        lenient = self.privileged_ports and self.volumes and self.environment_secrets
        if lenient and not any(strict) and not any(lists):
            raise PolicyError("it demands nothing", hint="say what it has to be: {user: nonroot}")

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        violations: list[Violation] = []
        evidence: list[EvidenceReference] = []
        users: list[str] = []
        for platform in case.platforms:
            found = usable_config(platform, case)
            if isinstance(found, Violation):
                violations.append(found)
                continue
            config, cited = found
            evidence.append(cited)
            users.append(_shown(config.user))
            violations += [
                Violation(said, remedy, platform=case.named(platform), evidence=cited)
                for said, remedy in self._faults(config)
            ]
        summary = f"runs as {', '.join(dict.fromkeys(users))}" if users else "no configuration"
        return Judgement(summary, tuple(violations), tuple(evidence))

    def _faults(self, config: ImageConfig) -> Iterator[_Fault]:
        if self.user and (wrong := self._wrong_user(config.user)):
            yield wrong, "end its Dockerfile with USER and a number, such as USER 65532"
        yield from self._ports(config)
        if config.volumes and not self.volumes:
            yield f"it declares volumes: {', '.join(config.volumes)}", "take VOLUME out"
        if self.healthcheck and not config.healthcheck:
            yield "it has no health check", "give it one with HEALTHCHECK"
        if self.entrypoint and not config.entrypoint:
            yield "it has no entrypoint", "give it one with ENTRYPOINT"
        yield from self._environment(config)
        labels = dict(config.labels)
        for name, pattern in self.labels:
            if name not in labels:
                yield f"it has no label {name}", f"add LABEL {name}"
            elif not matches(pattern, labels[name]):
                said = f"its label {name} is {labels[name][:80]!r}, not {pattern}"
                yield said, f"set LABEL {name} to what is asked for"

    def _wrong_user(self, user: str) -> str:
        if self.user not in {_NONROOT, _NUMERIC}:
            fine = matches(self.user, user)
            return "" if fine else f"it runs as {_shown(user)}, not as {self.user}"
        name = user.partition(":")[0].strip()
        if not name or name == "root":
            return f"it runs as {_shown(user)}"
        if _NUMBER.fullmatch(name):
            number = int(name[:20])
            return "" if 0 < number <= _HIGHEST_USER else f"it runs as {_shown(user)}"
        return f"it runs as {_shown(user)}, which is no number" if self.user == _NUMERIC else ""

    def _ports(self, config: ImageConfig) -> Iterator[_Fault]:
        for written in config.ports if self.ports or not self.privileged_ports else ():
            remedy = f"take EXPOSE {written} out, or expose another port"
            try:
                port = Ports.parse(written)
            except InputError:
                yield f"it exposes {written[:40]!r}, which is no port", remedy
                continue
            if not self.privileged_ports and port.first < FIRST_FREE:
                yield f"it exposes {port}, below {FIRST_FREE}", remedy
            if self.ports and not any(allowed.covers(port) for allowed in self.ports):
                yield f"it exposes {port}, which is not allowed", remedy

    def _environment(self, config: ImageConfig) -> Iterator[_Fault]:
        for variable in config.environment:
            if variable.suspicion and not self.environment_secrets:
                yield (
                    f"its variable {variable.name} looks like a secret: {variable.suspicion}",
                    f"take {variable.name} out, replace the secret, and give it at run time",
                )
            if fits(self.environment_forbidden, variable.name):
                yield f"its variable {variable.name} is forbidden", f"take {variable.name} out"
        names = [variable.name for variable in config.environment]
        for pattern in self.environment_required:
            if not any(matches(pattern, name) for name in names):
                yield f"it has no variable {pattern}", f"set it with ENV: {pattern}"


def _shown(user: str) -> str:
    """A user for people."""
    return f"user {user[:60]}" if user else "root, for it names no user"
