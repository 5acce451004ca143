"""What somebody makes a change depend on: that it is still as they saw it (RFC 9110, 13.1.1).

What is not there is not found, with a condition and without (13.2.1); and no condition is passed
over: where nothing has a tag, whoever names one is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Depends, Header, Request

from supplychain.errors import PreconditionError
from supplychain.frozen import dataclass
from supplychain.server.answers import tag_of


@dataclass(frozen=True, slots=True)
class Condition:
    """What stands in `If-Match`.

    Attributes:
        tags: The tags, or `*`; none where the header is not there.
    """

    tags: tuple[str, ...]

    @classmethod
    def of(cls, request: Request) -> Condition:
        """What a request says."""
        given = ",".join(request.headers.getlist("if-match")).split(",")
        return cls(tuple(filter(None, (one.strip() for one in given))))

    def require(self, document: Mapping[str, Any]) -> None:
        """Refuse to change what is not as the caller saw it.

        Args:
            document: What would be shown of it now, as data.

        Raises:
            PreconditionError: It is in another state.
        """
        if self.tags and not {"*", tag_of(document)}.intersection(self.tags):
            raise PreconditionError(
                "it is not as you saw it",
                because="something was said or decided since",
                hint="look at it again, and send the ETag of that answer in If-Match",
            )

    def require_none(self, is_there: Callable[[], bool] = lambda: True) -> None:
        """Refuse to change what has no tag, where the caller names one.

        Args:
            is_there: Whether there is such a thing.

        Raises:
            PreconditionError: They name a tag, which can be none of this.
        """
        if self.tags not in {(), ("*",)} and is_there():
            raise PreconditionError(
                "nothing here has an ETag",
                because="If-Match names one, and what it is about would be changed whatever it is "
                "now",
                hint="look at it again, and leave out If-Match",
            )


async def condition(
    request: Request,
    _named: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description="the `ETag` of what you saw: where it is another now, nothing is done",
        ),
    ] = None,
) -> Condition:
    """What a request says; not worth a thread."""
    return Condition.of(request)


Seen = Annotated[Condition, Depends(condition)]
