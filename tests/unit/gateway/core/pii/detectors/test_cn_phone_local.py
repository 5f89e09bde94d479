"""Telephone numbers without an area code."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("办公电话：82345678", "办公电话：[PHONE]"),
    ("家里座机 6234567", "家里座机 [PHONE]"),
    ("香港电话 9123 4567", "香港电话 [PHONE]"),
    ("(852) 9123-4567", "[PHONE]"),
    ("座机 零二一 五五五五 一二三四", "座机 [PHONE]"),
    ("1 3 8 0 0 1 3 8 0 0 0", "[PHONE]"),
    ("电话：８２３４５６７８", "电话：[PHONE]"),
    ("853-6612 3456", "[PHONE]"),
]

NEAR_MISSES = [
    "手机8000000元",
    "电话95588",
    "客户82345678",
    "编号6234567",
    "1 3 8 0 0 1 3 8 0 0 0 1 2",
    "2 1 3 8 0 0 1 3 8 0 0 0",
    "电话订购量6234567台",
    "传真纸 A4",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """A local number goes behind a word for telephone."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Amounts, short numbers and longer lists stay."""
    assert scrub(text) == text
