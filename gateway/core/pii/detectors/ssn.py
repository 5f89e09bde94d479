"""United States social security numbers and, of the same form, taxpayer numbers of individuals.

The rules are those of 20 CFR §422.103. A number that begins with 9 is no social security number;
with certain middle digits it is a taxpayer number (ITIN), which identifies a person just as well.
"""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Context, Detector
from gateway.core.pii.detectors.checks import continues_a_number, digits_of, mentions

_WORDS: Final = ("ssn", "social security", "social sec", "soc sec", "社会安全", "社安")


# Middle digits that the tax authority issues (IRS Publication 1915).
_ITIN_GROUPS: Final = frozenset({*range(50, 66), *range(70, 89), *range(90, 93), *range(94, 100)})


def _is_ssn(value: str, before: str) -> bool:
    digits = digits_of(value)
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if area in {"000", "666"} or group == "00" or serial == "0000":
        return False
    issued = area[0] != "9" or int(group) in _ITIN_GROUPS or mentions(before, _WORDS)
    return issued and not continues_a_number(before)


_GROUPED: Final = Detector(
    label="SSN",
    pattern=r"\d{3}(-\d{2}-|\.\d{2}\.| \d{2} )\d{4}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]|[.\-]\d",
    check=_is_ssn,
)

_IN_ONE_PIECE: Final = Detector(
    label="SSN",
    pattern=r"\d([ .\-]?\d){8}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]|[.\-]\d",
    after=(Context(words=_WORDS, gap=24, filler=None),),
    check=_is_ssn,
)

SSNS: Final = (_GROUPED, _IN_ONE_PIECE)
