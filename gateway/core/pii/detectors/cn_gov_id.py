"""Identity cards of Hong Kong, Macau and Taiwan, and residence cards of foreigners in China.

Sources: the check digits of the Hong Kong Immigration Department's HKID and of Taiwan's national
identification number as its Ministry of the Interior documents them. Macau's check digit is not
public, so its number counts by its form.
"""

from __future__ import annotations

import string
from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of

_AFTER_CARD: Final = Context(
    words=(
        *words_of(
            "身份证 身份證 身分证 身分證 统一编号 統一編號 证件 證件 证号 證號 台湾 台灣 臺灣 香港 "
            "澳门 澳門 hkid hkid_no identity id_card id_no id_number 居留证 居留證 居住证 居住證 "
            "回乡 bir 户籍 taiwan macau"
        ),
        "id_card",
        "id_no",
        "identity_no",
    ),
    gap=24,
    filler=None,
)
_AFTER_RESIDENCE: Final = Context(
    words=words_of("永久居留 永居证 居留身份证 外国人居留 五星卡 permanent_resident"),
    gap=16,
    filler=None,
)
# The letters of the places of first registration and their numbers.
_TAIWAN_LETTERS: Final = dict(
    zip("abcdefghjklmnpqrstuvxywzio", range(10, 36), strict=True),
)
_TAIWAN_WEIGHTS: Final = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
_BLANK: Final = 36  # the value of the missing first letter of an HKID


def _bare(value: str) -> str:
    return "".join([char for char in value if char.isalnum()])


def _is_hong_kong(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    card = _bare(value)
    body, check = card[:-1].rjust(8), card[-1]
    values = [_BLANK if char == " " else int(char, 36) for char in body]
    total = sum(v * weight for v, weight in zip(values, range(9, 1, -1), strict=True))
    return (total + (10 if check == "a" else int(check))) % 11 == 0


def _is_taiwan(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    card = _bare(value)
    second = card[1] if card[1] in string.digits else str(_TAIWAN_LETTERS[card[1]] % 10)
    digits = f"{_TAIWAN_LETTERS[card[0]]}{second}{card[2:]}"
    return sum(int(d) * w for d, w in zip(digits, _TAIWAN_WEIGHTS, strict=True)) % 10 == 0


_HONG_KONG: Final = Detector(
    label="GOV_ID",
    name="hong-kong-id",
    pattern=r"[a-z]{1,2} ?\d{6} ?\([0-9a]\)",
    not_after=r"[a-z0-9]",
    check=_is_hong_kong,
)

_HONG_KONG_PLAIN: Final = Detector(
    label="GOV_ID",
    name="hong-kong-id-announced",
    pattern=r"[a-z]{1,2}[ \-]?\d{3} ?\d{3}[ \-/]?[0-9a]",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    after=(_AFTER_CARD,),
    check=_is_hong_kong,
)

_MACAU: Final = Detector(
    label="GOV_ID",
    name="macau-id",
    pattern=r"[1578]( ?/ ?\d{6} ?/ ?\d| ?\d{6} ?\(\d\))",
    not_after=r"[a-z0-9/.\-]",
    not_before=r"[a-z0-9/]",
)

_MACAU_PLAIN: Final = Detector(
    label="GOV_ID",
    name="macau-id-announced",
    pattern=r"[1578][ \-]?\d{6}[ \-]?\d",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]|[.\-]\d",
    after=(
        Context(words=words_of("澳门居民 澳门身份证 澳门永久 澳門居民 bir"), gap=24, filler=None),
    ),
)

_TAIWAN: Final = Detector(
    label="GOV_ID",
    name="taiwan-id",
    pattern=r"[a-z][ \-]?[1289abcd](\s?\d){8}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    after=(_AFTER_CARD,),
    check=_is_taiwan,
)

_RESIDENCE: Final = Detector(
    label="GOV_ID",
    name="foreigner-residence",
    pattern=r"[a-z]{3}\d{12}|9\d{16}[0-9x]",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    after=(_AFTER_RESIDENCE,),
)

CN_GOV_IDS: Final = (_HONG_KONG, _HONG_KONG_PLAIN, _MACAU, _MACAU_PLAIN, _TAIWAN, _RESIDENCE)
