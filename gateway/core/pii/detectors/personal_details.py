"""Dates of birth, addresses of machines, and accounts of social networks."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of

_BOUNDARY: Final = r"[a-z0-9]"
_MONTH: Final = (
    r"(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|"
    r"nov(ember)?|dec(ember)?)"
)
_ORDINAL: Final = (
    r"(first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|"
    r"(thir|four|fif|six|seven|eigh|nine)teenth|twentieth|thirtieth|"
    r"(twenty|thirty)[ \-](first|second|third|fourth|fifth|sixth|seventh|eighth|ninth))"
)
_DATE: Final = (
    r"\d{1,2}[/.\-]\d{1,2}[/.\-](\d{4}|\d{2})|\d{4}[/.\-]\d{1,2}[/.\-]\d{1,2}|(19|20)\d{6}|"
    rf"\d{{1,2}}(st|nd|rd|th)?[ \-/.](of )?{_MONTH}\.?,?[ \-/.]\d{{2,4}}|"
    rf"{_MONTH}\.? \d{{1,2}}(st|nd|rd|th)?,? (\d{{4}}|'\d{{2}})|(19|20)\d{{2}}-{_MONTH}-\d{{2}}|"
    r"\d{1,2}[ \n/.\-]{1,3}\d{1,2}[ \n/.\-]{1,3}\d{4}|\d{4} ?[/.\-] ?\d{1,2} ?[/.\-] ?\d{1,2}|"
    rf"{_ORDINAL}( of)? {_MONTH},? \d{{4}}"
)
_BIRTH: Final = Context(
    words=(
        *words_of(
            "born dob d.o.b d.o.b. birth birthday birthdate date_of_birth born_on b. bday "
            "birthdays b-day b/d bd birth_dt dob_on_file natal_day geburtsdatum geb. "
            "fecha_de_nacimiento date_of_birth_is dateofbirth birth_date geboren née né"
        ),
        "birth_date",
        "date_of_birth",
    ),
    gap=30,
    filler=None,
)
_SOCIAL: Final = Context(
    words=words_of(
        "instagram insta ig telegram tg discord twitter x.com tiktok snapchat snap whatsapp "
        "line_id skype signal facebook fb linkedin github handle handles username reddit "
        "mastodon threads "
        "wechat kakao viber youtube twitch steam psn xbox gamertag bluesky pinterest tumblr venmo "
        "cashapp zalo bsky bereal kakaotalk tik_tok icq screen_name screenname nickname "
        "cashtag cash_app socialhandle find_me_as dm_me_at i_go_by"
    ),
    gap=16,
    filler=None,
)
_MET: Final = re.compile(
    r"(?:\b(?:me|as|am|i'm|ping|dm|message|add|follow|find|user|contact|reach|is|i go by)|[:(]) ?$"
)
_SAYS_IP: Final = re.compile(r"\bip")
_NO_HANDLE: Final = frozenset(
    words_of("media everyone here channel all param return override property author gmail yahoo")
)


_SOCIAL_NEXT: Final = Context(
    words=words_of(
        "instagram insta ig telegram tg discord twitter tiktok snapchat snap skype handle username "
        "reddit wechat kik twitch steam psn xbox gamertag bluesky venmo cashapp threads mastodon"
    ),
    gap=8,
    filler=frozenset(" :=-@\"'`*("),
)


def _is_public_ip(value: str, before: str) -> bool:
    try:
        address = ipaddress.ip_address(value.strip("[]"))
    except ValueError:
        return False
    if re.search(r"(?:version|ver|v|release|firmware|section|build|chapter|§)[ .:]*$", before):
        return False
    return address.is_global


def _is_handle(value: str, before: str) -> bool:
    handle = value.lstrip("@")
    telling = value.startswith("@") or any(not c.isalpha() for c in handle)
    announced = re.search(r"(?:[:=]|\bis|handle|username|id)[\s\"'`*]*$", before) is not None
    return (
        handle not in _NO_HANDLE
        and len(handle) > 2
        and telling
        and (announced or value.startswith("@") or "_" in handle or "#" in handle)
    )


def _is_telling_handle(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    """Say whether *value* joins letters with digits or signs as handles do and versions do not."""
    letters = sum(char.isalpha() for char in value)
    return letters > 3 and letters < len(value) and value not in _NO_HANDLE


def _is_given(value: str, before: str) -> bool:
    """Say whether *value* is marked as a name, or somebody is to be met under it."""
    return value.startswith("@") or _MET.search(before) is not None


def _is_hidden_ip(value: str, before: str) -> bool:
    # Commas stand between the numbers of any list: of an address only where it is said to be one.
    if "," in value and not _SAYS_IP.search(before):
        return False
    return _is_public_ip(re.sub(r"[^0-9]+", ".", value), before)


_IPV4: Final = Detector(
    label="IP",
    name="ip-v4",
    pattern=r"\d{1,3}(\.\d{1,3}){3}",
    not_after=r"[a-z0-9.]",
    not_before=r"[a-z0-9]|\.\d",
    check=_is_public_ip,
)
_IPV4_HIDDEN: Final = Detector(
    label="IP",
    name="ip-v4-hidden",
    pattern=r"\d{1,3}( ?(\[\.\]|\(\.\)|\[dot\]|\(dot\)| dot |\.|,) ?\d{1,3}){3}",
    not_after=r"[a-z0-9.]",
    not_before=r"[a-z0-9]|\.\d",
    after=(
        Context(words=words_of("ip ip_address ipv4 host server address from"), gap=20, filler=None),
    ),
    check=_is_hidden_ip,
)
_IPV6: Final = Detector(
    label="IP",
    name="ip-v6",
    pattern=r"[0-9a-f]{1,4}(::?[0-9a-f]{1,4}){2,7}(::)?|[0-9a-f]{1,4}(:[0-9a-f]{1,4}){1,6}::",
    not_after=r"[a-z0-9:.]",
    not_before=r"[a-z0-9:]",
    check=_is_public_ip,
)
_MAC: Final = Detector(
    label="MAC",
    name="mac-announced",
    pattern=r"[0-9a-f]{2}([:\-][0-9a-f]{2}){5}",
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    after=(
        Context(
            words=words_of("mac mac_address hwaddr ether ethernet device"), gap=20, filler=None
        ),
    ),
)
_DOB: Final = Detector(
    label="DOB",
    name="birth-announced",
    pattern=_DATE,
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    after=(_BIRTH,),
)
_HANDLE: Final = Detector(
    label="SOCIAL_ACCT",
    name="social-announced",
    pattern=r"@?[a-z0-9_][a-z0-9_.\-]{1,28}[a-z0-9_](#\d{4})?",
    not_after=r"[a-z0-9_@/.]",
    not_before=r"[a-z0-9_@/(]",
    after=(_SOCIAL,),
    check=_is_handle,
)
_HANDLE_NEXT: Final = Detector(
    label="SOCIAL_ACCT",
    name="social-next",
    pattern=r"[a-z][a-z0-9_.]{4,28}[a-z0-9_]",
    not_after=r"[a-z0-9_/.]",
    not_before=r"[a-z0-9_@/(=]",
    after=(_SOCIAL_NEXT,),
    check=_is_telling_handle,
)
_QQ: Final = Detector(
    label="SOCIAL_ACCT",
    name="social-qq",
    pattern=r"[1-9]\d{4,10}",
    not_after=r"[a-z0-9.]",
    not_before=r"[a-z0-9]|\.\d",
    after=(Context(words=words_of("qq qq_is qq_no qq_number qq_id"), gap=6),),
)
# The network named behind; only names that letters alone do not make up.
_NAMED_BEHIND: Final = Detector(
    label="SOCIAL_ACCT",
    name="social-named-behind",
    pattern=r"@?[a-z][a-z0-9.]{1,20}[_0-9][a-z0-9_.]{0,20}",
    not_after=r"[a-z0-9_@/.]",
    followed_by=(
        r" on (insta|telegram|twitter|tiktok|snap|discord|twitch|slack|reddit|wechat|threads)"
    ),
    check=_is_given,
)
_PROFILE: Final = Detector(
    label="SOCIAL_ACCT",
    name="social-profile",
    pattern=(
        r"(t\.me|instagram\.com|twitter\.com|x\.com|tiktok\.com|facebook\.com|fb\.com|wa\.me|"
        r"linkedin\.com/in|snapchat\.com/add)/@?[a-z0-9_.\-]{3,30}"
    ),
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
)
_DISCORD: Final = Detector(
    label="SOCIAL_ACCT",
    name="social-discord",
    pattern=r"[a-z0-9_.]{2,30}#\d{4}",
    not_after=r"[a-z0-9_.#]",
    not_before=_BOUNDARY,
    after=(_SOCIAL,),
)

DETAILS: Final = (
    _IPV4,
    _IPV4_HIDDEN,
    _IPV6,
    _MAC,
    _DOB,
    _HANDLE,
    _HANDLE_NEXT,
    _QQ,
    _NAMED_BEHIND,
    _PROFILE,
    _DISCORD,
)
