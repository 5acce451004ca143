"""Every error this product raises on purpose, on one page.

An error says what happened (`str(error)`), why (`because`) and what to type next (`hint`).
`code` is stable and machine-readable; `retryable` tells whether the same call may succeed later
without anybody changing anything. A denial is a result of the gate and never an error.
"""

from __future__ import annotations

from typing import ClassVar


class SupplyChainError(Exception):
    """The root of the taxonomy: catch this and nothing broader.

    Args:
        message: What happened, one sentence without a full stop, for people.
        because: The reason in the words of whatever refused, or None.
        hint: What the user should do, with the command to type, or None.
        retryable: Overrides the class's answer where this one case differs.
    """

    code: ClassVar[str] = "internal"
    retryable: bool = False

    def __init__(
        self,
        message: str,
        *,
        because: str | None = None,
        hint: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.because = because
        self.hint = hint
        if retryable is not None:
            self.retryable = retryable

    def diagnostics(self) -> dict[str, str | bool | None]:
        """The error as data, the same fields for the terminal, JSON and HTTP problem documents."""
        return {
            "code": self.code,
            "message": str(self),
            "because": self.because,
            "hint": self.hint,
            "retryable": self.retryable,
        }


class InputError(SupplyChainError):
    """What the caller gave cannot be used: a reference, a document, an option."""

    code = "input"


class PolicyError(InputError):
    """A policy document is wrong; the message carries file, line and column."""

    code = "policy"


class ConfigurationError(InputError):
    """A setting is missing or wrong; the message names the setting and where it came from."""

    code = "configuration"


class LimitError(InputError):
    """Input exceeded a size, depth or count that bounds what is read before it is trusted."""

    code = "limit"


class MediaTypeError(InputError):
    """A body came in another form than the one that is read there."""

    code = "media_type"


class RateError(SupplyChainError):
    """Somebody asks more often than they may.

    Attributes:
        retry_after: In how many seconds they may ask again.
    """

    code = "rate"
    retryable = True

    def __init__(
        self,
        message: str,
        *,
        retry_after: float = 1.0,
        because: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, because=because, hint=hint)
        self.retry_after = retry_after


class SlowError(SupplyChainError):
    """What somebody has to say does not come in time."""

    code = "slow"
    retryable = True


class NotFoundError(SupplyChainError):
    """The thing asked for does not exist: a tag, an image, a row, a file."""

    code = "not_found"


class ContentMissingError(NotFoundError):
    """The record names a document, and the content store has nothing under its digest."""

    code = "content_missing"


class ConflictError(SupplyChainError):
    """The thing exists already, differently, or changed underneath us."""

    code = "conflict"


class PreconditionError(ConflictError):
    """The thing is not as whoever wants to change it saw it."""

    code = "precondition"


class SupersededError(ConflictError):
    """Somebody else has taken over what we were doing; nothing of ours counts any more."""

    code = "superseded"


class CancelledError(SupplyChainError):
    """Somebody asked for this to be stopped."""

    code = "cancelled"


class WorkerLostError(SupplyChainError):
    """The workers that took something up ended before it was done, each time."""

    code = "worker_lost"


class VerificationError(SupplyChainError):
    """Bytes, digests or signatures do not hold what they claim."""

    code = "verification"


class DigestMismatchError(VerificationError):
    """Content does not hash to the digest that names it."""

    code = "digest_mismatch"


class ToolError(SupplyChainError):
    """An external program failed."""

    code = "tool_failed"


class ToolMissingError(ToolError):
    """An external program is not installed, or is not one that we may run."""

    code = "tool_missing"


class ToolTimeoutError(ToolError):
    """An external program did not end in time and was ended by us."""

    code = "tool_timeout"
    retryable = True


class ToolOutputError(ToolError):
    """An external program ended well but what it said cannot be relied upon."""

    code = "tool_output"


class VulnerabilityDatabaseError(ToolError):
    """The vulnerability database is missing, stale, empty or fails its canaries."""

    code = "vulnerability_database"


class RegistryError(SupplyChainError):
    """A registry could not be reached or answered with a failure."""

    code = "registry"
    retryable = True


class AuthenticationError(RegistryError):
    """A registry refused our credentials, or wants some and has none."""

    code = "authentication"
    retryable = False


class DestinationError(RegistryError):
    """Nobody may be led there: a host that is not named, or an address of this network's own."""

    code = "destination"
    retryable = False


class KeyServiceError(SupplyChainError):
    """A key cannot be used where it is kept: in a KMS, in Vault, in a cluster, on a token."""

    code = "key_service"
    retryable = True


class SigstoreError(SupplyChainError):
    """Keyless signing failed: a service is not there, refuses, or gives what does not hold."""

    code = "sigstore"
    retryable = True


class StoreError(SupplyChainError):
    """The database or the content store could not be read or written.

    Args:
        where: Which one, for those who run it: whoever asks a server is not told.

    Attributes:
        bare: What happened, without where.
        is_placed: Whether it says where.
    """

    code = "store"
    retryable = True

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        because: str | None = None,
        hint: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        told = message if where is None else f"{message} ({where})"
        super().__init__(told, because=because, hint=hint, retryable=retryable)
        self.bare = message
        self.is_placed = where is not None


class SchemaVersionError(StoreError):
    """The database's schema is older or newer than this program."""

    code = "schema_version"
    retryable = False


class UnauthenticatedError(SupplyChainError):
    """Nobody can tell who is asking: no token, or one that does not hold."""

    code = "unauthenticated"


class ForbiddenError(SupplyChainError):
    """Whoever is asking is known, and may not do this."""

    code = "forbidden"


class IdentityProviderError(SupplyChainError):
    """Whoever vouches for identities cannot be reached, or answers with what cannot be used."""

    code = "identity_provider"
    retryable = True


class ServerError(SupplyChainError):
    """A server of ours cannot be reached, or answers with what cannot be used."""

    code = "server"
    retryable = True
