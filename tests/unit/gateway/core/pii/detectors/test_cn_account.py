"""Bank accounts and cards after a word for them."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("账号4900 6862 3886 118，", "账号[BANK_ACCOUNT]，"),
    ("收款帐号：３２１２０８４３２６９６１７５８", "收款帐号：[BANK_ACCOUNT]"),
    ("客户;账号\n1001;某;9021 9198 2642 362", "客户;账号\n1001;某;[BANK_ACCOUNT]"),
    ("卡号 6222 0212 3456 7890 128", "卡号 [BANK_CARD]"),
    ("银行卡6222021234567890", "银行卡[BANK_CARD]"),
    ('{"account_no":"123456789012"}', '{"account_no":"[BANK_ACCOUNT]"}'),
    ("基本户392763650，", "基本户[BANK_ACCOUNT]，"),
    (
        "序号 户主 一折通账号\n1 甲 796564632382009\n2 乙 1 796564632382017",
        "序号 户主 一折通账号\n1 甲 [BANK_ACCOUNT]\n2 乙 1 [BANK_ACCOUNT]",
    ),
]

NEAR_MISSES = [
    "账号是登录用的",
    "账户 6217 **** **** 2753 余额不足。",
    "账户余额12345.67元",
    "账号订单号 8392550962873",
    "卡号一共19位",
    "账户流水号：839255096287378",
    "基本户型85平米",
    "账号已冻结。\n运单 796564632382009 已发",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """An account goes after its word, also as the head of a column."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Masked numbers, amounts and numbers of things stay."""
    assert scrub(text) == text
