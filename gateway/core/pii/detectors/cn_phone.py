"""Mainland Chinese mobile and landline numbers, with or without the country code."""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Detector
from gateway.core.pii.detectors.checks import (
    PHONE_WORDS,
    continues_a_number,
    digits_of,
    group_lengths,
    mentions,
)

_SHORTEST_GROUP: Final = 2
_MOST_GROUPS: Final = 4


def _is_mobile(value: str, before: str) -> bool:
    # In one piece or a few: single digits with gaps are a list, not a number.
    digits = digits_of(value)
    head = value.find(digits[-11])
    groups = group_lengths(value[head:]) if len(digits) == 11 else group_lengths(value)[1:]
    sensible = len(groups) <= _MOST_GROUPS and all(size >= _SHORTEST_GROUP for size in groups)
    return (sensible or len(digits) > 11) and not continues_a_number(before)


def _is_landline(value: str, before: str) -> bool:
    digits = digits_of(value)
    if digits[1] in "12":
        # Beijing and the 02x cities have three-digit area codes and eight-digit numbers.
        fits = len(digits) == 11 and group_lengths(value)[0] == 3
    else:
        fits = len(digits) in {11, 12} and group_lengths(value)[0] == 4
    return fits and not continues_a_number(before)


def _is_announced(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return mentions(before, PHONE_WORDS) and not continues_a_number(before)


_MOBILE: Final = Detector(
    label="PHONE",
    pattern=r"(\(?(\+|00)?86\)?[ .\-]{0,2})?1[ .\-]?[3-9]([ .\-]?\d){9}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]|\.\d",
    check=_is_mobile,
)

_LANDLINE: Final = Detector(
    label="PHONE",
    pattern=r"(\(0\d{2,3}\)[ \-]?|0\d{2,3}[ \-])[2-8]\d{2,3}[ \-]?\d{4}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]|\.\d",
    check=_is_landline,
)

# In one piece it looks like an invoice number, so a word for telephone is needed.
_LANDLINE_IN_ONE_PIECE: Final = Detector(
    label="PHONE",
    pattern=r"0[3-9]\d{2}[2-8]\d{6,7}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]|[.\-]\d",
    check=_is_announced,
)

CN_PHONES: Final = (_MOBILE, _LANDLINE, _LANDLINE_IN_ONE_PIECE)
