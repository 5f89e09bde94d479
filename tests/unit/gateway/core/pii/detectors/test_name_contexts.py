"""Words around names."""

from gateway.core.pii.detectors.name_contexts import (
    AFTER_FIELD,
    AFTER_HEAD,
    AFTER_ROLE,
    NO_NAMES,
    PARTS,
    TITLES,
)


def test_fields_and_roles_are_close_to_the_name() -> None:
    """Only the head of a column reaches far."""
    assert max(AFTER_FIELD.gap, AFTER_ROLE.gap) <= 8 < AFTER_HEAD.gap


def test_words_are_not_empty() -> None:
    """Every list has words, and no word is a single space."""
    for words in (TITLES, PARTS, tuple(NO_NAMES), AFTER_FIELD.words, AFTER_ROLE.words):
        assert all(word.strip() for word in words)
