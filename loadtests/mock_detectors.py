"""Sixty invented detectors of the kinds that a full set has, to measure the machine with.

Names and places in long lists, values behind keywords, keys without an end, weak numbers: what they
find is beside the point, what they cost is not.
"""

from __future__ import annotations

import itertools
from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of
from gateway.core.pii.detectors import DETECTORS

_SURNAMES: Final = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
    "余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
_GIVEN: Final = (
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂兰华红玉建国志文斌辉鹏飞云海波宇婷雪梅琳佳欣怡梓涵子轩浩然"
    "晨阳思雨诗嘉俊豪天宁安乐春生长山水林森东南西北新元光亮"
)
_SYLLABLES: Final = words_of("An Be Car Da El Fre Gra Har Jo Ka Li Ma No Pe Ro Sa To Vi Wil Ze")
_ENDINGS: Final = words_of("na th la vid len da ce ry hn ren sa rk ra ter bert rah by ian liam ke")
# Four hundred given names and as many family names, all invented from syllables.
_FIRST: Final = tuple(a + b for a, b in itertools.product(_SYLLABLES, _ENDINGS))
_FAMILY: Final = tuple(name + "son" for name in _FIRST)
_PLACES: Final = tuple(
    a + b + c
    for a, b, c in itertools.product("北南东西上下长广新安", "京海州山江宁城川", "市区县省")
)
_AFTER_NAME: Final = Context(words=words_of("姓名 联系人 患者 户主 name name_is patient contact"))
_AFTER_SECRET: Final = Context(words=words_of("password passwd pwd secret token 密码 口令"))
_NUMBER: Final = Context(words=words_of("订单号 order_no invoice version ¥ $ 运单号"), gap=4)


def _is_plausible(value: str, before: str) -> bool:
    return len(value) > 1 and not before.endswith(("the ", "是"))


def _announced(number: int) -> Detector:
    """Return a detector of a number behind a keyword of its own."""
    return Detector(
        label=f"MOCK_{number}",
        pattern=rf"[a-z]{{0,{number % 3 + 1}}}\N(\s{{0,4}}\N){{{6 + number % 9},{9 + number % 9}}}",
        after=(Context(words=words_of(f"kind{number} 号码{chr(0x4E00 + number)} id_{number}")),),
        not_after=r"[a-z0-9]",
        not_before=r"[a-z0-9]",
    )


def _key(prefix: str) -> Detector:
    """Return a detector of a key without an end."""
    return Detector(
        label="KEY", pattern=prefix + r"[a-z0-9]{16}", tail=r"[a-z0-9_\-]", not_after=r"[a-z0-9]"
    )


_NAMES: Final = (
    Detector(
        label="NAME",
        pattern="<surname><given>{1,2}",
        lists={"surname": _SURNAMES, "given": _GIVEN},
        not_after=r"[\h]",
        not_before=r"[\h]",
        check=_is_plausible,
    ),
    Detector(
        label="NAME",
        pattern="<surname><given>{1,2}",
        lists={"surname": _SURNAMES, "given": _GIVEN},
        followed_by="先生|女士|说|医生",
    ),
    Detector(label="NAME", pattern=r"[\h]{2,4}", after=(_AFTER_NAME,), not_before=r"[\h]"),
    Detector(
        label="NAME",
        pattern=r"<first>( [A-Z]\.)?( <family>)",
        lists={"first": _FIRST, "family": _FAMILY},
        not_after="[a-z]",
        not_before="[a-z]",
    ),
    Detector(
        label="NAME",
        pattern=r"\u\l{1,14}( \u\l{1,14}){1,2}",
        after=(_AFTER_NAME,),
        not_before="[a-z]",
    ),
    Detector(
        label="ADDRESS",
        pattern=r"<place>([\h]{1,8}(路|街|区|县)){1,2}\d{1,5}号(\d{1,4}(室|楼|栋)){0,3}",
        lists={"place": _PLACES},
    ),
    Detector(
        label="ADDRESS",
        pattern=r"\d{1,5} (\u\l{1,14} ){1,3}(Street|Road|Avenue|Lane|St|Rd|Ave)",
        not_after=r"[a-z0-9]",
        not_before="[a-z]",
    ),
)
_OTHERS: Final = (
    Detector(
        label="PASSWORD",
        pattern=r"[!-~]{6}",
        tail="[!-~]",
        after=(_AFTER_SECRET,),
        not_after="[a-z]",
    ),
    Detector(
        label="IP",
        pattern=r"\d{1,3}(\.\d{1,3}){3}",
        not_after=r"[a-z0-9.]",
        not_before=r"[a-z0-9]",
        unless=(_NUMBER,),
    ),
    Detector(label="PLATE", pattern=r"[京沪粤苏浙川][A-Z]·?[A-Z0-9]{5,6}", not_before="[a-z0-9]"),
    Detector(
        label="DATE",
        pattern=r"(19|20)\d{2}[年/.\-]\d{1,2}[月/.\-]\d{1,2}日?",
        after=(Context(words=words_of("生日 出生 born birth dob")),),
        not_after=r"[a-z0-9]",
    ),
    Detector(
        label="LISTED",
        pattern=r"\d([ ,;|\-]{1,3}\d){10,18}",
        first_in_row=True,
        not_after=r"[a-z0-9]",
        not_before=r"[a-z0-9]",
        check=_is_plausible,
    ),
)
_KEYS: Final = tuple(
    _key(prefix) for prefix in words_of(r"sk\- ghp_ akia xoxb\- eyj glpat\- pk_live_")
)

FULL_SET: Final[tuple[Detector, ...]] = (
    *DETECTORS,
    *_NAMES,
    *_OTHERS,
    *_KEYS,
    *[_announced(number) for number in range(60 - 19 - len(DETECTORS) % 41)],
)
