"""Chinese resident identity numbers."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("旧身份证号110105491231002。", "旧身份证号[CN_ID]。"),
    ("证号11010519491231002X。", "证号[CN_ID]。"),
    ("11010519491231002x", "[CN_ID]"),
    ("110105 19491231 002X", "[CN_ID]"),
    ("110105-19491231-002X", "[CN_ID]"),
    ("身份证：110105194912310021", "身份证：[CN_ID]"),
    ("ID number 990105194912310021", "ID number [CN_ID]"),
    ("id11010519491231002X", "id[CN_ID]"),
    ("１１０１０５１９４９１２３１００２Ｘ", "[CN_ID]"),
    ("老证是15位号：320102780322949，", "老证是15位号：[CN_ID]，"),
]

NEAR_MISSES = [
    "110105491231002",
    "身份证 110105491331002",
    "110105194912310021",
    "110105194913310029",
    "110105174912310021",
    "身份证 110105194902300021",
    "990105194912310021",
    "a110105194912310021",
    "id number a110105194912310021",
    "11010519491231002X1",
    "1101051949123100",
    "合计320102780322949元",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """A number with its check character goes, and after a word for identity card one without."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """A wrong date, or a wrong check character without such a word, is no identity number."""
    assert scrub(text) == text
