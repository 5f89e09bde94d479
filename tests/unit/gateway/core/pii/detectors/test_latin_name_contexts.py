"""Words before names."""

from gateway.core.pii.detectors.latin_name_contexts import (
    AFTER_FIELD,
    AFTER_GREETING,
    AFTER_TITLE,
    IN_CHAT,
    IN_LOG,
)


def test_words_are_folded_and_distinct() -> None:
    """Each word is in the form in which a text is read, and stands once in the short lists."""
    for context in (AFTER_FIELD, AFTER_TITLE, AFTER_GREETING, IN_CHAT, IN_LOG):
        assert all(word == word.lower() for word in context.words)
        assert context.gap <= 8
    assert "patient" in AFTER_FIELD.words
