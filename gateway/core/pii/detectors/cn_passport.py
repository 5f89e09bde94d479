"""Chinese passports and travel permits, and foreign passports after the Chinese word.

Forms: ordinary E and G, diplomatic D, service S, public affairs P with eight digits, or with a
second letter and seven; permits C and W (Hong Kong, Macau), L and T (Taiwan), H and M (residents of
Hong Kong and Macau) as the National Immigration Administration issues them.
"""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of
from gateway.core.pii.detectors.checks import SIGN_OF_DIGIT

_WORDS: Final = (
    *words_of(
        "护照 護照 通行证 通行證 回乡证 回鄉證 台胞证 臺胞證 台胞證 旅行证 签注 签证 出入境 "
        "证件号 证件号码 证件编号 passport passports"
    ),
    "passport_no",
    "passport_number",
    "passportno",
    "passportnumber",
    "passport_num",
)
_AFTER_WORD: Final = Context(words=_WORDS, gap=20, filler=None)
_AFTER_PASSPORT: Final = Context(
    words=(
        *words_of(
            "护照 护照号 护照号码 护照编号 護照號碼 普通护照 因私护照 公务护照 外交护照 持照号 "
            "回乡证 回乡证号 台胞证 台胞证号 台胞证号码 通行证 通行证号 通行证号码 通行证编号"
        ),
        "passport_no",
        "passport_number",
    ),
    gap=8,
)
_CHINESE: Final = (
    r"([eghdspcwltmk]|1[45])[ \-]?\d{4}[ \-]?\d{4}|[edspckw][a-z]\d{7}|[hm]\d{10}|1[45]\d{7}"
)

_FEWEST_DIGITS: Final = 4


def _has_digits(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return sum(char.isdigit() for char in value) >= _FEWEST_DIGITS


_ANNOUNCED: Final = Detector(
    label="PASSPORT",
    name="cn-passport",
    pattern=_CHINESE,
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    after=(_AFTER_WORD,),
)

_NAMED_BEHIND: Final = Detector(
    label="PASSPORT",
    name="cn-passport-named-behind",
    pattern=r"[eghdspcwltmk]\d{8}|[edspckw][a-z]\d{7}|[hm]\d{10}",
    not_after=r"[a-z0-9]",
    followed_by=r"[号號]?[ （(的]?([这那该此][本张份]?)?(普通|因私|公务|外交|中国|港澳|往来|台湾)?"
    r"(护照|護照|通行|回乡)",
)

# Held by a person or valid until a day: nothing else of this form is.
_HELD: Final = Detector(
    label="PASSPORT",
    name="cn-passport-held",
    pattern=r"[eghdspcwltmk]\d{8}|[edspckw][a-z]\d{7}|[hm]\d{10}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    after=(Context(words=words_of("持 持有 持用 凭"), gap=4),),
)

_SPACED: Final = Detector(
    label="PASSPORT",
    name="cn-passport-spaced",
    pattern=rf"[edgspkhmcwlt](\s{{1,3}}{SIGN_OF_DIGIT}){{7,8}}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    after=(_AFTER_PASSPORT,),
)

_FOREIGN: Final = Detector(
    label="PASSPORT",
    name="passport-after-chinese",
    pattern=r"([a-z]{1,2}[ \-]?)?\d{2}[ \-]?\d{4,8}[a-z]?|[a-z0-9]{7,10}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]|[.\-/年]",
    after=(_AFTER_PASSPORT,),
    check=_has_digits,
)

CN_PASSPORTS: Final = (_ANNOUNCED, _NAMED_BEHIND, _HELD, _SPACED, _FOREIGN)
