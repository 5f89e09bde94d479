"""Telephone numbers without their area code, of Hong Kong and Macau, and said landlines.

Seven or eight digits alone may be anything, so a word for telephone must stand right before them.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of
from gateway.core.pii.detectors.checks import SIGN_OF_DIGIT, said_digits_of

_AFTER_WORD: Final = Context(
    words=words_of(
        "电话 电话号码 手机 手机号 手机号码 座机 座机号 固话 固定电话 宅电 办公电话 联系电话 "
        "家庭电话 "
        "单位电话 家里座机 分机 传真 小灵通 电_话 手_机 電話 手機 tel fax phone whatsapp 致电 拨打"
    ),
    gap=8,
)
_LANDLINE: Final = re.compile(r"0(10|2\d|[3-9]\d\d)[2-8]\d{6,7}")


def _is_landline(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return _LANDLINE.fullmatch(said_digits_of(value)) is not None


_LOCAL: Final = Detector(
    label="PHONE",
    name="cn-phone-local",
    pattern=r"[2-9]\d{3}[ \-]?\d{4}|[2-8]\d{2}[ \-]?\d{4}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]|[.\-]\d| ?[元年月台部人次个万]",
    after=(_AFTER_WORD,),
)

_SPECIAL_REGION: Final = Detector(
    label="PHONE",
    name="hk-macau-phone",
    pattern=r"[(+]{0,2}(00)?85[23]\)?[ \-]{1,2}[2-9]\d{3}[ \-]?\d{4}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]|[.\-]\d",
)

_SAID_LANDLINE: Final = Detector(
    label="PHONE",
    name="cn-landline-said",
    pattern=rf"[0零〇○洞](\s{{0,4}}{SIGN_OF_DIGIT}){{9,11}}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    after=(_AFTER_WORD,),
    check=_is_landline,
)

# Each digit alone, evenly apart: eleven that begin like a mobile number are hardly a list.
_DIGIT_BY_DIGIT: Final = Detector(
    label="PHONE",
    name="cn-mobile-digit-by-digit",
    pattern=r"1( [3-9]( \d){9}|-[3-9](-\d){9}|\.[3-9](\.\d){9}|,[3-9](,\d){9})",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]|[ .,\-]\d",
    first_in_row=True,
)

CN_LOCAL_PHONES: Final = (_LOCAL, _SPECIAL_REGION, _SAID_LANDLINE, _DIGIT_BY_DIGIT)
