"""What evaluates policies in Rego: regopy, in a process of its own, with limits."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from supplychain.bootstrap import rego_interpreter
from supplychain.errors import InputError, ToolError

_ANSWER_LIMIT = 16 * 1024 * 1024


def run_rego(question: Mapping[str, object]) -> str:
    """The answer to a question as `supplychain.gate.rego` asks it.

    Raises:
        InputError: regopy is not installed; or the module is no Rego, and then the message is
            the interpreter's own.
        ToolError: It did not end in time, or ended otherwise than it should.
    """
    if find_spec("regopy") is None:
        raise InputError(
            "this supplychain has nothing that reads Rego",
            hint="install it with its extra: pip install 'supplychain[rego]'",
        )
    try:
        done = subprocess.run(  # noqa: S603 - our own program, by our own interpreter
            [sys.executable, "-I", str(Path(rego_interpreter.__file__))],
            input=json.dumps(question).encode(),
            capture_output=True,
            env={},
            timeout=rego_interpreter.SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ToolError(f"it did not end within {rego_interpreter.SECONDS} s") from None
    except OSError as error:
        raise ToolError("nothing could be started to read Rego", because=error.strerror) from error
    if done.returncode not in {0, rego_interpreter.FAILED} or len(done.stdout) > _ANSWER_LIMIT:
        raise ToolError(f"the interpreter of Rego ended with {done.returncode}")
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        raise InputError(said)
    return said
