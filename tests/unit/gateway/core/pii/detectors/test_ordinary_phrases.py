"""The list of longer ordinary words."""

from gateway.core.pii.detectors.ordinary_phrases import ORDINARY_PHRASES


def test_phrases_are_longer_than_words() -> None:
    """Only what is longer than two characters is here, idioms among it."""
    assert min(map(len, ORDINARY_PHRASES)) > 2
    assert "丰功伟绩" in ORDINARY_PHRASES
