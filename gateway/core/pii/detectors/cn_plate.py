"""Chinese number plates (GA 36): ordinary, new energy, police, trailer, consular, cross-border.

A plate begins with the character of its province and a letter without I and O. Armed police plates
begin with WJ, those of the army since 2012 with two letters.
"""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of

_PROVINCE: Final = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼滬雲遼魯蘇貴]"
_SIGN: Final = "[a-hj-np-z0-9]"
_KIND: Final = "[警学挂港澳领试超使學領]"
_AFTER_PLATE: Final = Context(
    words=(
        *words_of("车牌 车牌号 车牌号码 号牌 号牌号码 牌照 牌号 车号 军牌 車牌 plate plates"),
        "plate_no",
        "license_plate",
        "car_no",
        "plateno",
    ),
    gap=6,
)


def _has_digit(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return any(char.isdigit() for char in value)


_PLATE: Final = Detector(
    label="PLATE",
    name="cn-plate",
    pattern=rf"{_PROVINCE} ?[a-hj-z][·. \-_|*]{{0,2}}({_SIGN}{{5,6}}|{_SIGN}{{4}}{_KIND})"
    rf"|{_PROVINCE} [a-hj-z]( {_SIGN}){{5,6}}",
    not_before=r"[a-z0-9]",
    check=_has_digit,
)

# With something between the signs only where a plate was announced.
_SPACED: Final = Detector(
    label="PLATE",
    name="cn-plate-spaced",
    pattern=rf"{_PROVINCE}\s{{0,3}}[a-hj-z](\s{{0,3}}{_SIGN}){{4,5}}\s{{0,3}}({_SIGN}|{_KIND})",
    not_before=r"[a-z0-9]",
    after=(_AFTER_PLATE,),
    check=_has_digit,
)

_SPECIAL: Final = Detector(
    label="PLATE",
    name="cn-plate-special",
    pattern=rf"wj[·. \-]?{_PROVINCE}?[·. \-]?\d{{4}}{_SIGN}|使[·. ]?\d{{6}}|\d{{6}}使",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
)

_MILITARY: Final = Detector(
    label="PLATE",
    name="cn-plate-announced",
    pattern=r"[a-z]{2}[·. \-]?\d{5}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    after=(_AFTER_PLATE,),
)

CN_PLATES: Final = (_PLATE, _SPACED, _SPECIAL, _MILITARY)
