"""Runs one policy in Rego in a process of its own: a question on stdin, its answer on stdout.

`supplychain.bootstrap.rego` starts it as a program, without an environment. It is apart because
regopy's machine code and that of RE2 share names and spoil one another's memory in one process,
and because a policy in Rego may take any time and memory: this has limits for both.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time

SECONDS = 10
# In kB, as Linux counts. A limit by the kernel is none that regopy's allocator starts with.
_MEMORY = 2 * 1024**2
FAILED = 3
_TOO_LARGE = 4


def _watch() -> None:
    """End the process when it has taken too much memory."""
    while resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < _MEMORY:
        time.sleep(0.02)
    os._exit(_TOO_LARGE)


def main() -> int:
    """Answer; the exit status is 0, or `FAILED` with the interpreter's reason."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    threading.Thread(target=_watch, daemon=True).start()
    question = json.load(sys.stdin.buffer)
    # The interpreter talks where the answer goes: from here on into nowhere.
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    import regopy

    regopy.set_default_log_level("None")
    interpreter = regopy.Interpreter()
    interpreter.strict_built_in_errors = question["strict"]
    status = 0
    try:
        interpreter.add_module("policy.rego", question["module"])
        interpreter.set_input(question["input"])
        said = str(interpreter.query(question["query"]))
    except (ValueError, RuntimeError, regopy.RegoError) as error:
        status, said = FAILED, str(error)
    with answer:
        answer.write(said)
    return status


if __name__ == "__main__":
    sys.exit(main())
