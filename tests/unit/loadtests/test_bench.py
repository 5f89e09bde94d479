"""The benchmark's plan."""

from loadtests.bench import loads_of, parse_arguments, shuffled


def test_every_load_is_planned_and_can_be_chosen() -> None:
    """Paced, flood, whole and first token by default; one of them when asked."""
    names = [load.name for load in loads_of(parse_arguments([]))]
    assert names == ["paced", "flood", "whole", "first"]
    [load] = loads_of(parse_arguments(["--load", "paced", "--quick"]))
    assert (load.streams, load.tokens, load.pace_seconds) == (100, 120, 0.02)


def test_nobody_always_comes_after_the_same() -> None:
    """Rounds have different orders, all take part in all of them, and another run has the same."""
    rounds = [shuffled("abcdef", number) for number in range(8)]
    assert all(sorted(one) == list("abcdef") for one in rounds)
    assert len({one[0] for one in rounds}) > 1
    assert len({one[one.index("b") - 1] for one in rounds}) > 1
    assert rounds == [shuffled("abcdef", number) for number in range(8)]
    assert shuffled((), 1) == []
