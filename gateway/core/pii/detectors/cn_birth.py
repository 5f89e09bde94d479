"""Dates of birth in Chinese texts: after a word for birth, or right before one.

A date is a day in digits of any grouping, in Chinese numerals or of the lunar calendar. A date
alone is none.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.pii.detector import FILLER, Context, Detector, words_of
from gateway.core.pii.detectors.checks import SIGN_OF_DIGIT, spread_words

_AFTER_BIRTH: Final = Context(
    words=(
        *words_of(
            "出生日期 出生年月日 出生年月 出生时间 出生日 出生于 出生在 出生 生于 诞生于 生日 "
            "生日期 "
            "公历生日 阳历生日 农历生日 阴历生日 生辰 生辰八字 破壳日 生日就是 生日在 降生于 诞辰 "
            "生年月日 周岁 八字 dob birth birthday birthdate birthdt dob_date born_on "
            "date_of_birth "
            "csrq chushengriqi"
        ),
        *spread_words("出生日期 出生年月 生日"),
        "date_of_birth",
        "birth_date",
        "birth_day",
        "birthday",
        "dob_date",
        "csrq",
    ),
    gap=16,
    # What forms add: 出生日期（公历）, 出生日期/年龄, 出生证明日期.
    filler=FILLER | frozenset("/公农阳阴历年月日龄性别期登记证明地及在那天计算自"),
)
# The head of a column, as far as its rows go.
_AFTER_HEAD: Final = Context(
    words=(
        *words_of("生日 出生日期 出生年月 出生年月日 出生 生辰 dob birthday birthdate csrq"),
        "birth_date",
        "date_of_birth",
    ),
    gap=1500,
    filler=None,
    stops=frozenset(),
)
_YEAR: Final = r"(1[89]\d{2}|20[0-3]\d)"
_HAN_DIGIT: Final = "[〇零○一二三四五六七八九壹贰叁肆伍陆柒捌玖]"
_HAN_NUMBER: Final = "[元正一二三四五六七八九十廿卅冬腊初零壹贰叁肆伍陆柒捌玖拾]{1,3}"
_MONTH: Final = r"(0?[1-9]|1[0-2])"
_DAY: Final = r"(0?[1-9]|[12]\d|3[01])"
_WRITTEN: Final = (
    rf"{_YEAR} ?[.\-/ ]{{1,2}}{_MONTH} ?[.\-/ ]{{1,2}}{_DAY}"
    rf"|{_YEAR} ?年 ?{_MONTH} ?月 ?{_DAY} ?[日号號]?"
    rf"|{_YEAR}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
    rf"|{_HAN_DIGIT}{{4}}年{_HAN_NUMBER}月{_HAN_NUMBER}[日号號]?"
)
_LUNAR: Final = (
    rf"({_YEAR}|{_HAN_DIGIT}{{4}}|[甲乙丙丁戊己庚辛壬癸][子丑寅卯辰巳午未申酉戌亥]) ?年 ?"
    rf"(农历|阴历|旧历)?闰?{_HAN_NUMBER}月[初十廿三二][一二三四五六七八九十]{{1,2}}"
)
_LOOSE: Final = (
    rf"\d{{2}} ?[年.\-/] ?{_MONTH} ?[月.\-/] ?{_DAY} ?[日号號]?"
    rf"|{_MONTH}/{_DAY}/{_YEAR}"
    rf"|{_YEAR} ?[年.\-/] ?{_MONTH} ?月?"
    rf"|{_LUNAR}|({_YEAR}年|{_HAN_DIGIT}{{4}}年)?(农历|阴历|旧历)?{_HAN_NUMBER}月[初十廿三二]"
    rf"[一二三四五六七八九十]{{1,2}}"
    rf"|{_HAN_DIGIT}{{2,4}}年{_HAN_NUMBER}月({_HAN_NUMBER}[日号號]?)?"
    rf"|(农历|阴历|阳历|公历){{0,1}}{_MONTH}月{_DAY}[日号號]"
)
# Days whose "birthday" is that of a state, a party, an army or a feast.
_PUBLIC_DAYS: Final = re.compile(r"(10月1|7月1|8月1|12月25|5月4)[日号號]")


def _is_private(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return _PUBLIC_DAYS.fullmatch(value) is None


def _is_cell(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return before.rstrip(" ").endswith(("|", "\t", ",", ";", '"', "'"))


_ANNOUNCED: Final = Detector(
    label="DOB",
    name="cn-birth",
    pattern=f"{_WRITTEN}|{_LOOSE}",
    not_after=r"[0-9]",
    not_before=r"[0-9]",
    after=(_AFTER_BIRTH,),
    check=_is_private,
)

_SAID_BEHIND: Final = Detector(
    label="DOB",
    name="cn-birth-said-behind",
    pattern=rf"{_WRITTEN}|{_LUNAR}",
    not_after=r"[0-9.\-/]",
    followed_by=r"[ ，,（]?(出生|生人|生[，,。.；;、 （()）于人\n的]|诞生|降生|的?生日)",
)

_IN_COLUMN: Final = Detector(
    label="DOB",
    name="cn-birth-in-column",
    pattern=_WRITTEN,
    not_after=r"[a-z0-9\h]",
    followed_by=r" ?[|\t,;，；\"'\n]",
    after=(_AFTER_HEAD,),
    check=_is_cell,
)

_SPELT: Final = Detector(
    label="DOB",
    name="cn-birth-spelt",
    pattern=rf"[12]\s{{0,3}}[089]\s{{0,3}}{SIGN_OF_DIGIT}\s{{0,3}}{SIGN_OF_DIGIT}\s{{0,3}}年?\s{{0,3}}[01]\s{{0,3}}{SIGN_OF_DIGIT}\s{{0,3}}月?\s{{0,3}}"
    rf"[0-3]\s{{0,3}}{SIGN_OF_DIGIT}日?",
    not_after=r"[0-9]",
    not_before=r"[0-9]",
    after=(_AFTER_BIRTH,),
)

CN_BIRTHS: Final = (_ANNOUNCED, _SAID_BEHIND, _IN_COLUMN, _SPELT)
