"""The benchmark's plan."""

from loadtests.bench import loads_of, parse_arguments, turned


def test_every_load_is_planned_and_can_be_chosen() -> None:
    """Paced, flood, whole and first token by default; one of them when asked."""
    names = [load.name for load in loads_of(parse_arguments([]))]
    assert names == ["paced", "flood", "whole", "first"]
    [load] = loads_of(parse_arguments(["--load", "paced", "--quick"]))
    assert (load.streams, load.tokens, load.pace_seconds) == (100, 120, 0.02)


def test_nobody_is_always_first() -> None:
    """Each round begins with another target, and all take part in all of them."""
    rounds = [turned(("a", "b", "c"), number) for number in range(4)]
    assert [one[0] for one in rounds] == ["a", "b", "c", "a"]
    assert all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert turned((), 1) == []
