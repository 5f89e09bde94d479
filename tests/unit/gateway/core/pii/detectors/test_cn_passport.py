"""Chinese passports and travel permits."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("护照号码E12345678", "护照号码[PASSPORT]"),
    ("护照：EA1234567，", "护照：[PASSPORT]，"),
    ('{"passport_no":"G12345678"}', '{"passport_no":"[PASSPORT]"}'),
    ("旅客持E12345678入境", "旅客持[PASSPORT]入境"),
    ("请带C12345678号港澳通行证", "请带[PASSPORT]号港澳通行证"),
    ("回乡证H1234567801", "回乡证[PASSPORT]"),
    ("港澳通行证CA1234567", "港澳通行证[PASSPORT]"),
    ("台胞证号 01234567", "台胞证号 [PASSPORT]"),
    ("护照号码501318879", "护照号码[PASSPORT]"),
    ("护照Ｅ１２３４５６７８", "护照[PASSPORT]"),
    ("E12345678（普通护照）", "[PASSPORT]（普通护照）"),
    ("拿着CD6537141这本通行证过关", "拿着[PASSPORT]这本通行证过关"),
]

NEAR_MISSES = [
    "订单E12345678已发货",
    "护照号码印在资料页右上角。",
    "护照有效期十年",
    "护照办理费用120元",
    "护照2024年5月到期",
    "航班HU7123456",
    "通行证需要提前7天预约",
    "E1234567",
    "零件CD6537141这批缺货",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """A number goes after the word, before it, or where somebody holds it."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Numbers of things and texts about passports stay."""
    assert scrub(text) == text
