"""Payment card numbers: a known issuer range, its length, and the Luhn check digit."""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Detector
from gateway.core.pii.detectors.checks import continues_a_number, digits_of, has_luhn

# The last group of a 17-digit card may be short; a short one before it is another number.
_SHORTEST_GROUP: Final = 3

# Leading digits and the lengths in use (ISO/IEC 7812 issuer ranges, longest prefix first).
_ISSUERS: Final[tuple[tuple[str, frozenset[int]], ...]] = (
    ("9558", frozenset({16, 19})),
    ("34", frozenset({15})),
    ("37", frozenset({15})),
    ("30", frozenset({14, 16, 17, 18, 19})),
    ("36", frozenset({14, 16, 17, 18, 19})),
    ("38", frozenset({14, 16, 17, 18, 19})),
    ("39", frozenset({14, 16, 17, 18, 19})),
    ("35", frozenset({16, 17, 18, 19})),
    ("2", frozenset({16})),
    ("4", frozenset({13, 16, 18, 19})),
    ("5", frozenset({16, 17, 18, 19})),
    ("6", frozenset({16, 17, 18, 19})),
)


def _is_card(value: str, before: str) -> bool:
    digits = digits_of(value)
    lengths = next((sizes for prefix, sizes in _ISSUERS if digits.startswith(prefix)), frozenset())
    if len(digits) not in lengths or not has_luhn(digits):
        return False
    return not continues_a_number(before)


BANK_CARD: Final = Detector(
    label="BANK_CARD",
    pattern=r"[2-69]([ .\-]?\d){12,18}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]|[.\-]\d",
    shortest_group=_SHORTEST_GROUP,
    check=_is_card,
)
