"""File numbers of driving licences."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("档案编号：530187630416", "档案编号：[DRIVER_LICENSE]"),
    ("驾驶证（档案编号 5301 8763 0416）", "驾驶证（档案编号 [DRIVER_LICENSE]）"),
    ("驾照号５３０１８７６３０４１６", "驾照号[DRIVER_LICENSE]"),
]

NEAR_MISSES = [
    "驾驶证扣12分",
    "档案编号5301876304161",
    "订单530187630416",
    "驾驶证有效期2024年1月1日",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """Twelve digits go after the word."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Other lengths, and numbers without the word, stay."""
    assert scrub(text) == text
