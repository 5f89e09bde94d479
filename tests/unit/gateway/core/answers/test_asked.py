"""What an answer knows of its request."""

from gateway.core.answers.asked import Asked


def test_every_answer_has_a_tally_of_its_own() -> None:
    """What one answer cost is not counted for another."""
    first, second = Asked(), Asked()
    first.tally.see_usage(5)
    assert second.tally.tokens(request_bytes=0) == 0


def test_what_the_caller_wrote_is_not_in_the_repr() -> None:
    """Strings at which an answer ends are the caller's own."""
    assert "canary" not in repr(Asked(stops=frozenset({"canary"})))
