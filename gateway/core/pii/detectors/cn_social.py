"""Accounts of Chinese services, told by the name of the service before them.

Forms: a WeChat number is a letter and 5 to 19 letters, digits, dashes or underscores; QQ numbers
have 5 to 12 digits; the others take letters, digits, points and underscores.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.pii.detector import FILLER, Context, Detector, words_of
from gateway.core.pii.detectors.checks import SIGN_OF_DIGIT, composed

# What people write between the service and the account: 微信（同号）：, 加我微信哈.
_GAP_FILLER: Final = FILLER | frozenset(
    "号號码碼我哈吧呢账帐户名昵称id加你找搜用的叫注册绑定改成换新了就也都同这个啊呀哦是群好友请"
    "吧他她联系会员人"
)
_NUMBER_OF: Final = Context(
    words=(
        *words_of(
            "微信号 微信号码 微信id 微信账号 微信號 vx号 wx号 v信号 qq号 qq号码 qq账号 扣扣号 "
            "企鹅号 抖音号 抖音id 抖音账号 快手号 快手id 小红书号 小红书id 小红书账号 微博号 "
            "微博id 微博账号 微博昵称 钉钉号 钉钉id 钉钉账号 支付宝账号 支付宝账户 支付宝号 "
            "淘宝账号 淘宝id 旺旺号 闲鱼号 陌陌号 探探号 知乎id 知乎账号 b站id b站账号 b站号 "
            "视频号 公众号id 豆瓣id 贴吧id steam账号 游戏账号 游戏id 飞书号 line_id 斗鱼号 "
            "虎牙号 yy号 微信: qq: vx: wx: wechat_id wechat_no weixin_id"
        ),
        *composed(
            "微信 vx wx v 抖音 dy 小红书 小红薯 红薯 xhs 微博 wb 快手 ks b站 bilibili 知乎 钉钉 "
            "飞书 企微 企业微信 支付宝 淘宝 旺旺 闲鱼 telegram tg 电报 "
            "飞机 ins instagram 推特 twitter 脸书 "
            "facebook line discord skype steam 游戏 王者 陌陌 探探 soul 豆瓣 贴吧 社交 绿泡泡 薇信",
            "号 id 账号 帐号 账户 用户名 昵称 号码 会员名 用户id",
            ("",),
        ),
        *composed("wechat weixin qq douyin weibo xhs dingtalk", "id no number account"),
        "wechat_id",
        "weixin_id",
        "wechatid",
        "wechat_no",
        "weixin_no",
        "qq_no",
        "qq_number",
        "qqnumber",
        "douyin_id",
        "weibo_id",
        "xhs_id",
        "dingtalk_id",
    ),
    gap=12,
    filler=_GAP_FILLER,
)
_SERVICE: Final = Context(
    words=words_of(
        "微信 微_信 v_x w_x q_q 薇信 威信 徽信 卫星号 vx wx wechat weixin v信 v加 加v qq 扣扣 "
        "企鹅 q号 抖音 快手 小红书 微博 新浪微博 钉钉 支付宝 旺旺 闲鱼 陌陌 知乎 b站 哔哩哔哩 "
        "豆瓣 贴吧 飞书 dingtalk weibo douyin 电报 纸飞机 推特 脸书 领英 即刻 soul 网易云 "
        "微·号 微·信 w·x v·x 加薇 +v ·v 绿泡泡 小红薯 小红薯号 红薯号 xhs tg号 ins ins号 飞机号 "
        "企微 企业微信 "
        "bilibili alipay 电报号 telegram "
        "instagram 淘宝 淘宝会员名 淘宝会员"
    ),
    gap=12,
    filler=_GAP_FILLER,
)
_QQ: Final = Context(
    words=(
        *words_of(
            "qq qq号 qq号码 qq账号 扣扣 企鹅 企鹅号 q号 qq群 加我q 加q oicq qq联系方式 秋秋 qq邮箱 "
            "我q 你q 他q 她q 的q 小q 球球 蔻蔻 tencent_qq"
        ),
        "qq_no",
        "qq_number",
    ),
    gap=12,
    filler=_GAP_FILLER,
)
_HANDLE: Final = Context(
    words=words_of(
        "微信号 微信名 微信昵称 抖音号 抖音昵称 抖音名 快手号 快手昵称 小红书号 小红书昵称 "
        "小红书搜 小红书名 抖音搜 快手搜 微博搜 b站搜 微博名 微博昵称 微博id 知乎昵称 b站昵称 "
        "网名 账号名 小红书id 抖音id"
    ),
    gap=6,
    filler=FILLER | frozenset("叫是名索"),
)
_NO_NAMES: Final = frozenset(
    words_of("未绑定 未填写 未设置 必填 选填 保密 暂无 没有 未知 匿名 隐藏 多少 什么")
)
_NO_ACCOUNTS: Final = frozenset(
    words_of(
        "wechat weixin android windows iphone official account number github python version "
        "unionid openid appsecret appid secret client server mobile harmony desktop miniprogram"
    )
)


def _is_account(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return value not in _NO_ACCOUNTS


# An account, and what is said about it.
_SENTENCE: Final = re.compile(r"[a-z0-9_.\-]{5,}[^a-z0-9_.\-]+")


def _is_said_to_be(value: str, before: str) -> bool:
    said = before.rstrip(" \"“「'").endswith((":", "=", "是", "叫", "搜", "搜索"))
    return said and value not in _NO_NAMES and _SENTENCE.fullmatch(value) is None


def _is_chosen_name(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    chosen = any(char.isdigit() or char in "_-" for char in value)
    return chosen and not value[0].isdigit() and value not in _NO_ACCOUNTS


_NUMBERED: Final = Detector(
    label="SOCIAL_ACCT",
    name="cn-account-numbered",
    pattern=r"@?[a-z0-9][a-z0-9_.\-]{3,23}[a-z0-9_]|[a-z]( [a-z0-9_\-]){5,19}",
    not_after=r"[a-z0-9_]",
    not_before=r"[a-z0-9_@]|[.\-][a-z0-9]",
    after=(_NUMBER_OF,),
    check=_is_account,
)

_NAMED: Final = Detector(
    label="SOCIAL_ACCT",
    name="cn-account-of-service",
    pattern=r"@?[a-z][a-z0-9_.\-]{4,23}[a-z0-9_]",
    not_after=r"[a-z0-9_]",
    not_before=r"[a-z0-9_@]|[.\-][a-z0-9]",
    after=(_SERVICE,),
    check=_is_chosen_name,
)

# Names of digits alone, where numbers are no names of things.
_DIGITS: Final = Detector(
    label="SOCIAL_ACCT",
    name="cn-account-digits",
    pattern=r"\d{6,13}",
    not_after=r"[0-9_]",
    not_before=r"[a-z0-9_@]|\.\d| ?[年月日元人位个次万亿]",
    after=(_SERVICE,),
)

# Names in Chinese letters, where a sign says that one comes.
_CHOSEN: Final = Detector(
    label="SOCIAL_ACCT",
    name="cn-account-chosen-name",
    pattern=r"[\ha-z0-9_\-.]{2,15}",
    not_after=r"[\ha-z0-9_]",
    not_before=r"[\ha-z0-9_\-@]",
    after=(_HANDLE,),
    check=_is_said_to_be,
)

_QQ_NUMBER: Final = Detector(
    label="SOCIAL_ACCT",
    name="cn-qq",
    pattern=rf"[1-9]\d{{4,11}}|[1-9一二三四五六七八九幺](\s{{0,3}}{SIGN_OF_DIGIT}){{5,10}}"
    r"|[1-9]\d{2,4}[ \-]\d{2,4}([ \-]\d{2,4})?",
    # The word for it may touch the number, and nothing else that is a letter may stand between.
    not_after=r"[0-9_]",
    not_before=r"[a-z0-9_@]|\.\d| ?[年月日元号岁人位]",
    after=(_QQ,),
)

_WXID: Final = Detector(
    label="SOCIAL_ACCT",
    name="wechat-internal-id",
    pattern=r"wxid_[a-z0-9]{6,24}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
)

_AT_NAME: Final = Detector(
    label="SOCIAL_ACCT",
    name="cn-account-at",
    pattern=r"@([\ha-z0-9_\-]{2,15})",
    not_after=r"[a-z0-9_]",
    not_before=r"[\ha-z0-9_\-@]",
    after=(Context(words=words_of("微博 微博号 微博昵称 新浪微博 weibo 小红书 抖音 b站"), gap=12),),
)

CN_SOCIAL: Final = (_NUMBERED, _NAMED, _DIGITS, _CHOSEN, _QQ_NUMBER, _WXID, _AT_NAME)
