"""Chinese names in Latin letters within Chinese texts."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("备案：SONG HANG，护照", "备案：[NAME]，护照"),
    ("乘机人YAO, Zixue，证件号", "乘机人[NAME]，证件号"),
    ("乘客 Li Xiaoming 已登机", "乘客 [NAME] 已登机"),
    ("旅客：WANG/LEI", "旅客：[NAME]"),
    ("寄件人：ＣＨＥＮ, Weilin", "寄件人：[NAME]"),
]

NEAR_MISSES = [
    "我看了 He Man 电影",
    "打开 Long Term Support 版本",
    "使用 Fan Out 模式",
    "请调用 shi.LI 接口",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """A surname with syllables goes beside Chinese writing."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """English words that might be syllables stay."""
    assert scrub(text) == text
