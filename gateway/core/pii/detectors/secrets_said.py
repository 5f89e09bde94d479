"""Passwords that a sentence gives, and keys that are written in pieces.

The word for them may stand some words ahead; the value must look like one, since prose goes on too.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of
from gateway.core.pii.detectors.secrets import (
    AFTER_SECRET,
    ASSIGNED,
    LOOKED_UP,
    PLACEHOLDER,
    entropy,
)

_SAID: Final = Context(
    words=words_of(
        "password passwords passphrase passcode pwd passwd pass creds credentials login log_in "
        "password's login's logins sshpass secret secrets"
    ),
    gap=45,
    filler=None,
)
_JUST_BEFORE: Final = re.compile(
    r"(?:[:=：]|->|=>| /|\bis|'s|\bpass|\bpw|-p|--pass(?:word)?)[ \"'`*(]*$"
)
_OPTION: Final = re.compile(r"-p ?['\"]$")
# What parts the pieces of a value that code or a reader shall put together again.
_JOINT: Final = re.compile(r"['\"] ?[+.] ?['\"]| ")


def _is_said(value: str, before: str) -> bool:
    """Say whether *value* looks like a password and is given as one, a few words behind."""
    plain = value.rstrip(".,;:!?)'\"")
    if len(plain) < 6 or PLACEHOLDER.search(value) or LOOKED_UP.match(plain):
        return False
    if not re.search(r"[a-z]", plain):
        return False
    if (ASSIGNED.search(before) or _OPTION.search(before)) and re.search(
        r"[^a-z./\-]", plain[1:-1]
    ):
        return True
    return re.search(r"\d", plain) is not None and _JUST_BEFORE.search(before) is not None


def _is_in_pieces(value: str, before: str) -> bool:
    """Say whether most of the pieces of *value* mix letters and digits, as no words do."""
    pieces = _JOINT.split(value)
    mixed = [piece for piece in pieces if re.search(r"\d", piece) and re.search(r"[a-z]", piece)]
    if PLACEHOLDER.search(value) or len(mixed) * 2 < len(pieces):
        return False
    return ASSIGNED.search(before) is not None and entropy("".join(pieces)) > 3


_SAID_LATER: Final = Detector(
    label="SECRET",
    name="secret-said",
    pattern=r"[a-z0-9!@#$%^&*_+=?.\-~]{6,40}",
    not_after=r"[a-z0-9!@#$%^&*_+?.\-~/]",
    not_before=r"[a-z0-9!@#$%^&*_+=?\-~/(\[]",
    after=(_SAID,),
    check=_is_said,
)
_IN_PIECES: Final = Detector(
    label="SECRET",
    name="secret-in-pieces",
    pattern=(
        r"[a-z0-9_\-./+]{4,24}"
        r"(['\"] ?[+.] ?['\"][a-z0-9_\-./+=]{2,24}){1,9}|"
        r"[a-z0-9_\-./+]{4,24}( [a-z0-9_\-./+]{3,12}){2,9}"
    ),
    not_after=r"[a-z0-9_\-./+]",
    not_before=r"[a-z0-9_\-/+]",
    after=(AFTER_SECRET,),
    check=_is_in_pieces,
)

SAID_SECRETS: Final = (_SAID_LATER, _IN_PIECES)
