"""Does the value of an environment variable look like a secret?

Three tests, the surest first: the shape of a credential that its makers gave a shape to; a name
that says so; and text that looks drawn by lot. Images are full of values that look alike and are
none: checksums of what was downloaded (`PYTHON_SHA256`), fingerprints of keys (`GPG_KEY`), paths,
addresses. Only their names or shapes tell, so hexadecimal text is never taken for drawn by lot.
A value that stays unnoticed is no proof: the test is for what slips in by mistake.
"""

from __future__ import annotations

import math
import re
from collections import Counter

# Prefixes that the makers of these credentials document, so that they can be found.
_SHAPES = {
    "an AWS access key": r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})",
    "a GitLab token": r"\bgl(?:pat|dt|rt|ptt|cbt)-[A-Za-z0-9_-]{20,}",
    "a Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    "a Stripe key": r"\b[rs]k_live_[A-Za-z0-9]{20,}",
    "a Google API key": r"\bAIza[A-Za-z0-9_-]{35}",
    "an npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "a PyPI token": r"\bpypi-AgE[A-Za-z0-9_-]{50,}",
    "a Vault token": r"\bhv[bs]\.[A-Za-z0-9_-]{24,}",
    "a SendGrid key": r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    "a private key": r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY-----",
    "a JSON web token": r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    "an address with a password": r"\b[a-z][a-z0-9+.-]{0,30}://[^\s/:@]{0,100}:[^\s/:@]{1,200}@",
}
_KNOWN = tuple((what, re.compile(shape)) for what, shape in _SHAPES.items())
_NAMED = re.compile(
    r"(?:^|[_.-])(?:PASS(?:WORD|WD|PHRASE)?|[A-Z0-9]*PASSWORD|SECRETS?|TOKEN|CREDENTIALS?"
    r"|(?:API|ACCESS|SECRET|PRIVATE|ENCRYPTION|SIGNING|ACCOUNT|MASTER)_?KEY|APIKEY)$"
)
# What such a name holds where it holds no secret: nothing, a switch, a path, another variable.
_HARMLESS = re.compile(r"(?i)|true|false|yes|no|none|null|[0-9]{1,3}|/[^\s:@]*|\$\{?\w+\}?")
_HEXADECIMAL = re.compile(r"(?:[A-Za-z0-9]+[:-])?[0-9A-Fa-f-]+")
_DRAWN = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
# Bits in each character: words and paths have fewer than 4, base64 of random bytes more.
_LEAST_BITS = 4.0
# No secret is longer, and what is longer need not be read whole.
_LONGEST = 16384


def suspicion(name: str, value: str) -> str:
    """Why a variable's value looks like a secret, without any of it; "" where it does not."""
    value = value[:_LONGEST].strip()
    for what, shape in _KNOWN:
        if shape.search(value):
            return f"its value has the form of {what}"
    if _NAMED.search(name.upper()) and not _HARMLESS.fullmatch(value):
        return "its name says so"
    return "its value looks drawn by lot" if _looks_drawn(value) else ""


def _looks_drawn(value: str) -> bool:
    """Whether it is one run of mixed characters, none of which comes much more than others."""
    if not _DRAWN.fullmatch(value) or _HEXADECIMAL.fullmatch(value) or value.startswith("/"):
        return False
    kinds = (str.islower, str.isupper, str.isdigit)
    if not all(any(map(kind, value)) for kind in kinds):
        return False
    counts = Counter(value).values()
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts) >= _LEAST_BITS
