"""Chinese resident identity numbers (GB 11643-1999): 17 digits and an ISO 7064 check character."""

from __future__ import annotations

import calendar
from typing import Final

from gateway.core.pii.detector import Detector
from gateway.core.pii.detectors.checks import mentions

_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS: Final = "10x98765432"
# First two digits: provinces, municipalities, regions; 81 to 83 are residence permits.
_PROVINCES: Final = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "83",
        "91",
    ]
)
_YEARS: Final = range(1850, 2100)
# After one of these words a number with a wrong check character is still somebody's number,
# mistyped or made up by the model.
_WORDS: Final = ("身份证", "证件", "身份号", "身份證", "id card", "id number", "id no", "identity")


def _is_identity_number(value: str, before: str) -> bool:
    characters = "".join([char for char in value if char.isalnum()])
    if not _has_date(characters[6:14]):
        return False
    if mentions(before, _WORDS):
        return True
    return characters[:2] in _PROVINCES and _has_check_character(characters)


def _has_date(digits: str) -> bool:
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:])
    if year not in _YEARS or not 1 <= month <= 12:
        return False
    return 1 <= day <= calendar.monthrange(year, month)[1]


def _has_check_character(characters: str) -> bool:
    total = sum(int(c) * w for c, w in zip(characters[:17], _WEIGHTS, strict=True))
    return _CHECK_CHARACTERS[total % 11] == characters[17]


def _is_old_number(value: str, before: str) -> bool:
    """Say whether *value* is a number of the form issued until 1999, which has no check digit."""
    return mentions(before, _WORDS) and _has_date("19" + value[6:12])


_OLD: Final = Detector(
    label="CN_ID",
    pattern=r"[1-9]\d{14}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    check=_is_old_number,
)

_PRESENT: Final = Detector(
    label="CN_ID",
    pattern=r"[1-9]([ .\-]?\d){16}[ .\-]?[0-9x]",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    check=_is_identity_number,
)

CN_IDS: Final = (_PRESENT, _OLD)
