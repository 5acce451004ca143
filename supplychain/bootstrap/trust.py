"""Policies: whose word counts, and who signs."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from supplychain.bootstrap.keys import signer
from supplychain.errors import ConfigurationError, InputError, NotFoundError, StoreError
from supplychain.settings import Settings, expanded

if TYPE_CHECKING:
    from supplychain.gate.authorities import Authority
    from supplychain.gate.policy import Policy
    from supplychain.gate.union import Stated
    from supplychain.model.decision import Decision
    from supplychain.pipeline.seal import Sealing
    from supplychain.signing.formats import Format
    from supplychain.signing.publication import Claim
    from supplychain.signing.sealing import Sealer
    from supplychain.signing.signer import Signer
    from supplychain.signing.trust.root import TrustedRoot
    from supplychain.signing.trust.trust import Trust

# No policy or key that people write comes near this.
_DOCUMENT_LIMIT = 1024 * 1024
_Read = Callable[[Path, str], bytes]


def read_kept(path: Path, what: str) -> bytes:
    """As `read_document`, of a file that nobody named just now: what may be waited for is refused.

    Raises:
        InputError: It is a pipe, a socket or a device.
    """
    with suppress(OSError):  # what cannot be looked at cannot be read either: that is told below
        kind = path.stat().st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
            raise InputError(f"the {what} {path} is no file", hint="put a file in its place")
    return read_document(path, what)


def read_document(path: Path, what: str, *, limit: int = _DOCUMENT_LIMIT) -> bytes:
    """A small file that a user named, or a pipe.

    Args:
        path: The file.
        what: What it should be, for the error: "policy", "public key" …
        limit: The most bytes that it may have.

    Raises:
        NotFoundError: It is not there.
        InputError: It is too large, or a folder.
        StoreError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise NotFoundError(
            f"there is no {what} {path}",
            hint=f"check its name; it was looked for from {Path.cwd()}",
        ) from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder, not a {what}", hint="name a file in it") from None
    except OSError as error:
        raise StoreError(
            f"the {what} {path} cannot be read", because=error.strerror, retryable=False
        ) from error
    if len(data) > limit:
        raise InputError(f"{path} is larger than any {what} ({limit} bytes)")
    return data


def load_policy(path: Path, read: _Read = read_document) -> Policy:
    """The policy in a file; the keys and documents that it names are read from beside it.

    Args:
        path: The file.
        read: What reads it, and each file that it names.

    Raises:
        NotFoundError: There is no such file.
        PolicyError: It is no usable policy.
    """
    from supplychain.gate.document import load_policy as load

    return load(read(path, "policy"), **_reading(path, read))


def load_policy_or_part(path: Path) -> Policy | Stated:
    """The policy in a file; or what the file says, where it is a part for policies to include.

    Raises:
        NotFoundError: There is no such file.
        PolicyError: It is no usable policy document.
    """
    from supplychain.gate.document import load_policy_or_part as load

    return load(read_document(path, "policy"), **_reading(path))


def _reading(path: Path, read: _Read = read_document) -> _Reading:
    """What it takes to read a policy file."""
    from supplychain.bootstrap.rego import run_rego
    from supplychain.signing.trust.keys import fingerprint_of_pem

    return {
        "source": str(path),
        "read_key": lambda name: read(path.parent / expanded(name), "public key"),
        "read_document": lambda name: _included(path, name, read),
        "fingerprint": fingerprint_of_pem,
        "run_rego": run_rego,
    }


class _Reading(TypedDict):
    source: str
    read_key: Callable[[str], bytes]
    read_document: Callable[[str], bytes]
    fingerprint: Callable[[bytes], str]
    run_rego: Callable[[Mapping[str, object]], str]


def _included(path: Path, name: str, read: _Read) -> bytes:
    """A document that the policy in a file names: a file from beside it, or one of ours."""
    from supplychain.bootstrap.ready_policies import PREFIX, ready_policy

    if name.startswith(PREFIX):
        return ready_policy(name.removeprefix(PREFIX))
    return read(path.parent / expanded(name), "policy document")


def policy_of(settings: Settings, environment: str, file: Path | None) -> Policy | None:
    """The policy of an environment; None where there is none, which the gate denies.

    Raises:
        NotFoundError: The file that was asked for by name is not there.
        PolicyError: The policy is not usable.
    """
    if file is not None:
        return load_policy(file)
    path = settings.policy_file(environment)
    return load_policy(path, read_kept) if path.exists() else None


def policy_trust(settings: Settings, policy: Policy | None) -> Trust:
    """Whose statements a policy asks for: they are verified and recorded, and the gate judges.

    A log entry is not demanded here, not even of identities: what there is has to hold, and what
    is missing is for the gate to tell.

    Raises:
        SupplyChainError: As `trusted_root`.
    """
    from supplychain.gate.authorities import trusted_by

    everybody = [one for e in (policy.rules if policy else ()) for one in trusted_by(e.rule)]
    everybody += policy.vex.everybody() if policy and policy.vex else ()
    return trust_in(settings, everybody)


def trust_in(settings: Settings, everybody: Sequence[Authority]) -> Trust:
    """Trust in some keys and identities that a policy names; raises as `policy_trust`."""
    from supplychain.gate.keys import TrustedKey
    from supplychain.signing.trust.keys import VerifyingKey
    from supplychain.signing.trust.trust import LogDemand, Trust

    pems = dict.fromkeys(one.pem for one in everybody if isinstance(one, TrustedKey))
    return Trust(
        tuple(VerifyingKey.parse_pem(pem.encode()) for pem in pems),
        tuple(one for one in everybody if not isinstance(one, TrustedKey)),
        root=trusted_root(settings),
        log_of_identities=LogDemand.OPTIONAL,
    )


def trusted_root(settings: Settings) -> Callable[[], TrustedRoot]:
    """What gives the authorities, logs and clocks that are believed.

    A file is read at once, so that it is refused even where nothing needs it.

    Raises:
        NotFoundError: There is no such file.
        InputError: It is no trusted root.
    """
    from supplychain.signing.trust.root import ROOT_LIMIT, TrustedRoot, public_good

    path = settings.text("trusted_root")
    if path is None:
        return public_good
    root = TrustedRoot.parse(read_document(Path(path), "trusted root", limit=ROOT_LIMIT))
    return lambda: root


def sealing(
    settings: Settings,
    policy: Policy | None,
    *,
    sign: bool,
    ask: Callable[[str], str | None],
) -> Sealing:
    """Who signs, and whose statements count beside: those that the policy asks for.

    Raises:
        ConfigurationError: Something is to be signed and no key is set; or an identity is to sign
            in the legacy form alone.
        SupplyChainError: As `signer` of `supplychain.bootstrap.keys`, and as `keyless_signer` of
            `supplychain.bootstrap.keyless`.
    """
    found = sealer(settings, ask) if sign else None
    # Only now: this takes as long as decrypting the key, which goes on meanwhile.
    from supplychain.pipeline.seal import Sealing

    trust = policy_trust(settings, policy)
    return Sealing(found, trust, signature_formats(settings, found), whole_sbom(settings, found))


def sealer(settings: Settings, ask: Callable[[str], str | None]) -> Signer | Sealer:
    """Who signs: an identity, or whoever holds the key, with or without witnesses.

    Raises:
        SupplyChainError: As `sealing`.
    """
    from supplychain.bootstrap.keyless import keyless_signer, wants_keyless, witnesses

    if not wants_keyless(settings):
        found = signer(settings, ask)
        if not settings.switch("logged"):
            return found
        from supplychain.signing.logged import LoggedSealer

        return LoggedSealer(found, witnesses(settings))
    from supplychain.signing.sealing import IdentitySealer

    return IdentitySealer(keyless_signer(settings))


def signature_formats(
    settings: Settings, found: Signer | Sealer | None = None
) -> tuple[Format, ...]:
    """In which forms signatures are stored: those that are set and that this signer can make.

    Raises:
        ConfigurationError: None is set, or one that is not known, or none that can be made.
    """
    from supplychain.signing.formats import read_formats
    from supplychain.signing.sealing import made_by

    try:
        return made_by(found, read_formats(settings.names("signature_formats")))
    except InputError as error:
        origin = settings.value("signature_formats").origin
        raise ConfigurationError(
            f"signature_formats: {error}", because=f"it comes from {origin}", hint=error.hint
        ) from None


def whole_sbom(settings: Settings, found: Signer | Sealer | None = None) -> int:
    """How many bytes an SBOM may have to be signed whole; a larger one is attested by its digest.

    Raises:
        ConfigurationError: What is set is no size, or more than can be signed.
    """
    from supplychain.signing.documents import LARGEST_LOGGED, LARGEST_WHOLE
    from supplychain.signing.sealing import IdentitySealer

    if settings.text("whole_sbom") is None:
        return LARGEST_LOGGED if isinstance(found, IdentitySealer) else LARGEST_WHOLE
    size = settings.size("whole_sbom")
    if size > LARGEST_WHOLE:
        raise ConfigurationError(
            f"whole_sbom: nothing of {size:,} bytes can be signed whole",
            because=f"it comes from {settings.value('whole_sbom').origin}",
            hint=f"at most {LARGEST_WHOLE:,} bytes; larger SBOMs are attested by their digest",
        )
    return size


def summary(settings: Settings, decision: Decision) -> Claim:
    """A decision as it is attested: a SLSA verification summary.

    Raises:
        ConfigurationError: The settings name nobody who could have decided.
    """
    from supplychain.bootstrap.parts import PRODUCT, builder
    from supplychain.export.summary import render
    from supplychain.model.evidence import SUMMARY_PREDICATE
    from supplychain.signing.publication import Claim

    predicate = render(decision, verifier=builder(settings), product=PRODUCT)
    return Claim(SUMMARY_PREDICATE, predicate)
