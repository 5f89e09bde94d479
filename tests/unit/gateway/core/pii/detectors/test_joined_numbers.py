"""Numbers in pieces behind their label."""

import pytest

from gateway.core.pii import scrub


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("phone: 415 then 602 then 7734", "phone: [PHONE]"),
        ("card no: 4539🌸1488🌸0343🌸6467.", "card no: [BANK_CARD]."),
        ("Her SSN is 536 → 22 → 8714", "Her SSN is [SSN]"),
        ("chartNo: 4471 and then 8832", "chartNo: [MRN]"),
        ("acct no: 7731 & 0942 & 1806", "acct no: [BANK_ACCOUNT]"),
        ("身份证号：330106然后19890412再511x", "身份证号：[CN_ID]"),
        ("住院号：0048★7123", "住院号：[MRN]"),
        ("我QQ号：3841💬77💬209。", "我QQ号：[SOCIAL_ACCT]。"),
        ("卡号：6222，然后0212，然后0300，最后4587118", "卡号：[BANK_CARD]"),
    ],
)
def test_pieces_behind_a_label_are_one_number(text: str, expected: str) -> None:
    """A number of the right length counts, whatever stands between its pieces."""
    assert scrub(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "账户 6217 **** **** 8306 余额不足。",
        "SSN: 12 then 34",
        "card: 5 of 10, then 12 of 20",
        "record number 3 and 4 and 5",
        "账号：2024-05-06",
        "qq：3 和 4",
        "共 4471 → 8832 → 9120 件",
        "the phone has 4 → 8 → 16 cores",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    """Masked numbers, dates, short ones, and those that nothing announces stay."""
    assert scrub(text) == text
