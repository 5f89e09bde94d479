"""Chinese resident identity numbers (GB 11643-1999): 17 digits and an ISO 7064 check character."""

from __future__ import annotations

import calendar
import string
from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of
from gateway.core.pii.detectors.checks import digits_of, spread_words

_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS: Final = "10x98765432"
# First two digits: provinces, municipalities, regions; 81 to 83 are residence permits.
_PROVINCES: Final = r"(1S[1-5]|2S[1-3]|3S[1-7]|4S[1-6]|5S[0-4]|6S[1-5]|7S1|8S[1-3]|9S1)"
_YEARS: Final = range(1850, 2100)
# After one of these words a number with a wrong check character is still somebody's number,
# mistyped or made up by the model.
_AFTER_ID: Final = Context(
    words=(
        *words_of(
            "身份证 证件 身份号 身份號 身份證 證件 位号 位身份 证号 證號 驾驶证 驾照 户口簿 "
            "户口本 户口页 "
            "身份信息 公民身份 二代证 居民证 idcard id_card id_number id_no identity resident_id"
        ),
        *spread_words("身份证 身份证号 证件号"),
        "id_card",
        "id_no",
        "id_number",
    ),
    gap=24,
    filler=None,
)


def _is_valid(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    characters = _characters(value)
    return has_date(characters[6:14]) and _has_check_character(characters)


def _is_announced(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return has_date(_characters(value)[6:14])


def _characters(value: str) -> str:
    return digits_of(value) + value[-1:].strip(string.digits)


def has_date(digits: str) -> bool:
    """Say whether *digits*, as ``YYYYMMDD``, are a day on which a living person can be born."""
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:])
    if year not in _YEARS or not 1 <= month <= 12:
        return False
    return 1 <= day <= calendar.monthrange(year, month)[1]


def _has_check_character(characters: str) -> bool:
    total = sum(int(c) * w for c, w in zip(characters[:17], _WEIGHTS, strict=True))
    return _CHECK_CHARACTERS[total % 11] == characters[17]


def _is_old(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return has_date("19" + value[6:12])


def _pattern(beginning: str) -> str:
    """Return the pattern of 18 characters, S being a separator or none.

    With the date of birth spelled out, most other rows of digits end before they cost much.
    """
    year = r"(1S8S[5-9]|1S9S\d|2S0S\d)S\d"
    day = r"(0S[1-9]|1S[0-2])S([0-2]S\d|3S[01])"
    pattern = beginning + rf"(S\d){{4}}S{year}S{day}(S\d){{3}}S[0-9x]"
    return pattern.replace("S", r"[ .\-]?")


_VALID: Final = Detector(
    label="CN_ID",
    pattern=_pattern(_PROVINCES),
    # Its date and check character are proof enough that letters before it are a word or a field.
    not_after=r"[0-9]",
    not_before=r"[a-z0-9]",
    check=_is_valid,
)

_ANNOUNCED: Final = Detector(
    label="CN_ID",
    pattern=_pattern(r"[1-9]S\d"),
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    after=(_AFTER_ID,),
    check=_is_announced,
)

# The form issued until 1999 has no check character.
_OLD: Final = Detector(
    label="CN_ID",
    pattern=r"[1-9]\d{14}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    after=(_AFTER_ID,),
    check=_is_old,
)

CN_IDS: Final = (_VALID, _ANNOUNCED, _OLD)
