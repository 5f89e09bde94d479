"""Unified social credit codes of organisations (GB 32100-2015) and the tax numbers before them.

Eighteen characters without I, O, S, V and Z: authority, kind, six digits of the region, nine
characters of the organisation, and a check character to base 31.
"""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of

_ALPHABET: Final = "0123456789abcdefghjklmnpqrtuwxy"
_SIGN: Final = "[0-9a-hj-npqrtuwxy]"
_BASE: Final = 31
_AFTER_CODE: Final = Context(
    words=(
        *words_of(
            "信用代码 信用代碼 社会信用 税号 稅號 纳税人识别号 纳税识别号 识别号 纳税人 "
            "组织机构代码 机构代码 注册号 执照号 营业执照 uscc tax_id tax_no"
        ),
        "credit_code",
        "tax_no",
        "tax_id",
        "uscc",
        "creditcode",
    ),
    gap=12,
)


def _is_code(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    total = sum(
        _ALPHABET.index(char) * pow(3, place, _BASE) for place, char in enumerate(value[:17])
    )
    return _ALPHABET[-total % _BASE] == value[17]


_VALID: Final = Detector(
    label="USCC",
    name="uscc",
    pattern=rf"[1-9any][1-59]\d{{6}}{_SIGN}{{10}}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    check=_is_code,
)

_ANNOUNCED: Final = Detector(
    label="USCC",
    name="uscc-announced",
    pattern=rf"{_SIGN}{{2}}([ \-]?\d){{6}}([ \-]?{_SIGN}){{9,10}}|\d{{15}}|[a-z0-9]{{8}}-[0-9x]",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    after=(_AFTER_CODE,),
)

CN_USCCS: Final = (_VALID, _ANNOUNCED)
