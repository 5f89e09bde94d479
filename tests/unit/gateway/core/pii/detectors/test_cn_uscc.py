"""Unified social credit codes."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("信用代码91350100M000100Y43", "信用代码[USCC]"),
    ("公司（91350100M000100Y43）", "公司（[USCC]）"),
    ("税号：91350100M000100Y44", "税号：[USCC]"),
    ("纳税人识别号 350100123456789", "纳税人识别号 [USCC]"),
    ("统一社会信用代码９１３５０１００M000100Y43", "统一社会信用代码[USCC]"),
    ("组织机构代码：12345678-9", "组织机构代码：[USCC]"),
]

NEAR_MISSES = [
    "编码91350100M000100Y44",
    "信用代码共十八位",
    "流水号91350100M000100Y4",
    "a91350100M000100Y43",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """A code goes with its check character, or after a word for it."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Wrong check characters without such a word stay."""
    assert scrub(text) == text
