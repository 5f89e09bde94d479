"""Numbers of patients."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("住院号 0123456，", "住院号 [MRN]，"),
    ("病案号：BA2020-12345", "病案号：[MRN]"),
    ("（就诊卡号604379306776）", "（就诊卡号[MRN]）"),
    ("门诊号P-001234；", "门诊号[MRN]；"),
    ("住院号多少？说是 ZY0012345", "住院号多少？说是 ZY0012345"),
    ("住院号零一二三四五六", "住院号[MRN]"),
    ("医保卡号 １２３４５６７８", "医保卡号 [MRN]"),
    ('{"mrn": "MR12345678"}', '{"mrn": "[MRN]"}'),
    ("住 院 号\u3000P43502990", "住 院 号\u3000[MRN]"),
    ("档案已合并至 P57951849，", "档案已合并至 [MRN]，"),
]

NEAR_MISSES = [
    "病案号应当保持唯一，不得重复使用。",
    "住院号由医院编排，2024年起改为8位",
    "床号12",
    "住院费12345元",
    "检查号码牌",
    "商品条码 6990368090993",
    "档案室在3楼",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """A number goes after a word for it."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Texts about such numbers, and prices, stay."""
    assert scrub(text) == text
