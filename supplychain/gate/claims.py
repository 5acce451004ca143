"""What signed claims (VEX) say of a finding, and whether a policy lets them clear it.

A claim touches only what it names: the image by digest, its repository, one of its packages, or a
package wherever it is. What clears counts for a repository only where a registry has the image
under that name; what does not, by whatever name it is called. Who contradicts is heard: of several
claims that count the stricter holds, and an author's later claim replaces the same author's earlier
one about the same product.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from supplychain.frozen import dataclass
from supplychain.gate.authorities import Authorities, Authority
from supplychain.gate.case import Case, made_at
from supplychain.gate.keys import TrustedKey
from supplychain.gate.products import Image, is_of
from supplychain.gate.vex_terms import Review
from supplychain.gate.vouching import Said, by, vouch
from supplychain.model.decision import EvidenceReference
from supplychain.model.dossier import PlatformDossier
from supplychain.model.evidence import EvidenceKind, VerifiedAttestation
from supplychain.model.finding import Finding
from supplychain.model.vex import VexProduct, VexStatement, vulnerability_key

# Of claims that do not count so many are named, and so much of what they say.
_SHOWN = 3
_LENGTH = 120
# Names that one vulnerability has; an advisory may be about several.
_SINGLE = ("CVE-", "GHSA-")


@dataclass(frozen=True, slots=True)
class Word:
    """What claims come to, for one finding.

    Attributes:
        clears: Whether the finding does not count.
        notes: For people, one line each: whose word clears it, or why nobody's does.
        evidence: The documents that it rests on.
    """

    clears: bool = False
    notes: tuple[str, ...] = ()
    evidence: tuple[EvidenceReference, ...] = ()


_SILENCE = Word()


@dataclass(frozen=True, slots=True)
class Heard:
    """A statement about one product that is the finding's.

    Attributes:
        statement: The statement.
        product: That product.
        authors: Who signed the document, of those who are believed.
        said: What they signed it with.
    """

    statement: VexStatement
    product: VexProduct
    authors: tuple[str, ...]
    said: Said

    @property
    def line(self) -> tuple[tuple[str, ...], VexProduct]:
        """What later claims replace this one by."""
        product = self.product
        return self.authors, VexProduct(product.purls, product.digests, packages=product.packages)

    @property
    def issued_at(self) -> datetime:
        """When it was claimed, by the document."""
        return self.statement.claim.issued_at

    @property
    def whose(self) -> str:
        """Who signed it, for people."""
        return " and ".join(dict.fromkeys(by(one.by) for one in self.said.vouched))

    def __str__(self) -> str:
        """For people: what is claimed, why, by whom, and where."""
        claim = self.statement.claim
        why = (claim.justification or claim.detail)[:_LENGTH]
        return f"{claim.status}{f' ({why})' if why else ''} {self.whose}, {self.statement.name}"


class Claims:
    """The claims that a case has, by vulnerability.

    Args:
        case: The case.
    """

    def __init__(self, case: Case) -> None:
        self._case = case
        self._by_name: dict[str, list[VexStatement]] = defaultdict(list)
        self._said: dict[object, Said] = {}
        self._by_alias: dict[str, list[VexStatement]] = defaultdict(list)
        for statement in sorted(case.dossier.statements, key=_order):
            first, *aliases = map(vulnerability_key, statement.claim.vulnerability)
            self._by_name[first].append(statement)
            for alias in set(aliases) - {first}:
                self._by_alias[alias].append(statement)

    def about(self, finding: Finding, platform: PlatformDossier) -> Word:
        """What they come to for a finding in one of the case's platforms."""
        statements = self._named(finding) if self._by_name else None
        if not statements:
            return _SILENCE
        heard, passed = self._all(statements, finding, platform)
        return self._word(finding, _standing(heard), passed)

    def standing(self, finding: Finding, platform: PlatformDossier) -> tuple[Heard, ...]:
        """What counts of a finding; of what contradicts the stricter alone."""
        heard, _ = self._all(self._named(finding), finding, platform)
        standing = _standing(heard)
        strict = [one for one in standing if not one.statement.claim.status.clears]
        return tuple(strict or standing)

    def _all(
        self, statements: Sequence[VexStatement], finding: Finding, platform: PlatformDossier
    ) -> tuple[list[Heard], list[str]]:
        """Everything that is claimed of a finding: what counts, and why the rest does not."""
        dossier = self._case.dossier
        strict = Image(platform, dossier.subject, dossier.called)
        cleared = Image(platform, dossier.subject, frozenset(dossier.repositories))
        heard: list[Heard] = []
        passed: list[str] = []
        for statement in statements:
            image = cleared if statement.claim.status.clears else strict
            signed = tuple(statement.about(image.digests))
            if not signed:
                continue
            products = [one for one in statement.claim.products if is_of(one, finding, image)]
            found = self._heard(statement, signed, products)
            if isinstance(found, str):
                passed += [f"{statement.name} {found}"] if statement.claim.status.clears else []
            else:
                heard += found
        return heard, passed

    def _named(self, finding: Finding) -> list[VexStatement]:
        """The statements about the finding's vulnerability.

        An alias of the one is never compared with an alias of the other: two vulnerabilities may
        share an advisory.
        """
        if not self._by_name:
            return []
        name = vulnerability_key(finding.vulnerability_id)
        found = [*self._by_name.get(name, ()), *self._by_alias.get(name, ())]
        for alias in sorted({vulnerability_key(alias) for alias in finding.aliases} - {name}):
            if alias.startswith(_SINGLE):
                found += [one for one in self._by_name.get(alias, ()) if one not in found]
        return sorted(found, key=_order)

    def _heard(
        self,
        statement: VexStatement,
        signed: Sequence[VerifiedAttestation],
        products: Sequence[VexProduct],
    ) -> list[Heard] | str:
        """The statement for each product; why it does not count where it does not."""
        claim, terms, case = statement.claim, self._case.vex, self._case
        if terms is None:
            return f"says {claim.status}, and the policy believes nobody: vex: {{trust: …}}"
        if not products:
            others = len(claim.products) - 1
            more = f" and {others} more" if others else ""
            return f"is about {str(claim.products[0])[:_LENGTH]}{more}, not about this"
        said = self._vouched(terms.trust, statement, signed)
        if said.refusals:
            return f"does not count: {said.refusals[0].message('not signed', 'its signature')}"
        if claim.status.clears and case.to_come(claim.issued_at):
            return "does not count: it is dated in the future"
        if claim.status.clears and terms.review and self._held(statement, signed, terms.review):
            reviewers = " or ".join(terms.review.reviewers)
            return f"is held for a review by {reviewers}: supplychain vex accept {statement.name}"
        authors = tuple(sorted({one.attestation.verified_by for one in said.vouched}))
        return [Heard(statement, product, authors, said) for product in products]

    def _vouched(
        self,
        authorities: Authorities,
        statement: VexStatement,
        signed: Sequence[VerifiedAttestation],
    ) -> Said:
        """Who stands behind a document: found out once, for it may make thousands of claims."""
        words = tuple((one.envelope, one.verified_by) for one in signed)
        key = (id(authorities), statement.document, words)
        if key not in self._said:
            self._said[key] = vouch(authorities, signed, self._case)
        return self._said[key]

    def _held(
        self, statement: VexStatement, signed: Sequence[VerifiedAttestation], review: Review
    ) -> bool:
        """Whether a statement still waits for somebody to accept it."""
        if any(
            one.accepted_by in review.reviewers and not self._case.to_come(one.accepted_at)
            for one in statement.acceptances
        ):
            return False
        if review.first_party is not None:
            return bool(self._vouched(review.first_party, statement, signed).refusals)
        if review.authors is None:
            return True
        named = tuple(review.authors.everybody())
        return any(_is_by(one, attestation) for one in named for attestation in signed)

    def _word(self, finding: Finding, standing: Sequence[Heard], passed: Sequence[str]) -> Word:
        evidence = tuple(
            self._case.cite_document(
                EvidenceKind.VEX, one.statement.document, made_at(vouched.attestation)
            )
            for one in standing
            for vouched in one.said.vouched
        )
        clearing = [one for one in standing if one.statement.claim.status.clears]
        if clearing and len(clearing) == len(standing):
            what = f"{finding.vulnerability_id} in {finding.package} {finding.installed_version}"
            return Word(True, (f"{what}: {_some(map(str, clearing))}",), evidence)
        strict = sorted(str(one) for one in standing if one not in clearing)
        notes = [f"claimed: {one}" for one in _few(strict)]
        if clearing:
            notes.append(f"contradicted, and the stricter holds: {_some(map(str, clearing))}")
        return Word(False, (*notes, *_few(passed)), evidence)


def _is_by(authority: Authority, attestation: VerifiedAttestation) -> bool:
    """Whether somebody signed it, whether that counts or not."""
    if isinstance(authority, TrustedKey):
        return authority.fingerprint == attestation.key_fingerprint
    return attestation.identity is not None and authority.accepts(attestation.identity)


def _standing(heard: Iterable[Heard]) -> list[Heard]:
    """What was not replaced by a later claim of its own author; all that were made at once."""
    lines: dict[object, list[Heard]] = defaultdict(list)
    for one in heard:
        lines[one.line].append(one)
    standing = []
    for line in lines.values():
        latest = max(one.issued_at for one in line)
        standing += [one for one in line if one.issued_at == latest]
    return sorted(standing, key=lambda one: (_order(one.statement), one.product))


def _order(statement: VexStatement) -> tuple[str, int]:
    return str(statement.document), statement.claim.position


def _some(said: Iterable[str]) -> str:
    first, *others = sorted(said)
    return f"{first}, and {len(others)} more" if others else first


def _few(said: Sequence[str]) -> list[str]:
    more = len(said) - _SHOWN
    return [*said[:_SHOWN], *([f"and {more} more claims"] if more > 0 else [])]
