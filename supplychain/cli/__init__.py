"""The command line: parse, call, render."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from io import TextIOWrapper
from types import FunctionType, TracebackType
from typing import NoReturn

from supplychain.cli.signals import SignalledError, arrived, listen
from supplychain.errors import StoreError, SupplyChainError

# 512 KiB, of which only what is used is ever there, and as much again for the calls.
_STACK_SLOTS = 1 << 16


def program() -> None:
    """Be the program: `main`, and then an end without taking the interpreter apart.

    Nobody sees that, and it would take a twentieth of the time of a `gate`. What a program does at
    its end is done: threads are waited for, and whatever was registered for the end is called.
    """
    try:
        main()
    except SystemExit as ended:
        if not isinstance(ended.code, int):
            raise
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001
        atexit._run_exitfuncs()  # noqa: SLF001
        with suppress(OSError):  # what matters has been flushed
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(ended.code)


def main() -> None:
    """Run the command line and exit with its code (`cli.failures.Exit`)."""
    sys.excepthook = _bug
    _open_closed()
    # Imports make many objects and no garbage: looking for some takes a tenth of the start. No
    # command makes so many before it begins.
    gc.set_threshold(200_000, 20, 50)
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal that lacks a letter shows another one; that must not cost the result.
        sys.stdout.reconfigure(errors="replace")
    listen()
    try:
        code = _with_room(_run)()
        _flush()
        sys.exit(code)
    except SupplyChainError as error:
        code = _failed(error)
        with suppress(SupplyChainError):
            _flush()
        sys.exit(code)
    except SignalledError as signalled:
        arrived()
        sys.stderr.write("\ninterrupted: what was not finished is not recorded\n")
        _leave(128 + signalled.number)
    except BrokenPipeError:
        # Whoever read our output has what it wanted: nobody is there to complain to.
        _silence()
        sys.exit(1)
    finally:
        # The interpreter, too, looks for garbage before it ends: a tenth of the whole again.
        gc.freeze()


def _with_room(function: Callable[[], int]) -> Callable[[], int]:
    """The same function, which says to need a large piece of the interpreter's stack.

    CPython 3.11 maps its stack in pieces of 16 KiB and gives one back as soon as the first call on
    it returns. What calls much where a piece ends, as imports do, has it mapped thousands of
    times; what a large piece has over is used by all the calls in it.
    """
    code = function.__code__.replace(co_stacksize=_STACK_SLOTS)
    return FunctionType(code, function.__globals__)


def _open_closed() -> None:
    """Stand in for streams that the caller closed: results fail to be written, talk gets lost."""
    for name, flags, mode in (
        ("stdin", os.O_RDONLY, "r"),
        ("stdout", os.O_RDONLY, "w"),
        ("stderr", os.O_WRONLY, "w"),
    ):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, flags)
            setattr(sys, name, os.fdopen(nowhere, mode, encoding="utf-8"))


def _flush() -> None:
    """Write what is left of the result: a verdict that nobody can read is a fault."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _silence()
        raise StoreError("the result cannot be written", because=error.strerror) from error


def _silence() -> None:
    """Let the interpreter's own last flush go nowhere, or it would fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _leave(code: int) -> NoReturn:
    """Exit without waiting for threads that wait for a slow server."""
    if threading.active_count() > 1:
        os._exit(code)
    sys.exit(code)


def _bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What nobody foresaw ends with code 1 as well, and asks to be reported."""
    if _verbose():
        sys.__excepthook__(kind, error, trace)
    sys.stderr.write(
        f"error: supplychain has a bug: {kind.__name__}: {str(error)[:500]!r}\n"
        "try: the same command with --verbose, and report what it prints\n"
    )


def _verbose() -> bool:
    return not {"--verbose", "-v"}.isdisjoint(sys.argv)


def _run() -> int:
    import typer

    from supplychain.cli.app import tree
    from supplychain.cli.console import say
    from supplychain.cli.failures import Exit
    from supplychain.cli.usage import usage_lines

    # Typer does not export the base of its usage errors.
    usage_error: type[Exception] = typer.BadParameter.__mro__[1]
    try:
        return int(tree(_typed())(standalone_mode=False) or Exit.ALLOW)
    except usage_error as error:
        for line in usage_lines(error):
            say(line)
        return Exit.USAGE
    except typer.Abort:
        say("error: the question was not answered")
        return Exit.FAULT


def _typed() -> list[str]:
    """What was typed after the program's name, or is being typed where a shell asks what fits."""
    for name in ("COMP_WORDS", "_TYPER_COMPLETE_ARGS"):
        if "_SUPPLYCHAIN_COMPLETE" in os.environ and name in os.environ:
            return os.environ[name].split()[1:]
    return sys.argv[1:]


def _failed(error: SupplyChainError) -> int:
    from supplychain.cli.console import say
    from supplychain.cli.failures import exit_of_error, lines_of

    for line in lines_of(error, verbose=_verbose()):
        say(line)
    return exit_of_error(error)
