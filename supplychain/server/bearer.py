"""Who comes with a token: as it is on record at this moment, and as its owner is."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from supplychain.access.roles import inside
from supplychain.access.tokens import read_token
from supplychain.errors import StoreError, UnauthenticatedError
from supplychain.model.access import Member, Principal, TokenState
from supplychain.records.entry import Entry
from supplychain.server.fixed_token import FixedToken


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

    def principal(self, token: str, *, at: datetime) -> Principal:
        """Whose a bearer token is, and what they may do now.

        Raises:
            UnauthenticatedError: It is nobody's, or opens nothing any more.
        """
        if self._fixed is not None:
            with suppress(UnauthenticatedError):
                return self._fixed.principal(token, at=at)
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
        with suppress(StoreError):  # that it was used is nothing to refuse somebody for
            self._entry.used(kept.token, at=at)
        came_with = f"token {kept.token.identifier}"
        ends = kept.token.expires_at
        return Principal(kept.token.owner, kept.organisation, scope, came_with, ends)

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
