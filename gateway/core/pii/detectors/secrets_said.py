"""Passwords that a sentence gives, and keys that are written in pieces.

The word for them may stand some words ahead; the value must look like one, since prose goes on too.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of
from gateway.core.pii.detectors.secrets import (
    AFTER_PASSWORD,
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
_GIVEN: Final = re.compile(r"(?:[:=：]|\bis|\bwas|\bto|->|=>)[ \"'`*]*$|-p ?['\"]$")
# What parts the pieces of a value that code or a reader shall put together again.
_PIECE: Final = re.compile(r"[a-z0-9_\-]+")
_SHORTEST_KEY: Final = 20
_JOINT: Final = re.compile(r"['\"] ?[+.] ?['\"]| ")


def _is_said(value: str, before: str) -> bool:
    """Say whether *value* looks like a password and is given as one, a few words behind."""
    plain = value.rstrip(".,;:!?)'\"")
    if len(plain) < 6 or PLACEHOLDER.search(value) or LOOKED_UP.match(plain):
        return False
    if not re.search(r"[a-z]", plain):
        return False
    if _GIVEN.search(before) and re.search(r"[^a-z_./*\-]", plain[1:-1]):
        return True
    return re.search(r"\d", plain) is not None and _JUST_BEFORE.search(before) is not None


def _is_in_pieces(value: str, before: str) -> bool:
    """Say whether most of the pieces of *value* mix letters and digits, as no words do."""
    pieces = _JOINT.split(value)
    if " " not in value.replace(" + ", "+") and ASSIGNED.search(before):
        joined = "".join(pieces)
        return PLACEHOLDER.search(value) is None and re.search(r"[^a-z.]", joined) is not None
    mixed = [piece for piece in pieces if re.search(r"\d", piece) and re.search(r"[a-z]", piece)]
    if PLACEHOLDER.search(value) or len(mixed) * 2 < len(pieces):
        return False
    return ASSIGNED.search(before) is not None and entropy("".join(pieces)) > 3


def _is_spaced(value: str, before: str) -> bool:
    if len(value.split(maxsplit=1)[0]) > 1:
        # four groups of four letters, as some services make them
        return re.search(r"app password\W*$", before) is not None
    return ASSIGNED.search(before) is not None and re.search(r"[^a-z ]", value) is not None


def _is_decorated(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    """Say whether every piece of *value* but one mixes letters and digits."""
    pieces = _PIECE.findall(value)
    mixed = [piece for piece in pieces if re.search(r"\d", piece) and re.search(r"[a-z]", piece)]
    joined = "".join(pieces)
    if PLACEHOLDER.search(value) or len(joined) < _SHORTEST_KEY:
        return False
    return len(mixed) >= len(pieces) - 1 and entropy(joined) > 3


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

# In three pieces or more, whatever decorates or joins them.
_DECORATED: Final = Detector(
    label="SECRET",
    name="secret-decorated",
    pattern=(r"[a-z0-9_\-]{4,24}([ \n\"'`·+&|,.~\^\\\\*/\<\>!\[\]()]{1,10}[a-z0-9_\-]{4,24}){2,6}"),
    not_after=r"[a-z0-9_\-./+]",
    not_before=r"[a-z0-9_\-/+]",
    after=(AFTER_SECRET,),
    check=_is_decorated,
)

_PIN: Final = Detector(
    label="SECRET",
    name="secret-pin",
    pattern=r"\d{4,8}",
    not_after=r"[a-z0-9.\-/]",
    not_before=r"[a-z0-9]|[.,\-/:]\d",
    after=(
        Context(
            words=words_of(
                "pin pin_is pin_code pin_code_is pin_number door_code access_code alarm_code "
                "gate_code security_code otp otp_is passcode passcode_is verification_code "
                "door_code_is alarm_code_is gate_code_is access_code_is"
            ),
            gap=4,
        ),
    ),
)
_BACKUP_CODES: Final = Detector(
    label="SECRET",
    name="secret-backup-code",
    pattern=r"[a-z0-9]{4,6}[ \-][a-z0-9]{4,6}",
    not_after=r"[a-z0-9\-]",
    not_before=r"[a-z0-9\-]",
    after=(
        Context(
            words=words_of("backup_code backup_codes recovery_code recovery_codes"),
            gap=60,
            filler=None,
        ),
    ),
    check=lambda value, before: any(char.isdigit() for char in value),  # noqa: ARG005
)
_SPACED: Final = Detector(
    label="SECRET",
    name="secret-spaced",
    pattern=r"[a-z0-9!@#$%^&*]( [a-z0-9!@#$%^&*_+=?.\-~]){5,24}|[a-z]{4}( [a-z]{4}){3}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    after=(AFTER_PASSWORD,),
    check=_is_spaced,
)

SAID_SECRETS: Final = (_SAID_LATER, _IN_PIECES, _PIN, _BACKUP_CODES, _SPACED, _DECORATED)
