"""Accounts of Chinese services."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("微信：wxid_abc123def", "微信：[SOCIAL_ACCT]"),
    ("微信号 lucky_day88", "微信号 [SOCIAL_ACCT]"),
    ("加我VX：abc_1990", "加我VX：[SOCIAL_ACCT]"),
    ("QQ 12345678", "QQ [SOCIAL_ACCT]"),
    ("抖音号：night.owl77就是她", "抖音号：[SOCIAL_ACCT]就是她"),
    ("小红书号:abcdefg", "小红书号:[SOCIAL_ACCT]"),
    ("微博@山里的风_88 说", "微博[SOCIAL_ACCT] 说"),
    ("qq号１２３４５６７８", "qq号[SOCIAL_ACCT]"),
    ("QQ：一 二 三 四 五 六 七", "QQ：[SOCIAL_ACCT]"),
    ('{"wechat_id":"lucky88"}', '{"wechat_id":"[SOCIAL_ACCT]"}'),
    ("加我Q吧 1522045640，", "加我Q吧 [SOCIAL_ACCT]，"),
    ("我抖音叫3093811091", "我抖音叫[SOCIAL_ACCT]"),
    ("QQ287654321", "QQ[SOCIAL_ACCT]"),
    ("小红书搜 山里的风kk ", "小红书搜 [SOCIAL_ACCT] "),
]

NEAR_MISSES = [
    "微信小程序 AppSecret 请保管",
    "微信 wechat 是通讯软件",
    "QQ 2024 版",
    "微信支付限额50000元",
    "抖音直播间3000人",
    "qq邮箱打不开",
    "微信Android版",
    "抖音号：未填写",
    "微信1000元红包",
    "QQ2024年版",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """An account goes after the name of its service."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Words about the services stay."""
    assert scrub(text) == text


@pytest.mark.parametrize(
    "label", ["抖音帐号", "小红薯号", "xhs号", "weiboId", "微❤号", "tg号", "绿泡泡"]
)
def test_services_are_known_by_their_many_names(label: str) -> None:
    """Nicknames, initials and decorated names of services announce an account."""
    assert scrub(f"{label}：lqf_140931") == f"{label}：[SOCIAL_ACCT]"
