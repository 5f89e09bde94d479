"""Chinese number plates."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("车牌京A12345，", "车牌[PLATE]，"),
    ("粤B·D12345驶入", "[PLATE]驶入"),
    ("沪A-1234警", "[PLATE]"),
    ("粤Z·1234港", "[PLATE]"),
    ("京AF01234", "[PLATE]"),
    ("车牌号 京 A 1 2 3 4 5", "车牌号 [PLATE]"),
    ("川ａ１２３４５", "[PLATE]"),
    ("WJ京1234X停靠", "[PLATE]停靠"),
    ("号牌：VA12345", "号牌：[PLATE]"),
    ("湘C1234挂", "[PLATE]"),
    ('{"plate_no":"苏E9X8Y7"}', '{"plate_no":"[PLATE]"}'),
]

NEAR_MISSES = [
    "川A级景区",
    "京A股指数",
    "云B2B平台",
    "新G123次列车",
    "苏A牌照的车很多",
    "型号AB12345",
    "晋C123456789",
    "吉ABCDEFG",
    "津IO0000",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """A plate goes, whatever its kind and its dot."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Abbreviations of provinces before other signs stay."""
    assert scrub(text) == text
