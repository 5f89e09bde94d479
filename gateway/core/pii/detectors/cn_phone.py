"""Mainland Chinese mobile and landline numbers, with or without the country code."""

from __future__ import annotations

import re
from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of
from gateway.core.pii.detectors.checks import (
    AFTER_PHONE,
    continues_a_number,
    digits_of,
    group_lengths,
    letters_before,
)

# The head of a column, as far as its first rows, and people whose number is listed.
_AFTER_HEAD: Final = Context(
    words=words_of(
        "phones phone tels tel mobile mobiles contacts 电话 手机 座机 联系方式 号码 家长 爸爸 "
        "妈妈 父亲 母亲 签到 通讯录 拨"
    ),
    gap=60,
    filler=None,
)
_MASK: Final = re.compile(r"[*·#]{3}")
_SHORTEST_GROUP: Final = 2
_MOST_GROUPS: Final = 4
# Letters that may touch a mobile number; after others eleven digits are part of some identifier.
_WORDS: Final = (
    "tel",
    "phone",
    "mobile",
    "cell",
    "call",
    "text",
    "sms",
    "contact",
    "wechat",
    "weixin",
    "whatsapp",
    "alipay",
    "shouji",
    "dianhua",
    "phoneno",
    "telno",
    "mobileno",
)
_SHORT_WORDS: Final = frozenset({"wx", "vx", "v", "qq", "ph", "mob", "hp", "zfb"})


def _is_mobile(value: str, before: str) -> bool:
    # In one piece or a few: single digits with gaps are a list, not a number.
    groups = group_lengths(value)
    sensible = len(groups) <= _MOST_GROUPS and groups[-1] >= _SHORTEST_GROUP
    return sensible and _is_mobile_with_code(value, before)


def _is_mobile_with_code(value: str, before: str) -> bool:  # noqa: ARG001 - form of Detector.check
    letters = letters_before(before)
    announced = not letters or letters in _SHORT_WORDS or letters.endswith(_WORDS)
    return announced and not continues_a_number(before)


def _is_landline(value: str, before: str) -> bool:
    digits = digits_of(value)
    if digits[1] in "12":
        # Beijing and the 02x cities have three-digit area codes and eight-digit numbers.
        fits = len(digits) == 11 and group_lengths(value)[0] == 3
    else:
        fits = len(digits) in {11, 12} and group_lengths(value)[0] == 4
    return fits and not continues_a_number(before)


def _is_announced(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return not continues_a_number(before)


_MOBILE: Final = Detector(
    label="PHONE",
    pattern=r"1[3-9]([ .\-]?\d){9}",
    not_after=r"[0-9]",
    not_before=r"[a-z0-9]|\.\d",
    shortest_group=_SHORTEST_GROUP,
    check=_is_mobile,
)

# In its three usual groups, whatever decorates them or parts their strings; tables and sums do not.
_DECORATED: Final = Detector(
    label="PHONE",
    name="cn-mobile-decorated",
    pattern="1[3-9]\\d(JOINT)\\d{4}(JOINT)\\d{4}".replace(
        "JOINT", r"[ ·._~*#\-]{1,4}|['\"`] ?[+.&]? ?['\"`]|,?(然后|再|接着|再是)"
    ),
    not_after=r"[0-9]",
    not_before=r"[a-z0-9]|\.\d",
    check=lambda value, before: _MASK.search(value) is None and _is_mobile_with_code(value, before),
)

_MOBILE_WITH_CODE: Final = Detector(
    label="PHONE",
    pattern=r"\(?(\+|00)?86\)?[ .\-]{0,2}1[ .\-]?[3-9]([ .\-]?\d){9}",
    not_after=r"[0-9]",
    not_before=r"[a-z0-9]|\.\d",
    check=_is_mobile_with_code,
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
    after=(AFTER_PHONE, _AFTER_HEAD),
    check=_is_announced,
)

CN_PHONES: Final = (_MOBILE, _DECORATED, _MOBILE_WITH_CODE, _LANDLINE, _LANDLINE_IN_ONE_PIECE)
