"""Who comes with a token: as it is on record at this moment, and as its owner is."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from supplychain.access.roles import inside
from supplychain.access.tokens import read_token
from supplychain.errors import StoreError, UnauthenticatedError
from supplychain.frozen import dataclass
from supplychain.model.access import Member, Principal, TokenState
from supplychain.records.entry import Entry
from supplychain.server.fixed_token import FixedToken, hashed

# For so long, and of so many, it is remembered who came.
_MOMENT = timedelta(minutes=1)
_MOST = 1024


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody who came with a token a moment ago.

    Attributes:
        principal: Who, and what they might do then.
        token: The identifier of the token.
        version: Of what was read; whoever relies on this has to see that it is the same.
        since: When that was (aware, UTC).
    """

    principal: Principal
    token: str
    version: str
    since: datetime

    def may_hold(self, at: datetime) -> bool:
        """Whether it may be so at an instant, as far as time alone can tell."""
        until = self.principal.until
        return self.since <= at < self.since + _MOMENT and (until is None or at < until)


class RecordedTokens:
    """Knows the tokens that are on record.

    Args:
        entry: The way into every organisation.
        fixed: One token beside them; None for none.
        issuer: Who vouches for people; None where nobody can log in.
    """

    def __init__(
        self, entry: Entry, fixed: FixedToken | None = None, issuer: str | None = None
    ) -> None:
        self._entry = entry
        self._fixed = fixed
        self._issuer = issuer
        # By the hash of a token: what opens the door lies nowhere.
        self._known: dict[bytes, Known] = {}

    def principal(self, token: str, *, at: datetime) -> Principal:
        """Whose a bearer token is, and what they may do now.

        Raises:
            UnauthenticatedError: It is nobody's, or opens nothing any more.
        """
        if self._fixed is not None:
            with suppress(UnauthenticatedError):
                return self._fixed.principal(token, at=at)
        known = self.known(token, at=at)
        # What is remembered takes less to be asked about than to be read anew.
        if known is not None and self._entry.version(known.token) == known.version:
            return known.principal
        presented = read_token(token)
        kept = self._entry.token(presented.identifier)
        if kept is None or not presented.is_of(kept.digest):
            raise UnauthenticatedError("nobody has this token")
        if (state := kept.token.state(at)) is not TokenState.VALID:
            raise UnauthenticatedError(
                f"the token {kept.token.identifier} is {state}", hint="supplychain tokens create"
            )
        scope = kept.token.scope
        if kept.member is not None:
            self._require_vouched_for(kept.member)
            scope = inside(scope, kept.member.scope)
        is_written = False
        with suppress(StoreError):  # that it was used is nothing to refuse somebody for
            is_written = self._entry.used(kept.token, at=at)
        came_with = f"token {kept.token.identifier}"
        ends = kept.token.expires_at
        principal = Principal(kept.token.owner, kept.organisation, scope, came_with, ends)
        # What is to be revoked at a later instant changes without a write.
        if kept.version and not is_written and kept.token.revoked_at is None:
            self._remember(token, Known(principal, kept.token.identifier, kept.version, at))
        return principal

    def known(self, token: str, *, at: datetime) -> Known | None:
        """Who came with a token a moment ago; None where nobody remembers.

        It holds for whoever asks in one statement whether its version is still the same.
        """
        known = self._known.get(hashed(token))
        return known if known is not None and known.may_hold(at) else None

    def forget(self, token: str) -> None:
        """Look anew when somebody comes with a token, for it may have changed."""
        self._known.pop(hashed(token), None)

    def _remember(self, token: str, known: Known) -> None:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[hashed(token)] = known

    def _require_vouched_for(self, member: Member) -> None:
        """Refuse whom only a former issuer knows: under the present one they may be another name.

        Two names of one person would let them approve what they asked for.
        """
        if self._issuer is not None and member.issuer != self._issuer:
            raise UnauthenticatedError(
                f"nobody vouches for {member.name} any more",
                because=f"they are a member by {member.issuer}, and people log in by another",
                hint="remove them and add them by login_issuer: supplychain members add",
            )
