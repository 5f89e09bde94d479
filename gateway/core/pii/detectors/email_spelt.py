"""E-mail addresses written so that machines shall not find them: ``ann [at] example (dot) com``."""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of

# In brackets of any kind, or as the Chinese words for the sign and the dot.
_AT: Final = (
    r"( -at- | ?(\[ ?(at|@|艾特) ?\]|\( ?(at|@|艾特) ?\)|\{ ?(at|@) ?\}|（ ?(at|艾特) ?）|"
    r"\< ?(at|@) ?\>|"
    r"艾特|爱特|['\"] ?[+.] ?['\"]@['\"] ?[+.] ?['\"]) ?)"
)
_DOT: Final = (
    r"( -dot- | ?(\.|\[ ?(dot|\.|点) ?\]|\( ?(dot|\.|点) ?\)|\{ ?(dot|\.) ?\}|"
    r"\< ?(dot|\.) ?\>|点|點) ?)"
)
# As words alone they are ordinary English, so a well-known ending must follow.
_ENDINGS: Final = ("com", "org", "net", "edu", "gov", "info", "me", "co", "io", "cn", "uk", "de")

# Where most people have their address.
_PROVIDERS: Final = (
    "qq", "163", "126", "139", "189", "188", "sina", "sohu", "yeah", "foxmail", "aliyun", "gmail",
    "outlook", "hotmail", "live", "yahoo", "icloud", "me", "proton", "protonmail", "tom", "21cn",
)  # fmt: skip
# What stands after "at" when no address does.
_ARTICLES: Final = (
    " at the ",
    " at a ",
    " at an ",
    " at this ",
    " at that ",
    " at our ",
    " at my ",
)


def _names_a_host(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return not any(article in value for article in _ARTICLES)


_BRACKETED: Final = Detector(
    label="EMAIL",
    name="email-bracketed",
    lead=r"[a-z0-9._%+\-]",
    lead_start=r"[a-z0-9_]",
    lead_limit=64,
    pattern=rf"{_AT}([a-z0-9\-]{{1,30}}( dot |{_DOT})){{1,4}}[a-z]{{2}}",
    tail=r"[a-z]",
    not_after=r"[a-z0-9_]",
)

_SPACED: Final = Detector(
    label="EMAIL",
    name="email-spaced",
    lead=r"[a-z0-9._%+\-]",
    lead_start=r"[a-z0-9_]",
    lead_limit=64,
    pattern=rf"( @ ?|@ |@\n {{0,8}})([a-z0-9\-]{{1,30}}( dot |{_DOT})){{1,4}}<endings>",
    lists={"endings": _ENDINGS},
    not_after=r"[a-z0-9_]",
    not_before=r"[a-z0-9]",
)

_IN_WORDS: Final = Detector(
    label="EMAIL",
    name="email-in-words",
    lead=r"[a-z0-9._%+\-]",
    lead_start=r"[a-z0-9_]",
    lead_limit=64,
    pattern=r" at ([a-z0-9\-]{1,30} (dot|点) ){1,4}<endings>",
    lists={"endings": _ENDINGS},
    check=_names_a_host,
    not_after=r"[a-z0-9_]",
    not_before=r"[a-z0-9]",
)

# The sign or the dots written as something that looks like them, or between other signs.
_ODD: Final = Detector(
    label="EMAIL",
    name="email-with-odd-signs",
    lead=r"[a-z0-9._%+\-]",
    lead_start=r"[a-z0-9]",
    lead_limit=64,
    pattern=(
        r"@[a-z0-9\-]{1,30}([·。]|[_*~]dot[_*~])([a-z0-9\-]{1,30}[.·。]){0,2}<endings>|"
        r"[_*~\-]at[_*~\-]([a-z0-9]{1,30}[_*~\-]dot[_*~\-]){1,3}<endings>"
    ),
    lists={"endings": _ENDINGS},
    not_after=r"[a-z0-9_]",
    not_before=r"[a-z0-9]",
)

_HASHED: Final = Detector(
    label="EMAIL",
    name="email-with-number-sign",
    lead=r"[a-z0-9._%+\-]",
    lead_start=r"[a-z0-9]",
    lead_limit=64,
    pattern=r"[#&$]<provider>[.·。](com|cn|net|org)",
    lists={"provider": _PROVIDERS},
    not_after=r"[a-z0-9_]",
    not_before=r"[a-z0-9]",
)

_LETTER_BY_LETTER: Final = Detector(
    label="EMAIL",
    name="email-letter-by-letter",
    pattern=r"[a-z0-9]( [a-z0-9._\-]){3,40} @( [a-z0-9.\-]){4,40}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]| [a-z0-9.\-]( |.)",
    after=(Context(words=words_of("email e-mail mail me address contact write"), gap=20),),
)

# After a word for it, an address may be written as one says it, and with a slip.
_SAID: Final = Detector(
    label="EMAIL",
    name="email-said",
    lead=r"[a-z0-9._%+\-]",
    lead_start=r"[a-z0-9_]",
    lead_limit=64,
    pattern=r"( at |@@|@)([a-z0-9\-]{1,30}( ?[.,] ?| dot )){1,3}<endings>",
    lists={"endings": _ENDINGS},
    not_after=r"[a-z0-9_]",
    not_before=r"[a-z0-9]",
    after=(
        Context(
            words=words_of("email e-mail emails mail email_is email_address mailto write_to"),
            gap=16,
        ),
    ),
)
_EMPHASISED: Final = Detector(
    label="EMAIL",
    name="email-emphasised",
    lead=r"[a-z0-9._%+\-]",
    lead_start=r"[a-z0-9_]",
    lead_limit=64,
    pattern=r"\*\*@([a-z0-9\-]{1,63}\.){1,4}[a-z]{2}",
    tail=r"(\.|-{1,3})?[a-z0-9]",
    not_after=r"[a-z0-9_*]",
    # Of a masked address only the first letters stand before the stars.
    check=lambda value, before: value.index("*") > 4,  # noqa: ARG005 - the form of Detector.check
)

SPELT_EMAILS: Final = (
    _BRACKETED,
    _SPACED,
    _IN_WORDS,
    _ODD,
    _HASHED,
    _LETTER_BY_LETTER,
    _SAID,
    _EMPHASISED,
)
