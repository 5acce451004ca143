"""Signals that ask us to end: an exception that unwinds, and cannot get lost on its way."""

from __future__ import annotations

import signal
import sys
from types import FrameType

_AGAIN_SECONDS = 0.2


class SignalledError(BaseException):
    """A signal asked us to end; unwinding ends child processes and rolls back on the way out.

    Attributes:
        number: The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def listen() -> None:
    """From now on raise `SignalledError` in the main thread for SIGINT, SIGTERM and SIGHUP."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _raise)
    sys.unraisablehook = _dropped


def arrived() -> None:
    """Stop raising it again: it has reached whoever ends the program."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def _raise(number: int, _frame: FrameType | None) -> None:
    # A second signal ends us at once, should the unwinding itself hang.
    signal.signal(number, signal.SIG_DFL)

    def again(_number: int, _frame: FrameType | None) -> None:
        if not _unwinding():
            raise SignalledError(number)

    # The interpreter drops what is raised in a finaliser, or in what it calls around a fork.
    signal.signal(signal.SIGALRM, again)
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS, _AGAIN_SECONDS)
    raise SignalledError(number)


def _dropped(what: sys.UnraisableHookArgs) -> None:
    """Say nothing of a signal that the interpreter dropped: it is raised again."""
    if not isinstance(what.exc_value, SignalledError):
        sys.__unraisablehook__(what)


def _unwinding() -> bool:
    """Whether the exception is on its way: what is handled just now is it, or came of it."""
    handled = sys.exception()
    while handled is not None and not isinstance(handled, SignalledError):
        handled = handled.__context__
    return handled is not None
