"""Names of public figures."""

from gateway.core.pii.detectors.ordinary_words import ORDINARY_WORDS
from gateway.core.pii.detectors.public_figures import PUBLIC_FIGURES


def test_they_are_no_words() -> None:
    """A name is in one list only."""
    assert not PUBLIC_FIGURES & ORDINARY_WORDS


def test_the_famous_are_there() -> None:
    """History, science, letters and fiction are known."""
    assert {"鲁迅", "孙悟空", "钱学森", "曹操", "马云", "李白"} <= PUBLIC_FIGURES
