"""What is run: who signs, in which form, where it lies, and who reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

OURS, COSIGN_3, COSIGN_2 = "supplychain", "cosign 3.1", "cosign 2.6"
POLICY_CONTROLLER = "policy-controller 0.13"
KYVERNO_COSIGN = "Kyverno 1.19 `Cosign`"
KYVERNO_BUNDLE = "Kyverno 1.19 `SigstoreBundle`"
KYVERNO_IMAGE = "Kyverno 1.19 `ImageValidatingPolicy`"
KYVERNO = (KYVERNO_COSIGN, KYVERNO_BUNDLE, KYVERNO_IMAGE)
ADMISSION = (POLICY_CONTROLLER, *KYVERNO)
WHATS = ("signature", "cyclonedx", "vuln")
REGISTRIES = ("with the referrers API", "without it")
# What the cells say of what was not run, or is not asked for by any policy in the documents.
LATER, NOT_RUN, UNASKED = "later", "not run", "–"
# What they say of what was run: read, and refused because the reader does not take the form.
READ, UNREAD = "yes", "no"


@dataclass(frozen=True, slots=True)
class Case:
    """One image, signed and attested in one way, and one reader.

    Attributes:
        by: Who signs.
        means: `key` or `keyless`.
        form: `bundle`, `legacy` or `both`.
        registry: Where it lies.
        reader: Who verifies.
    """

    by: str
    means: str
    form: str
    registry: str
    reader: str

    def __str__(self) -> str:
        """A name without blanks, for the name of a test."""
        return "-".join(vars_of(self)).replace(" ", "_")


def vars_of(case: Case) -> tuple[str, ...]:
    """The cells that name a case."""
    return case.by, case.means, case.form, case.registry, case.reader


def cases() -> tuple[Case, ...]:
    """The whole matrix, in the order in which it is shown."""
    pairs = [(OURS, reader) for reader in (COSIGN_3, COSIGN_2, *ADMISSION)]
    pairs += [(signer, OURS) for signer in (COSIGN_3, COSIGN_2)]
    return tuple(
        Case(by, means, form, registry, reader)
        for means in ("key", "keyless")
        for by, reader in pairs
        for form in ("bundle", "legacy", *(["both"] if by == OURS else []))
        for registry in REGISTRIES
    )


def whats(reader: str) -> tuple[str, ...]:
    """What a reader is asked for: of a controller, what `docs/admission` has policies for."""
    return WHATS[:2] if reader in ADMISSION else WHATS


def questions() -> tuple[tuple[Case, str], ...]:
    """Every cell that can be filled."""
    return tuple((case, what) for case in cases() for what in whats(case.reader))


def unread(case: Case, what: str) -> str | None:
    """What a reader says that does not read this form; None for one that does."""
    return _REFUSALS.get((case.reader, case.form, what))


def expected(case: Case, what: str) -> str:
    """What a cell says once all is as it should be."""
    return READ if unread(case, what) is None else UNREAD


def _unrun(case: Case, what: str) -> str:
    if what not in whats(case.reader):
        return UNASKED
    return LATER if case.means == "keyless" else NOT_RUN


# What readers say of a form that they do not read.
_REFUSALS = {
    (POLICY_CONTROLLER, "bundle", "signature"): "no signatures found",
    (POLICY_CONTROLLER, "bundle", "cyclonedx"): "no matching attestations",
    (KYVERNO_COSIGN, "bundle", "signature"): "no signatures found",
    (KYVERNO_COSIGN, "bundle", "cyclonedx"): "no matching attestations",
    (KYVERNO_BUNDLE, "legacy", "signature"): "no matching signatures found",
    (KYVERNO_BUNDLE, "legacy", "cyclonedx"): "no matching signatures found",
    # Of what it found it says nothing: these are the messages of its policies.
    (KYVERNO_IMAGE, "legacy", "signature"): "not signed with the release key",
    (KYVERNO_IMAGE, "legacy", "cyclonedx"): "no SBOM attested with the release key",
}

HEAD = ("signed by", "with", "form", "registry", "read by", *WHATS)


def table(results: Mapping[tuple[Case, str], str]) -> list[tuple[str, ...]]:
    """A row for each case; what was not run says so, and without a key it is for later."""
    return [
        (*vars_of(case), *(results.get((case, what), _unrun(case, what)) for what in WHATS))
        for case in cases()
    ]


def as_text(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """The table for a terminal."""
    all_rows = [HEAD, *rows]
    widths = [max(len(row[at]) for row in all_rows) for at in range(len(HEAD))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in all_rows
    ]


def as_markdown(rows: Iterable[tuple[str, ...]]) -> str:
    """The table for a document."""
    lines = [HEAD, ("---",) * len(HEAD), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
