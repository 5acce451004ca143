"""Which attestations count as the word of those whom a policy trusts, and why others do not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from supplychain.frozen import dataclass
from supplychain.gate.authorities import Authorities, Authority, Demand
from supplychain.gate.case import Case, made_at
from supplychain.gate.durations import span
from supplychain.gate.identities import TrustedIdentity
from supplychain.gate.keys import TrustedKey, named, short
from supplychain.gate.shortened import shortened
from supplychain.gate.windows import rfc3339
from supplychain.model.evidence import VerifiedAttestation

# Of strangers who signed as well, so many are named.
_SHOWN = 5
_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Vouched:
    """An attestation that counts.

    Attributes:
        attestation: The attestation.
        by: Whose word it is.
    """

    attestation: VerifiedAttestation
    by: Authority

    def __str__(self) -> str:
        """For people: `with release.pub`, `by release@acme.example (https://…)`."""
        return by(self.by)

    @property
    def witnesses(self) -> str:
        """For people, who else tells of it: the first clock and log; "" where none does."""
        said = self.attestation
        clocks = [f"{time.clock} {time.name}" for time in said.times[:1]]
        entries = [f"entry {entry.index} of {entry.log}" for entry in said.log_entries[:1]]
        return f" ({'; '.join((*clocks, *entries))})" if clocks or entries else ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why some authorities did not vouch.

    Attributes:
        whom: Who should have: `with release.pub or by …`.
        passed: What they did that does not count, and why: `with release.pub is from the future`.
        others: Who did instead: `, only with key 1f3c5a7b9d0e`; "" where nobody did.
        usable: Who could now: `with release.pub`, `as …`.
        options: What makes the command do so: `--key FILE --logged`, `--keyless`.
    """

    whom: str
    passed: tuple[str, ...]
    others: str
    usable: str
    options: str

    def remedy(self, verb: str, command: str) -> str:
        """What would help, with the command to type.

        Args:
            verb: What is to be done: `sign it`.
            command: The command that does it, without what says who signs.
        """
        return f"{verb} {self.usable}: {command} {self.options}"

    def message(self, absent: str, made: str) -> str:
        """For people, one line.

        Args:
            absent: What is missing: `not signed`.
            made: What there is that does not count: `the signature`.
        """
        if self.passed:
            return f"{made} {'; the one '.join(self.passed)}"
        return f"{absent} {self.whom}{self.others}"


@dataclass(frozen=True, slots=True)
class Said:
    """What authorities have said.

    Attributes:
        vouched: The attestations that count; () where there are refusals.
        refusals: Who should have vouched and did not; () where all is well.
    """

    vouched: tuple[Vouched, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def since(self) -> datetime:
        """When the oldest of them was made; only where all is well."""
        return min(made_at(one.attestation) for one in self.vouched)


def vouch(
    authorities: Authorities,
    attestations: Sequence[VerifiedAttestation],
    case: Case,
    *,
    max_age: timedelta | None = None,
) -> Said:
    """What authorities have said about one thing.

    Where several would do, the one that was said last counts.

    Args:
        authorities: Whose word is taken.
        attestations: What was said about it, by whomever.
        case: The case.
        max_age: How old it may be; None for any age.
    """
    if authorities.all_of:
        every = [vouch(g, attestations, case, max_age=max_age) for g in authorities.all_of]
        refusals = tuple(refusal for one in every for refusal in one.refusals)
        vouched = tuple(dict.fromkeys(v for one in every for v in one.vouched))
        return Said(refusals=refusals) if refusals else Said(vouched)
    if authorities.any_of:
        some = [vouch(g, attestations, case, max_age=max_age) for g in authorities.any_of]
        good = [one for one in some if not one.refusals]
        if good:
            return max(good, key=lambda one: one.since)
        return Said(refusals=(_any(some),))
    return _Leaf(authorities, case, max_age).vouch(attestations)


def by(authority: Authority) -> str:
    """How somebody signs, for people."""
    return f"with {authority}" if isinstance(authority, TrustedKey) else f"by {authority}"


@dataclass(frozen=True, slots=True)
class _Leaf:
    """Keys and identities, of whom one suffices."""

    authorities: Authorities
    case: Case
    max_age: timedelta | None

    def vouch(self, attestations: Iterable[VerifiedAttestation]) -> Said:
        made: list[tuple[Vouched, str | None]] = []
        others: list[VerifiedAttestation] = []
        for attestation in attestations:
            theirs = [Vouched(attestation, a) for a in self._of(attestation)]
            # Of several entries that mean somebody, none may take back what another restricts.
            wrong = next((w for v in theirs if (w := self._wrong(v))), None)
            made += [(theirs[0], wrong)] if theirs else []
            others += [] if theirs else [attestation]
        good = [vouched for vouched, wrong in made if wrong is None]
        if good:
            return Said((max(good, key=_order),))
        return Said(refusals=(self._refusal(made, others),))

    def _of(self, attestation: VerifiedAttestation) -> list[Authority]:
        """Whose word it is; a key's only where no certificate stands behind it."""
        identity = attestation.identity
        if identity is not None:
            return [one for one in self.authorities.identities if one.accepts(identity)]
        fingerprint = attestation.key_fingerprint
        return [key for key in self.authorities.keys if key.fingerprint == fingerprint]

    def _wrong(self, vouched: Vouched) -> str | None:
        """Why it does not count; None where it does."""
        attestation, authority, case = vouched.attestation, vouched.by, self.case
        who = "key" if isinstance(authority, TrustedKey) else "identity"
        when = made_at(attestation)
        if _to_come(attestation, case):
            return f"{vouched} is from the future"
        if authority.revoked:
            return f"{vouched} does not count: the {who} is revoked"
        if not authority.covers(when):
            how = "signed" if attestation.signed_at else "first verified"
            window = f"and the {who} counts {authority.window}"
            return f"{vouched} was {how} at {rfc3339(when)}, {window}"
        lack = self._lack(vouched)
        return None if lack is None else f"{vouched} {lack}"

    def _lack(self, vouched: Vouched) -> str | None:
        """What it lacks that it has to come with; None where it has everything."""
        attestation = vouched.attestation
        age = self.case.age(made_at(attestation))
        if self.authorities.needs_log(vouched.by) and not attestation.log_entries:
            return "is in no transparency log"
        if self.authorities.needs_time and not attestation.times:
            return "has no trusted time: neither a log nor an authority tells it"
        if self.max_age is not None and age > self.max_age:
            return f"is {span(age)} old, limit {span(self.max_age)}"
        return None

    def _refusal(
        self, made: list[tuple[Vouched, str | None]], others: list[VerifiedAttestation]
    ) -> Refusal:
        keys, identities = self.authorities.keys, self.authorities.identities
        passed: tuple[str, ...] = ()
        if made:
            past = [m for m in made if not _to_come(m[0].attestation, self.case)]
            passed = (max(past or made, key=lambda m: _order(m[0]))[1] or "",)
        usable_keys = [key for key in keys if key.covers(self.case.at)]
        usable = [one for one in identities if one.covers(self.case.at)]
        ways = [f"with {named(usable_keys)}"] if usable_keys else []
        ways += [f"as {' or '.join(map(str, usable))}"] if usable else []
        key = "--key FILE --logged" if self._key_is_not_enough else "--key FILE"
        options = [key] if usable_keys or not usable else []
        options += ["--keyless"] if usable else []
        return Refusal(
            whom=" or ".join(_whom(keys, identities)),
            passed=passed,
            others=_strangers(others, identities),
            usable=" or ".join(ways)
            or f"with {_NOBODY[bool(keys)]} that the policy still has to name",
            options=" or ".join(options),
        )

    @property
    def _key_is_not_enough(self) -> bool:
        return self.authorities.transparency_log is Demand.REQUIRED or self.authorities.needs_time


_NOBODY = {True: "a key", False: "an identity"}


def _whom(keys: Sequence[TrustedKey], identities: Sequence[TrustedIdentity]) -> list[str]:
    whom = [f"with {named(keys)}"] if keys else []
    return whom + ([f"by {' or '.join(map(str, identities))}"] if identities else [])


def _any(verdicts: Sequence[Said]) -> Refusal:
    """One refusal for groups of which any one would have done."""
    groups = [one.refusals for one in verdicts]
    return Refusal(
        whom=", or ".join(" and ".join(r.whom for r in group) for group in groups),
        passed=tuple(dict.fromkeys(p for group in groups for r in group for p in r.passed)),
        others=next((r.others for group in groups for r in group if r.others), ""),
        usable=", or ".join(" and ".join(r.usable for r in group) for group in groups),
        options=" or ".join(dict.fromkeys(r.options for group in groups for r in group)),
    )


def _strangers(others: Iterable[VerifiedAttestation], wanted: Sequence[TrustedIdentity]) -> str:
    """Who signed and is not trusted, and what keeps the nearest of them from being so."""
    strangers = list(others)
    keys = sorted({short(a.key_fingerprint) for a in strangers if a.identity is None})
    identities = sorted(
        {a.identity for a in strangers if a.identity is not None},
        key=lambda identity: (identity.issuer, identity.name, identity.claims),
    )
    names = sorted({str(identity)[:_LENGTH] for identity in identities})
    parts = [f"with {shortened(keys, _SHOWN)}"] if keys else []
    parts += [f"by {shortened(names, _SHOWN)}"] if names else []
    said = f", only {' and '.join(parts)}" if parts else ""
    pairs = [(one.likeness(identity), one, identity) for one in wanted for identity in identities]
    if not pairs:
        return said
    _, nearest, identity = max(pairs, key=lambda pair: pair[0])
    return f"{said}: {nearest.why_not(identity)}"


def _order(vouched: Vouched) -> tuple[datetime, str]:
    return made_at(vouched.attestation), str(vouched.attestation.envelope)


def _to_come(attestation: VerifiedAttestation, case: Case) -> bool:
    return case.to_come(max(attestation.verified_at, made_at(attestation)))
