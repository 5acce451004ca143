"""What the library raises about certificates that it cannot read: no error of ours."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import DuplicateExtension, InvalidVersion, UnsupportedGeneralNameType

# Some of these come when a certificate is loaded, others only when a part of it is looked at. What
# is not in a table of the library (the type of a text in a name) is a LookupError there, what is of
# the wrong type for its place in a name a TypeError.
UNREADABLE = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    UnsupportedAlgorithm,
    InvalidVersion,
    DuplicateExtension,
    UnsupportedGeneralNameType,
)
