r"""Chinese telephone, identity and card numbers written so that programs shall not find them.

Digits as numerals, letters or words, one to a line, in brackets, quotes, cells or list items: only
after a word that announces such a number, since digits that are said are part of ordinary language.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of
from gateway.core.pii.detectors.checks import SIGN_OF_DIGIT, digits_of, said_digits_of
from gateway.core.pii.detectors.cn_id import has_date

_AFTER_PHONE: Final = Context(
    words=(
        *words_of(
            "电话 电_话 手_机 手机 手机号 号码 联系 致电 拨打 打给 打我 座机 来电 短信 热线 呼叫 "
            "电联 回电 拨 联系方式 加我 微信 機 電話 手機 號碼 聯繫 tel phone mobile shouji "
            "dianhua"
        ),
        "phone_number",
        "mobile_no",
    ),
    gap=24,
    filler=None,
)
_AFTER_ID: Final = Context(
    words=(
        *words_of(
            "身份证 身_份_证 身份證 证件 證件 身份号 身份 公民身份 证号 證號 号码 號碼 身份信息 "
            "identity id id_number id_card id_no"
        ),
        "id_card",
        "id_no",
        "id_number",
    ),
    gap=24,
    filler=None,
)
_AFTER_CARD: Final = Context(
    words=(
        *words_of(
            "银行卡 卡_号 卡号 卡號 銀行卡 储蓄卡 信用卡 借记卡 账号 帐号 账户 工资卡 收款 转账 "
            "这张卡 那张卡 这卡 我卡 卡里 卡上 张卡 新卡 打到 汇到 转到 打给 退到 打款 汇款 card "
            "cards account card_number card_no"
        ),
        "card_no",
        "bank_card",
        "card_number",
    ),
    gap=24,
    filler=None,
)
# As much as between two quoted strings that are added up.
_SIGN: Final = r"\s{0,6}"
_ONE: Final = r"([1一壹壱幺么弌li]|one)"
_IDENTITY: Final = re.compile(r"[1-9]\d{16}[\dx]")
_MOBILE: Final = re.compile(r"(0?0?86)?1[3-9]\d{9}")


def _characters(value: str) -> str:
    return said_digits_of(value) + ("x" if value.rstrip(")]}\"' \n")[-1:] == "x" else "")


def _is_identity(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    characters = _characters(value)
    return _IDENTITY.fullmatch(characters) is not None and has_date(characters[6:14])


def _is_mobile(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return _MOBILE.fullmatch(digits_of(value)) is not None


def _is_card(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return said_digits_of(value)[0] in "234569"


_PHONE: Final = Detector(
    label="PHONE",
    name="cn-phone-hidden",
    pattern=rf"(\+?(00)?[8八捌]{_SIGN}[6六陆]{_SIGN})?{_ONE}({_SIGN}\N){{10}}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    after=(_AFTER_PHONE,),
    check=_is_mobile,
)

_ID: Final = Detector(
    label="CN_ID",
    name="cn-id-hidden",
    pattern=rf"{SIGN_OF_DIGIT}({_SIGN}{SIGN_OF_DIGIT}){{16}}{_SIGN}({SIGN_OF_DIGIT}|x)",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    after=(_AFTER_ID,),
    check=_is_identity,
)

_CARD: Final = Detector(
    label="BANK_CARD",
    name="cn-card-hidden",
    pattern=rf"{SIGN_OF_DIGIT}({_SIGN}{SIGN_OF_DIGIT}){{14,18}}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    after=(_AFTER_CARD,),
    check=_is_card,
)

CN_HIDDEN: Final = (_PHONE, _ID, _CARD)
