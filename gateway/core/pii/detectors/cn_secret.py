"""Passwords, keys and tokens after a Chinese word for them.

Between the two stands what people say: ``密码我改成 …``, ``口令好像是 …``. Words about passwords,
lengths, algorithms and the passwords that everybody knows stay.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.pii.detector import FILLER, Context, Detector, words_of
from gateway.core.pii.detectors.secrets import PLACEHOLDER, WELL_KNOWN, entropy, with_digit

# What stands between the word and its value: who has set it, when, and that it is so.
_SAID: Final = FILLER | frozenset(
    "我你他她您咱俩这那个已经被给把改设换成重置更新修为是就用叫做的了一下现在目前先暂时临初始默"
    "认统还填写输入"
    "记好像应该可能大概吧哈呢啦哦噢啊呀也都全请拿去收发后串值这个"
)
_PASSWORD_WORDS: Final = words_of(
    "密码 密碼 口令 暗号 暗號 passcode 开机码 锁屏码 解锁码 门锁码 门禁码 提取码 取件码 安全码 "
    "授权码 恢复码 备用码 pin码 密码锁 密匙 秘钥 凭证 暗语 通行码 认证码 鉴权码 "
    "激活码"
)
_KEY_WORDS: Final = (
    *words_of(
        "密钥 秘钥 密匙 密鑰 私钥 令牌 授权码 访问令牌 凭据 corpsecret corp_secret "
        "encodingaeskey aeskey aes_key mchkey usersecret suitesecret appsecret app_secret appkey "
        "app_key secretkey secretid accesskey accesskeyid accesskeysecret apikey api_key api密钥 "
        "ak sk 鉴权码 激活码 签名key token值 access_token accesstoken sessionid jsessionid "
        "机器人key key是 secret是 token是"
    ),
    "app_secret",
    "app_key",
    "access_key_id",
    "access_key_secret",
    "secret_id",
)
_AFTER_PASSWORD: Final = Context(words=_PASSWORD_WORDS, gap=20, filler=_SAID)
# Passwords have exclamation marks in them, so those end no sentence here.
_NEAR_PASSWORD: Final = Context(words=_PASSWORD_WORDS, gap=40, filler=None, stops=frozenset("。；"))
_AFTER_KEY: Final = Context(words=_KEY_WORDS, gap=20, filler=_SAID)
_NEAR_KEY: Final = Context(words=words_of("密钥 秘钥 私钥 令牌 密匙"), gap=24, filler=None)
_AFTER_MNEMONIC: Final = Context(
    words=words_of("助记词 助记 mnemonic seed_phrase recovery_phrase"), gap=20, filler=_SAID
)

_SIGN: Final = r"[a-z0-9!@#$%^&*_+=?.\-~/]"
# Algorithms, standards, versions, days, links, files: texts about passwords name them.
_NO_PASSWORD: Final = re.compile(
    r"(sha|md|aes|rsa|des|hmac|bcrypt|argon|pbkdf|base|utf|sm|tls|ssl|wpa|oauth|rfc|gb|iso|iec|"
    r"http|ipv|win|x)[a-z]{0,3}[\-_/]?v?\d.*|v?\d+(\.\d+)+|\d{4}[/\-.]\d{1,2}[/\-.]\d{1,2}|"
    r"https?:.*|[^@]+@[a-z0-9\-]+\.[a-z.]+|[a-z0-9_\-]+\.(txt|md|py|js|json|ya?ml|conf|docx?|pdf)"
)
_ENDS: Final = ".,;:)]}\"'`"
_FEWEST: Final = 4
_MOST_DIGITS: Final = 12
_STRONG: Final = 8
_SAYS_SO: Final = re.compile(r"(?:[:=]|就|或|或者|试|换|用|是|为|成)[\s\"'`“‘「]*$")
_MIXED: Final = re.compile(r"[a-z].*[!@#$%^&*?]|[!@#$%^&*?].*[a-z]")
_LEAST_ENTROPY: Final = 2.8


def _kinds(plain: str) -> int:
    """Return how many of letters, digits and signs *plain* is made of."""
    return sum(re.search(kind, plain) is not None for kind in (r"[a-z]", r"\d", r"[^a-z0-9]"))


def _is_password(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    plain = value.rstrip(_ENDS)
    if len(plain) < _FEWEST or PLACEHOLDER.search(value) or WELL_KNOWN.fullmatch(plain):
        return False
    if _NO_PASSWORD.fullmatch(plain):
        return False
    if plain.isdigit():
        return len(plain) <= _MOST_DIGITS
    return _kinds(plain) > 1 and re.search(r"\d|[!@#$%^&*]", plain) is not None


def _is_strong(value: str, before: str) -> bool:
    """Say whether *value* looks like a password by itself, or is said to be one."""
    if not _is_password(value, before):
        return False
    if _SAYS_SO.search(before):
        return len(value) >= _STRONG or value.isdigit()
    return len(value) >= _STRONG and _MIXED.search(value) is not None


def _is_key(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    if PLACEHOLDER.search(value) or value.startswith(("http", "www.")):
        return False
    return entropy(value) > _LEAST_ENTROPY


_PASSWORD: Final = Detector(
    label="SECRET",
    name="cn-password",
    pattern=rf"{_SIGN}{{4,40}}",
    not_after=_SIGN,
    not_before=r"[a-z0-9!@#$%^&*_+=?\-~/(]| ?[位个次天种年月日分秒条种字]",
    after=(_AFTER_PASSWORD,),
    check=_is_password,
)

_NEAR: Final = Detector(
    label="SECRET",
    name="cn-password-near",
    pattern=rf"{_SIGN}{{4,40}}",
    not_after=_SIGN,
    not_before=r"[a-z0-9!@#$%^&*_+=?\-~/(]| ?[位个次天种年月日分秒条种字元]",
    after=(_NEAR_PASSWORD,),
    check=_is_strong,
)

_KEY: Final = Detector(
    label="SECRET",
    name="cn-key",
    pattern=with_digit(16),
    tail=r"[a-z0-9_\-./+=~]",
    not_after=r"[a-z0-9_\-./+]",
    after=(_AFTER_KEY, _NEAR_KEY),
    check=_is_key,
)

# What mail services give to programs: sixteen letters.
_MAIL_CODE: Final = Detector(
    label="SECRET",
    name="cn-mail-code",
    pattern=r"\l{16}|\l{4}( \l{4}){3}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9_\-.]",
    after=(Context(words=words_of("授权码 专用密码 应用密码 独立密码"), gap=12, filler=_SAID),),
)

_MNEMONIC: Final = Detector(
    label="SECRET",
    name="mnemonic",
    pattern=r"[a-z]{3,8}([ ,]{1,2}[a-z]{3,8}){11,23}",
    not_after=r"[a-z]",
    not_before=r"[a-z]",
    after=(_AFTER_MNEMONIC,),
)

CN_SECRETS: Final = (_PASSWORD, _NEAR, _KEY, _MAIL_CODE, _MNEMONIC)
