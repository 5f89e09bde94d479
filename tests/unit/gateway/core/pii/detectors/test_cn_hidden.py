"""Chinese numbers written so that programs shall not find them."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("电话——138八貳六４七6九６——记下", "电话——[PHONE]——记下"),
    ("手机号码写成 1_3_9_7_1_0_0_1_1_3_3 这样", "手机号码写成 [PHONE] 这样"),
    ("手机 l3456l54743", "手机 [PHONE]"),
    ("电话一三八零零一三八零零零", "电话[PHONE]"),
    ("手机：1\n3\n8\n0\n0\n1\n3\n8\n0\n0\n0", "手机：[PHONE]"),
    ("身份证：三一〇一，一二一九，九〇〇一，二二〇四，五五", "身份证：[CN_ID]"),
    ("卡号 6222 | 6046 | 5105 | 7158 | 630 好", "卡号 [BANK_CARD] 好"),
    ("证件号码 (1)(1)(0)(1)(0)(5)(1)(9)(4)(9)(1)(2)(3)(1)(0)(0)(2)(X)", "证件号码 ([CN_ID])"),
    ("钱打到这张卡 六二零零五八九零六一二零八七七零 就行", "钱打到这张卡 [BANK_CARD] 就行"),
    (
        "打到这张卡 6、2、1、6、6、1、7、1、6、6、6、4、7、7、7、0、3、5、3",
        "打到这张卡 [BANK_CARD]",
    ),
]

NEAR_MISSES = [
    "电话里说了一、二、三、四、五",
    "手机有6.7英寸、8核、12GB、256GB",
    "账户有1、2、3、4",
    "身份证前六位代表行政区划，第七到十四位代表出生日期。",
    "卡号：见第1、2、3页",
    "电话会议 10:00-11:30，12:00-13:30",
    "刷卡消费一百二十三元四角",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """Digits however written go after a word for such a number."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Fewer digits, or other numbers, stay."""
    assert scrub(text) == text
