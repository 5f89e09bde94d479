"""File numbers of Chinese driving licences, which are twelve digits, after a word for them."""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of

_AFTER_WORD: Final = Context(
    words=(
        *words_of(
            "档案编号 档案号 档案号码 驾驶证 驾照 驾驶证号 驾驶证件 机动车驾驶 駕駛證 駕照 牌证"
        ),
        "driver_license",
        "license_no",
        "driver_licence",
        "licence_no",
    ),
    gap=20,
    filler=None,
)

CN_DRIVER_LICENCE: Final = Detector(
    label="DRIVER_LICENSE",
    name="cn-driving-licence-file",
    pattern=r"\d{4}[ \-]?\d{4}[ \-]?\d{4}|\d{12}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]|[.\-]\d",
    after=(_AFTER_WORD,),
)
