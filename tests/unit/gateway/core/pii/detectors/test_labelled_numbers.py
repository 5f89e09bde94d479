"""Numbers right behind a label."""

import pytest

from gateway.core.pii import scrub


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("患者ID：{}", "MRN"),
        ("急诊留观号 {}", "MRN"),
        ("inpatientNo={}", "MRN"),
        ("Pt. No. {}", "MRN"),
        ("Hosp #: {}", "MRN"),
        ("EHR id is {}", "MRN"),
        ("户头：{}", "BANK_ACCOUNT"),
        ("payoutAccount: {}", "BANK_ACCOUNT"),
        ("DDA # {}", "BANK_ACCOUNT"),
        ("Wire to {}", "BANK_ACCOUNT"),
        ("Travel doc no: {}", "PASSPORT"),
        ("Reisepass: {}", "PASSPORT"),
        ("DOCS P/USA/{}", "PASSPORT"),
    ],
)
def test_a_number_behind_its_label_is_replaced(text: str, label: str) -> None:
    """Labels are found in any composition, case and joint."""
    assert scrub(text.format("153476914")) == text.format(f"[{label}]")


def test_a_bank_announces_an_account() -> None:
    """A long number right behind the name of a bank is an account."""
    assert scrub("农行0228001234567890") == "农行[BANK_ACCOUNT]"


@pytest.mark.parametrize(
    "text",
    [
        "unit number 12 of 40",
        "Visit number 3 of 5 on 2024-05-06",
        "中国银行95566客服热线",
        "银行2023年净利润1234567890元",
        "门诊编号规则：年份加流水",
        "接种 12345678 人次",
        "member number one priority",
        "passport fee: 130 dollars",
        "Wire to 2024-05-06",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    """Short numbers, amounts, dates and hotlines stay."""
    assert scrub(text) == text
