"""Transcribed names in Chinese texts."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("名单：娜塔莎·沃尔科娃、赵丽娟。", "名单：[NAME]、[NAME]。"),
    ("学生努尔兰·叶尔肯，家住", "学生[NAME]，家住"),
    ("叫扎西次仁的同学", "叫[NAME]的同学"),
    ("insert (name) values ('加娜尔·木拉提')", "insert (name) values ('[NAME]')"),
    ("姓名,电话\n阿木尔吉日嘎拉,1", "姓名,电话\n[NAME],1"),
    ("名单：娜塔莎•沃尔科娃。", "名单：[NAME]。"),
]

NEAR_MISSES = [
    "卡尔·马克思生于特里尔。",
    "埃隆·马斯克发射了火箭。",
    "列奥纳多·达·芬奇画了她。",
    "中国·北京",
    "乌鲁木齐、呼和浩特、巴基斯坦",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """A name in transcription goes, with a dot anywhere, without one in a column of names."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Names that everybody knows, places and drugs stay."""
    assert scrub(text) == text
