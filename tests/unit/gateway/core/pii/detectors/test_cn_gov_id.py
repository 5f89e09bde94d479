"""Identity cards of Hong Kong, Macau and Taiwan."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("香港身份证A123456(3)。", "香港身份证[GOV_ID]。"),
    ("HKID: A123456（3）", "HKID: [GOV_ID]"),
    ("身份證號碼 A1234563，", "身份證號碼 [GOV_ID]，"),
    ("澳门居民证件5/123456/7已核验", "澳门居民证件[GOV_ID]已核验"),
    ("持1234567(8)的居民", "持[GOV_ID]的居民"),
    ("澳门居民身份证 12345678", "澳门居民身份证 [GOV_ID]"),
    ("统一编号：A123456789", "统一编号：[GOV_ID]"),
    ("身份证统一编号A１２３４５６７８９", "身份证统一编号[GOV_ID]"),
    ("台湾居民居留证 A800000014，", "台湾居民居留证 [GOV_ID]，"),
    ("外国人永久居留身份证号USA110199001011", "外国人永久居留身份证号[GOV_ID]"),
]

NEAR_MISSES = [
    "零件A123456(4)",
    "货号 A1234563",
    "身份证 A1234564",
    "统一编号：A123456780",
    "型号A123456789",
    "比分5/123456/78",
    "2024/5/123456/7",
    "一共1234567(吨)",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """A card goes with a right check digit, or in a form of its own."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Wrong check digits and numbers of things stay."""
    assert scrub(text) == text
