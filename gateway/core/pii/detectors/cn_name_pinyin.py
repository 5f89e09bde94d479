"""Names of Chinese people in Latin letters within Chinese texts: ``LI, Xiaoming``, ``WANG LEI``.

A surname and one or two syllables count beside Chinese writing; in English texts ``names`` looks
for them.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.pii.detector import Detector, words_of
from gateway.core.pii.detectors.name_checks import is_ordinary, is_pinyin

# Surnames as passports and tickets spell them.
_SURNAMES: Final = words_of(
    "ai an ao bai ban bao bei bi bian bo bu cai cao cen cha chai chang chao che chen cheng chi "
    "chong chu cong cui dai dang deng di diao ding dong dou du duan e fan fang fei feng fu gan "
    "gao ge geng gong gou gu guan guang gui guo hai han hang hao he hei heng hong hou hu hua "
    "huang hui huo ji jia jian jiang jiao jin jing ju kang ke kong kou kuai kuang lai lan lang "
    "lao le lei leng li lian liang liao lin ling liu long lou lu luan luo lv lyu ma mai man mao "
    "mei men meng mi miao min ming mo mou mu na nan ni nie ning niu nong ou ouyang pan pang pei "
    "peng pi piao ping pu qi qian qiang qiao qin qiu qu quan que ran rao ren rong ru ruan rui "
    "sang sha shan shang shangguan shao she shen sheng shi shou shu shui si sima situ song su "
    "sui sun tai tan tang tao teng tian tie tong tu wan wang wei wen weng wu xi xia xian xiang "
    "xiao xie xin xing xiong xu xuan xue yan yang yao ye yi yin ying yong you yu yuan yue yun "
    "zan zeng zha zhai zhan zhang zhao zhen zheng zhi zhong zhou zhu zhuang zhuge zhuo zi zong "
    "zou zu zuo"
)
_WORDS: Final = re.compile(r"[a-z]+")
# Chinese writing, a cell, a greeting, or nothing at all before the name.
_BESIDE: Final = re.compile(
    r"(?:[\u3400-\u9fff][ :,;(\"'“]*|(?:^|[、。，；\n|\t(])\s*|\b(?:hi|hello|hey|dear) )$"
)
# Syllables that Chinese texts write alone for other reasons.
_NO_NAMES: Final = frozenset(words_of("pin yin an pu fa ma ka hao ji shi da xue"))


def _is_name(value: str, before: str) -> bool:
    surname, *given = _WORDS.findall(value)
    if _BESIDE.search(before) is None or (surname in _NO_NAMES and is_ordinary(given[0])):
        return False
    return is_pinyin(" ".join(given)) and not all(is_ordinary(word) for word in (surname, *given))


_PINYIN: Final = Detector(
    label="NAME",
    name="cn-name-pinyin",
    # All in capitals, or each word with one; with a comma where the surname is set off.
    pattern=r"<surname>(, ?|[ /])(\u{2,7}([ \-]\u{2,6})?|\u\l{1,9}([ \-]\u\l{1,5})?)",
    lists={"surname": _SURNAMES},
    not_after=r"[a-z0-9_.@/\-]",
    not_before=r"[a-z0-9_@]| [a-z]",
    check=_is_name,
)

CN_PINYIN_NAMES: Final = (_PINYIN,)
