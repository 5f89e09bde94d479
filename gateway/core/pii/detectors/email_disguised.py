"""E-mail addresses whose sign and dots are words, in brackets of any kind, or decorated.

Behind a word for e-mail whatever looks like the sign counts, elsewhere only what nothing else
looks like.
"""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of

_ENDINGS: Final = (
    "com", "org", "net", "edu", "gov", "info", "me", "co", "io", "cn", "uk", "de", "c0m",
)  # fmt: skip
_BRACKETS: Final = r"[\[({\<【〔«《*_~|/\-\])}\>】〕»》]{1,2}"
_SIGN: Final = rf" ?{_BRACKETS} ?(at|@|@@|a|a t|at sign|艾特|爱特|在|arroba) ?{_BRACKETS} ?"
_JOINT: Final = r"(['\"`]{1,2}|['\"`] ?[+.&] ?['\"`])"
_WORD: Final = r" ?(圈a|花a|小老鼠|艾特|爱特) ?| at sign | 在 "
# Other than the plain dot: an address with plain signs is replaced before it ends, and not held.
_ODD_DOT: Final = (
    rf"( ?{_BRACKETS} ?(dot|\.|点|點|d o t|punto) ?{_BRACKETS} ?|[。·丶,]| ?[点點] ?| dot | \. )"
)
_DOT: Final = rf"({_ODD_DOT}|\.)"
_LABEL: Final = r"[a-z0-9\-]{1,30}"
_HOST: Final = rf"({_LABEL}{_DOT}){{1,3}}<endings>"
_ODD_HOST: Final = rf"{_LABEL}{_ODD_DOT}({_LABEL}{_DOT}){{0,2}}<endings>"
# Hosts of digits said in Chinese, such as 163.
_NUMBERED_HOST: Final = rf"[零〇一二三四五六七八九幺]{{2,6}}{_DOT}(com|cn|net)"
_AFTER: Final = Context(
    words=words_of(
        "email e-mail emails mail email_is email_me e-mail_me mail_me email_address mailto "
        "write_to "
        "邮箱 邮箱是 邮箱地址 电邮 邮件 电子邮件 电子邮箱 郵箱 信箱"
    ),
    gap=10,
)


def _disguised(name: str, pattern: str, *after: Context) -> Detector:
    return Detector(
        label="EMAIL",
        name=name,
        lead=r"[a-z0-9._%+\-]",
        lead_start=r"[a-z0-9_]",
        lead_limit=64,
        pattern=pattern,
        lists={"endings": _ENDINGS},
        not_after=r"[a-z0-9_]",
        not_before=r"[a-z0-9]",
        after=after,
    )


DISGUISED_EMAILS: Final = (
    _disguised("email-disguised", rf"({_SIGN}|{_JOINT}@{_JOINT}|{_WORD}){_HOST}|@{_ODD_HOST}"),
    _disguised(
        "email-disguised-announced",
        rf"( ?[·#]{{1,2}} ?| ?\n{{1,2}}@|@@|[ ·]{{1,2}}@[ ·]{{0,2}}|@[ ·]{{1,2}}|at)"
        rf"({_LABEL}({_DOT}|\n\.|\.\n|dot)){{1,3}}<endings>|@{_NUMBERED_HOST}",
        _AFTER,
    ),
)
