"""Dates of birth."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("出生日期：1985年3月7日", "出生日期：[DOB]"),
    ("1990-01-02出生，", "[DOB]出生，"),
    ("1948.11.20生，住院", "[DOB]生，住院"),
    ("生于一九八七年一月一日", "生于[DOB]"),
    ("生日 19900102", "生日 [DOB]"),
    ("出生于1990/1/2", "出生于[DOB]"),
    ("生日是农历八月十五", "生日是[DOB]"),
    ("出生年月：1985.03", "出生年月：[DOB]"),
    ('"birth_date": "1985-03-07"', '"birth_date": "[DOB]"'),
    ("出生日期 １９８５－０３－０７", "出生日期 [DOB]"),
    ("我生日是3月7日", "我生日是[DOB]"),
    ("出生85年3月7日", "出生[DOB]"),
    (
        "工号;姓名;生日\n1;x;2007.04.09;y\n2;z;1985.01.09;y",
        "工号;姓名;生日\n1;x;[DOB];y\n2;z;[DOB];y",
    ),
    ("1958年腊月初八生人", "[DOB]生人"),
]

NEAR_MISSES = [
    "该法规自1989年11月11日起施行。",
    "身份证第七到十四位代表出生日期。",
    "国庆是祖国的生日，10月1日放假",
    "生产日期2024-01-02",
    "2024年1月2日生效",
    "2020-01-02生产",
    "生日蛋糕128元",
    "祖国生日10月1日",
    "编号,日期,金额\n1,2007.04.09,3",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """A day goes after a word for birth or before one."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Other dates stay."""
    assert scrub(text) == text


@pytest.mark.parametrize(
    "label",
    ["出生日期（公历）", "出生日期/年龄", "出 生 日 期", "生年月日", "birthDt", "出生登记日"],
)
def test_labels_of_forms_announce_a_birth(label: str) -> None:
    """What forms add to the word for birth does not hide the date."""
    assert scrub(f"{label}：1988-11-03") == f"{label}：[DOB]"
