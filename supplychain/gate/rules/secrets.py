"""Has somebody left a secret in the image?"""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar

from supplychain.errors import InputError, PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.case import Case, Judgement
from supplychain.gate.evidence import run, usable_scan
from supplychain.gate.mappings import MappingOf
from supplychain.gate.options import SEVERITY, TEXT, ListOf, option
from supplychain.gate.patterns import PATTERN, matches
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.dossier import Need, PlatformDossier
from supplychain.model.evidence import EvidenceKind
from supplychain.model.finding import Severity
from supplychain.model.image_config import Secret


@dataclass(frozen=True, slots=True)
class AllowedSecret:
    """Something that only looks like a secret, or is meant to be there.

    Attributes:
        rule: The scanner's rule; "" for any.
        path: A pattern of the file.
    """

    path: str = field(
        metadata=option(PATTERN, "a pattern of the file's path, without the first slash")
    )
    rule: str = field(
        default="", metadata=option(TEXT, "the scanner's rule, `private-key`; default: any")
    )

    def covers(self, secret: Secret) -> bool:
        """Whether this very thing is meant."""
        return self.rule in {"", secret.rule} and matches(self.path, secret.path)


@dataclass(frozen=True, slots=True)
class Secrets:
    """The latest scan of every platform looked for secrets in its files, and found none.

    What looks like one is for Trivy to say ([its rules](https://trivy.dev/docs/latest/scanner/secret/)):
    it knows the form that makers gave their keys and tokens, and passes over text that is too
    large, binary files, and places such as `/usr/share` or Markdown. What a later layer deleted is
    found all the same: whoever has the image has it. Environment variables are the matter of
    `image-config`.

    Of a secret the record keeps where it is and by which rule it was found, and nothing of itself.
    What is meant to be there (a test's key) is allowed by its file, and shown as allowed.
    """

    name: ClassVar[str] = "secrets"
    examples: ClassVar[tuple[str, ...]] = (
        "secrets: {}",
        """
        secrets:
          severity: high
          allowed:
            - {rule: private-key, path: "app/tests/data/.*\\\\.pem"}
        """,
    )
    needs: ClassVar[frozenset[Need]] = frozenset()
    waivable: ClassVar[bool] = True

    severity: Severity | None = field(
        default=None,
        metadata=option(SEVERITY, "what is less severe is let through; default: nothing is"),
    )
    allowed: tuple[AllowedSecret, ...] = field(
        default=(),
        metadata=option(
            ListOf(MappingOf(AllowedSecret, "an allowed secret")), "what may be there, by its file"
        ),
    )

    def __post_init__(self) -> None:
        """Refuse what would allow every secret.

        Raises:
            PolicyError: A pattern takes any file.
        """
        for allowed in self.allowed:
            if not allowed.rule and all(matches(allowed.path, p) for p in ("x", "any/file.txt")):
                raise PolicyError(
                    f"the path {allowed.path!r} allows every secret",
                    hint="name the files: app/tests/.*, or say which rule",
                )

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        violations: list[Violation] = []
        evidence: list[EvidenceReference] = []
        found: list[Secret] = []
        for platform in case.platforms:
            scan = usable_scan(platform, case)
            if isinstance(scan, Violation):
                violations.append(scan)
                continue
            cited = case.cite(scan.evidence)
            evidence.append(cited)
            if platform.secrets is None:
                violations.append(_not_looked(platform, cited, case))
                continue
            found += platform.secrets
            violations += [
                _violation(secret, platform, cited, case)
                for secret in sorted(platform.secrets, key=_place)
                if self._counts(secret)
            ]
        return Judgement(self._summary(found, violations), tuple(violations), tuple(evidence))

    def _counts(self, secret: Secret) -> bool:
        severe = self.severity is None or _severity(secret) >= self.severity
        return severe and not any(allowed.covers(secret) for allowed in self.allowed)

    def _summary(self, found: list[Secret], violations: list[Violation]) -> str:
        """How many there are, and each that is allowed: what is passed over has to be seen."""
        passed = sorted({s for s in found if any(a.covers(s) for a in self.allowed)}, key=_place)
        told = ", ".join(f"{s.rule} in {s.path}" for s in passed)
        if violations and not found:
            return "nobody looked"
        plural = "" if len(found) == 1 else "s"
        said = f"{len(found)} secret{plural}" if found else "no secrets"
        return f"{said}, allowed: {told}" if told else said


def _violation(
    secret: Secret, platform: PlatformDossier, cited: EvidenceReference, case: Case
) -> Violation:
    line = f":{secret.line}" if secret.line else ""
    return Violation(
        message=f"{secret.title or secret.rule} in {secret.path}{line} "
        f"({secret.rule}, {_severity(secret)})",
        remedy=f"replace the secret, for whoever has the image has it, and build without "
        f"{secret.path}, in every layer",
        platform=case.named(platform),
        evidence=cited,
    )


def _not_looked(platform: PlatformDossier, cited: EvidenceReference, case: Case) -> Violation:
    return Violation(
        message="the scan did not look for secrets",
        remedy=run(case),
        platform=case.named(platform),
        evidence=cited,
        awaits=EvidenceKind.SCAN,
    )


def _severity(secret: Secret) -> Severity:
    """How bad; what nobody rated, or in another word than we know, counts as the worst."""
    try:
        return Severity.parse(secret.severity)
    except InputError:
        return Severity.UNKNOWN


def _place(secret: Secret) -> tuple[str, int, str, str]:
    return secret.path, secret.line, secret.rule, str(secret.layer)
