"""What is run: who signs, in which form, where it lies, and who reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

OURS, COSIGN_3, COSIGN_2 = "supplychain", "cosign 3.1", "cosign 2.6"
SIGNERS = (OURS, COSIGN_3, COSIGN_2)
KEY, KEYLESS = "key", "keyless"
POLICY_CONTROLLER = "policy-controller 0.13"
KYVERNO_COSIGN = "Kyverno 1.19 `Cosign`"
KYVERNO_BUNDLE = "Kyverno 1.19 `SigstoreBundle`"
KYVERNO_IMAGE = "Kyverno 1.19 `ImageValidatingPolicy`"
KYVERNO = (KYVERNO_COSIGN, KYVERNO_BUNDLE, KYVERNO_IMAGE)
ADMISSION = (POLICY_CONTROLLER, *KYVERNO)
WHATS = ("signature", "cyclonedx", "vuln")
REGISTRIES = ("with the referrers API", "without it")
# What the cells say of what was not run, or is not asked for by any policy in the documents.
NOT_RUN, UNASKED = "not run", "–"
# What they say of what was run: read, refused because the reader does not take the form, and not
# there to be read because the signer refuses to make it.
READ, UNREAD, UNMADE = "yes", "no", "none"


@dataclass(frozen=True, slots=True)
class Case:
    """One image, signed and attested in one way, and one reader.

    Attributes:
        by: Who signs.
        means: `key`, or `keyless` as an identity that an issuer vouches for.
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
    """The whole matrix, in the order in which it is shown: whoever signs, everybody reads it."""
    pairs = [(signer, reader) for signer in SIGNERS for reader in SIGNERS]
    pairs += [(OURS, reader) for reader in ADMISSION]
    return tuple(
        Case(by, means, form, registry, reader)
        for means in (KEY, KEYLESS)
        for by, reader in pairs
        for form in ("bundle", "legacy", *(["both"] if by == OURS else []))
        for registry in REGISTRIES
    )


def whats(reader: str, means: str = KEY) -> tuple[str, ...]:
    """What a reader is asked for: of a controller, what there are policies for.

    They are those of `docs/admission`, and for identities one of the tests' own beside.
    """
    if reader not in ADMISSION:
        return WHATS
    return WHATS[:2] if means == KEY or reader in (POLICY_CONTROLLER, KYVERNO_IMAGE) else ()


def questions() -> tuple[tuple[Case, str], ...]:
    """Every cell that can be filled."""
    return tuple((case, what) for case in cases() for what in whats(case.reader, case.means))


def unread(case: Case, what: str) -> str | None:
    """What a reader says that does not read this form; None for one that does."""
    if case.means == KEYLESS:
        return _REFUSALS_OF_IDENTITIES.get(case.reader)
    return _REFUSALS.get((case.reader, case.form, what))


def unmade(case: Case) -> str | None:
    """What a signer says that does not make this form; None for one that does."""
    return _UNMADE.get((case.by, case.means, case.form))


def expected(case: Case, what: str) -> str:
    """What a cell says once all is as it should be."""
    if what not in whats(case.reader, case.means):
        return UNASKED
    if unmade(case) is not None:
        return UNMADE
    return READ if unread(case, what) is None else UNREAD


def _unrun(case: Case, what: str) -> str:
    return NOT_RUN if what in whats(case.reader, case.means) else UNASKED


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
# And of a private Sigstore with a Rekor v2, whatever is asked.
_REFUSALS_OF_IDENTITIES = {
    POLICY_CONTROLLER: "unsupported tlog public key type: PUBLIC_KEY_DETAILS_UNSPECIFIED"
}
# What signers say of a form that they do not make.
_UNMADE = {(OURS, KEYLESS, "legacy"): "an identity's statements have no legacy form"}

HEAD = ("signed by", "with", "form", "registry", "read by", *WHATS)


def table(results: Mapping[tuple[Case, str], str]) -> list[tuple[str, ...]]:
    """A row for each case; what was not run says so."""
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
