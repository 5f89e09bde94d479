"""What an answer knows of its request."""

from gateway.core.answers.asked import Asked


def test_every_answer_has_a_tally_of_its_own() -> None:
    """What one answer cost is not counted for another."""
    first, second = Asked(), Asked()
    first.tally.see_usage(5)
    assert second.tally.tokens(request_bytes=0) == 0
