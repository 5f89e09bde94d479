"""North American numbers (NANP) and international ones with a country code (ITU-T E.164)."""

from __future__ import annotations

import re
from typing import Final

from gateway.core.pii.detector import Detector
from gateway.core.pii.detectors.checks import (
    AFTER_PHONE,
    continues_a_number,
    digits_of,
)

# Country codes of ITU-T E.164: one digit, two digits, and the three-digit zones 2xx to 9xx.
_ONE_DIGIT: Final = frozenset("17")
_TWO_DIGITS: Final = frozenset(
    [
        "20",
        "27",
        "30",
        "31",
        "32",
        "33",
        "34",
        "36",
        "39",
        "40",
        "41",
        "43",
        "44",
        "45",
        "46",
        "47",
        "48",
        "49",
        "51",
        "52",
        "53",
        "54",
        "55",
        "56",
        "57",
        "58",
        "60",
        "61",
        "62",
        "63",
        "64",
        "65",
        "66",
        "81",
        "82",
        "84",
        "86",
        "90",
        "91",
        "92",
        "93",
        "94",
        "95",
        "98",
    ]
)
_THREE_DIGIT_ZONES: Final = frozenset(
    [
        "21",
        "22",
        "23",
        "24",
        "25",
        "26",
        "29",
        "35",
        "37",
        "38",
        "42",
        "50",
        "59",
        "67",
        "68",
        "69",
        "80",
        "85",
        "87",
        "88",
        "96",
        "97",
        "99",
    ]
)
_MOST_DIGITS: Final = 15
# Numbers of firms in the United Kingdom, which the caller does not pay for, or not in full.
_SHARED_COST: Final = ("0800", "0808", "0300", "0303", "0333", "0345", "0845", "0870", "0871")
_EXTENSION: Final = r"( ?(x|ext\.? ?|extension )\d{1,6})?"
# Other numbers of ten digits.
_OTHER_NUMBER: Final = re.compile(
    r"\b(?:order|invoice|ticket|tracking|parcel|ref|reference|id|isbn|case|serial|sku|po|account|"
    r"acct|item|part|batch|max|min|total|sum|bytes|size|seed|hash|npi|upc|ean|imei)\b[^,;|]{0,16}$"
)
_TO_CALL: Final = re.compile(
    r"\b(?:ring|rang|call|called|phone|text|reach|contact|dial|message)\b[^.;!?]{1,34} (?:on|at) $"
)
# Who somebody is, or how to reach them, right before the number.
_LISTED: Final = re.compile(
    r"(?:[a-z.\])] ?- |\) ?|\b[mtpc](?:ob|el)?[:.] ?|\b(?:or|me|him|her|them|us|reached|reach|ring|"
    r"rang|dial|text|cell|line|whatsapp|urgent|landline|contact|callback)"
    r"(?: (?:on|at|via|is|up))?:? )"
    r"[\"'*`]*$"
)
# Shared-cost and toll-free numbers of firms: 400 and 800 in China, 800 and its followers in NANP.
_SERVICE_AREAS: Final = frozenset({"400", "800", "833", "844", "855", "866", "877", "888"})


def _without_extension(value: str) -> str:
    return value.partition("x")[0].removesuffix("e")


def _is_international(value: str, before: str) -> bool:
    digits = digits_of(_without_extension(value))
    if value.startswith("00"):
        digits = digits[2:]
    if digits[0] == "1":
        return len(digits) == 11 and _is_nanp_number(digits[1:])
    known = digits[0] in _ONE_DIGIT or digits[:2] in _TWO_DIGITS or digits[:2] in _THREE_DIGIT_ZONES
    return known and 8 <= len(digits) <= _MOST_DIGITS and not continues_a_number(before)


def _is_nanp_number(digits: str) -> bool:
    """Area and exchange code: neither begins with 0 or 1, and neither is N11 (a service code)."""
    area, exchange = digits[:3], digits[3:6]
    if area in _SERVICE_AREAS:
        return False
    return area[0] in "23456789" and exchange[0] in "23456789" and area[1:] != "11"


def _is_nanp(value: str, before: str) -> bool:
    return _is_nanp_number(digits_of(_without_extension(value))[-10:]) and not continues_a_number(
        before
    )


def _is_announced(value: str, before: str) -> bool:
    digits = digits_of(value)
    if len(digits) == len("4008001234") and digits[:3] in _SERVICE_AREAS:
        return False
    if value.isdigit() and _OTHER_NUMBER.search(before):
        return False
    return not continues_a_number(before)


def _is_trunk(value: str, before: str) -> bool:
    digits = digits_of(value)
    if digits.startswith(_SHARED_COST):
        return False
    return 10 <= len(digits) <= 12 and not continues_a_number(before)


def _is_bare(value: str, before: str) -> bool:
    """Say whether ten digits in one piece are a number of North America, by what stands before."""
    digits = digits_of(value)[:10]
    if digits.startswith("429496729") or _OTHER_NUMBER.search(before):  # 2 to the power of 32
        return False
    extended = len(digits_of(value)) > len(digits)
    told = extended or _LISTED.search(before) or _TO_CALL.search(before)
    return bool(told) and _is_nanp_number(digits)


_INTERNATIONAL: Final = Detector(
    label="PHONE",
    pattern=rf"(\+ ?[1-9]|00[1-9]\d{{0,2}}[ .\-])([ .()\-]{{0,2}}\d){{6,14}}{_EXTENSION}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]|\.\d",
    check=_is_international,
)

_NANP: Final = Detector(
    label="PHONE",
    pattern=(rf"(\+?1[ .\-]?)?(\(\d{{3}}\)[ .\-]?|\d{{3}}[ .\-/])\d{{3}}[ .\-]\d{{4}}{_EXTENSION}"),
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]|[.\-]\d",
    check=_is_nanp,
)

_ANNOUNCED: Final = Detector(
    label="PHONE",
    # Ten digits in one piece, seven in two, or a national number with its trunk zero. These shapes
    # are too common to count without a word for telephone before them.
    pattern=r"[2-9]\d{9}|[2-9]\d{2}[ .\-]\d{4}|\(?0\d{2,4}\)?[ \-]?\d{3,4}[ \-]?\d{3,4}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]|[.\-]\d",
    after=(AFTER_PHONE,),
    check=_is_announced,
)

_TRUNK: Final = Detector(
    label="PHONE",
    # A national number with its trunk zero, in two or three groups, as in the United Kingdom.
    pattern=(
        r"0[1-9]\d{2,3} \d{6}|0[2-9] \d{4} \d{4}|0[6-9]\d{4} \d{5}|"
        r"0\d{2,4} \d{3,4} \d{3,4}|0[1-79]( \d{2}){4}|0[1-79](\.\d{2}){4}"
    ),
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]|[.\- ]\d",
    check=_is_trunk,
)

_BARE: Final = Detector(
    label="PHONE",
    name="phone-bare",
    pattern=rf"[2-9]\d{{2}}[2-9]\d{{6}}{_EXTENSION}",
    not_after=r"[a-z0-9.\-/]",
    not_before=r"[a-z0-9]|[.\-]\d",
    check=_is_bare,
)

PHONES: Final = (_INTERNATIONAL, _NANP, _ANNOUNCED, _TRUNK, _BARE)
