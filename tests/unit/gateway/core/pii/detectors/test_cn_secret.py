"""Passwords and keys after Chinese words."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("后台密码我改成 Maple!4417 了", "后台密码我改成 [SECRET] 了"),
    ("开机口令已经重置为Hn7!wuhan。", "开机口令已经重置为[SECRET]。"),
    ("取款密码837261，别忘", "取款密码[SECRET]，别忘"),
    ("门禁密码*2580#，进来左转", "门禁密码[SECRET]，进来左转"),
    ("WiFi密码 tianlan7702，随便连", "WiFi密码 [SECRET]，随便连"),
    ("密码好像是Zen$39125 不行就Qwer6672!@", "密码好像是[SECRET] 不行就[SECRET]"),
    ("口令只有他知道：74826034", "口令只有他知道：[SECRET]"),
    ("AppSecret 是 9f8e7d6c5b4a39281706f5e4d3c2b1a0", "AppSecret 是 [SECRET]"),
    ("密钥先放这里：qP8xLm2ZtR5vYw9NbC3k，下周换", "密钥先放这里：[SECRET]，下周换"),
    ("密码：Ｑｗ９！ｚｘ７７", "密码：[SECRET]"),
    (
        "助记词：apple river stone cloud green tiger lamp chair ocean wind paper light。",
        "助记词：[SECRET]。",
    ),
    ("企业微信 corpsecret：115d25868e57de7231be9944cf08d516，", "企业微信 corpsecret：[SECRET]，"),
    ("邮箱授权码：ptkzqwmxhbnvbbdg，", "邮箱授权码：[SECRET]，"),
]

NEAR_MISSES = [
    "密码长度为8到20位",
    "密码2024年到期",
    "默认密码为123456，请尽快修改",
    "密码用bcrypt或SHA256加盐存储，见RFC2898",
    "密码错误次数达到5次将锁定30分钟",
    "密码输入框不能为空",
    "密钥长度为2048位，算法RSA-OAEP",
    "忘记密码请看 https://example.com/reset?id=12ab",
    "请输入密码：******",
    "密码 YOUR_PASSWORD_1",
    "密码见 readme_2024.md",
    "授权码见开放平台文档",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """A password or key goes, whatever people say between its word and itself."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Rules about passwords, algorithms, dates and passwords that everybody knows stay."""
    assert scrub(text) == text
