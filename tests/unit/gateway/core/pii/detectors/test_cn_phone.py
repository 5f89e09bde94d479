"""Chinese mobile and landline numbers."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("短信发至057187654321", "短信发至[PHONE]"),
    ("电话13800138000。", "电话[PHONE]。"),
    ("138 0013 8000", "[PHONE]"),
    ("138-0013-8000", "[PHONE]"),
    ("+86 13800138000", "[PHONE]"),
    ("(+86)13800138000", "[PHONE]"),
    ("0086-138-0013-8000", "[PHONE]"),
    ("8613800138000", "[PHONE]"),
    ("+86 1 3 8 0 0 1 3 8 0 0 0", "[PHONE]"),
    ("１３８００１３８０００", "[PHONE]"),
    ("138.0013.8000", "[PHONE]"),
    ("tel13800138000", "tel[PHONE]"),
    ("wx13800138000,", "wx[PHONE],"),
    ("用户v13800138000", "用户v[PHONE]"),
    ("UserPhone13800138000", "UserPhone[PHONE]"),
    ("Tel8613800138000", "Tel[PHONE]"),
    ("mobile138 0013 8000", "mobile[PHONE]"),
    ("座机010-62345678", "座机[PHONE]"),
    ("(0755)2345-6789", "[PHONE]"),
    ("0571 8765 4321", "[PHONE]"),
    ("13800138000/13900139000", "[PHONE]/[PHONE]"),
]

NEAR_MISSES = [
    "011187654321",
    "057187654321",
    "电话3.057187654321",
    "12800138000",
    "1380013800",
    "138001380001",
    "1 3 8 0 0 1 3 8 0 0 0 7",
    "0.13800138000",
    "13800138000.5",
    "a13800138000",
    "13800138000b",
    "wx13800138000b",
    "order13800138000",
    "rev13800138000",
    "tel1138001380001",
    "0x13800138000",
    "010-1234567",
    "0108-6234567",
    "3.010-62345678",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """Mobile and landline numbers go, with or without country code and separators."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Digits of another length, prefix or grouping stay."""
    assert scrub(text) == text


@pytest.mark.parametrize("joint", ["🌸", " → ", '" + "', "★", "然后", "，再", "~"])
def test_three_decorated_groups_are_a_mobile_number(joint: str) -> None:
    """The usual grouping is telling enough without a word for telephone."""
    assert scrub(f"老地方见，{joint.join(('139', '2764', '8813'))}，到了说") == (
        "老地方见，[PHONE]，到了说"
    )


@pytest.mark.parametrize(
    "text", ["| 139 | 2764 | 8813 |", "139 + 2764 + 8813", "139, 2764, 8813", "139***2764***8813"]
)
def test_tables_sums_and_masks_are_no_mobile_number(text: str) -> None:
    """Cells, terms, lists and masked values stay."""
    assert scrub(text) == text
