"""Numbers behind a label whose digits go on over signs, words or comments between them.

Only right behind its label, and only with as many digits as such a number has.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from typing import Final

from gateway.core.pii.detector import FILLER, Context, Detector, words_of
from gateway.core.pii.detectors.announced_numbers import FIRM
from gateway.core.pii.detectors.checks import composed, digits_of, has_luhn
from gateway.core.pii.detectors.cn_id import has_date
from gateway.core.pii.detectors.joints import JOINT, JOINT_WORDS

# Verbs, and what a label says of itself: ``SSN on file is``, ``卡号是这个``.
_SAID: Final = FILLER | frozenset("是为叫乃的这个就串")
# Chinese mobile numbers, national numbers with their trunk zero, North American ones with a 1.
_PHONE_FORM: Final = re.compile(r"(0?0?86)?1[3-9]\d{9}|0\d{9,11}|1?[2-9]\d{9}")
_NANP_LENGTH: Final = 10
# Signs in place of digits, as in ``6217 **** **** 8306``.
_MASK: Final = re.compile(r"[*·#]{3}")
_DATE: Final = re.compile(r"\d{4}\D{1,2}\d{1,2}\D{1,2}\d{1,2}|\d{1,2}\D{1,2}\d{1,2}\D{1,2}\d{4}")


def _labels(text: str, *more: str) -> Context:
    words = (*words_of(text), *more)
    said = [f"{word} is" for word in words if word.isascii()]
    return Context(words=(*words, *said), gap=16, filler=_SAID)


_PHONE: Final = _labels(
    "phone phone_number telephone tel mobile mobile_number cell cell_number whatsapp call "
    "number_at phone_at on_at reach_me_at call_me_at text_me_at "
    "电话 电话号码 手机 手机号 手机号码 联系电话 联系方式 号码 座机 "
    "打给我 致电 拨打 電話 手機 手機號"
)
_CARD: Final = _labels(
    "card card_number card_no visa mastercard amex debit_card credit_card pan "
    "卡号 银行卡 银行卡号 信用卡 信用卡号 储蓄卡 储蓄卡号 卡號"
)
_SSN: Final = _labels("ssn ss_number social social_security social_security_number itin tin")
_ID: Final = _labels(
    "身份证 身份证号 身份证号码 证件号 证件号码 公民身份号码 身份號碼 id id_number id_card id_no"
)
_RECORD: Final = _labels(
    "住院号 病历号 病案号 门诊号 就诊号 就诊卡号 登记号 患者号 病人号 医保号 体检号 mrn",
    *composed("mrn patient chart hospital medical_record record", "no number id #"),
)
_ACCOUNT: Final = _labels(
    "账号 帐号 账户 银行账号 收款账号 对公账号 存折号 iban a/c",
    *composed("account acct bank_account", "no number #"),
)
_QQ: Final = _labels("qq qq号 qq号码 qq号是 扣扣 扣扣号 企鹅号 q号 qq_number")


def _is_phone(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    digits = digits_of(value)
    if FIRM.match(digits):
        return False
    return len(digits) == _NANP_LENGTH or _PHONE_FORM.fullmatch(digits) is not None


def _is_card(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    digits = digits_of(value)
    return len(digits) in range(13, 20) and (has_luhn(digits) or len(digits) > 15)


def _is_ssn(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return len(digits_of(value)) == len("219099999")


def _is_identity(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    characters = digits_of(value) + value[-1:].strip(string.digits)
    return len(characters) == len("110105194912310021") and has_date(characters[6:14])


def _is_record(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return len(digits_of(value)) in range(6, 13) and _DATE.fullmatch(value) is None


def _is_account(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return len(digits_of(value)) in range(8, 24) and _DATE.fullmatch(value) is None


def _is_qq(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return len(digits_of(value)) in range(6, 12) and _DATE.fullmatch(value) is None


def _joined(
    names: tuple[str, str], after: Context, check: Callable[[str, str], bool], *, last: str = ""
) -> Detector:
    label, name = names
    return Detector(
        label=label,
        name=f"{name}-joined",
        pattern=rf"\d{{1,11}}({JOINT}\d{{1,8}}){{1,5}}{last}",
        lists={"joint": JOINT_WORDS},
        not_after=r"[a-z0-9]",
        not_before=r"[a-z0-9]",
        after=(after,),
        check=lambda value, before: not _MASK.search(value) and check(value, before),
    )


JOINED_NUMBERS: Final = (
    _joined(("PHONE", "phone"), _PHONE, _is_phone),
    _joined(("BANK_CARD", "card"), _CARD, _is_card),
    _joined(("SSN", "ssn"), _SSN, _is_ssn),
    _joined(("CN_ID", "cn-id"), _ID, _is_identity, last="x?"),
    _joined(("MRN", "record"), _RECORD, _is_record),
    _joined(("BANK_ACCOUNT", "account"), _ACCOUNT, _is_account),
    _joined(("SOCIAL_ACCT", "qq"), _QQ, _is_qq),
)
