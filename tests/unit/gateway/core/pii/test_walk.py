"""The walk of one stream, compiled or not."""

from __future__ import annotations

import pytest

from gateway.core.pii.detector import Context, Detector
from gateway.core.pii.machine import AnyWalk, Machine

both = pytest.mark.parametrize("compiled", [True, False])


def _never(value: str, before: str) -> bool:
    raise AssertionError  # the judge decides


DETECTORS = (
    Detector(label="A", pattern="ab{1,3}", check=_never),
    Detector(label="B", pattern="bb", not_before="x"),
    Detector(label="T", pattern="t", tail="[uv]?v", check=_never),
    Detector(label="L", pattern="@", lead="[lm]", lead_start="l", lead_limit=3, not_after="[lm]"),
    Detector(label="C", pattern="c", after=(Context(("id",)),), not_after="[z]", first_in_row=True),
)


class Court:
    """A judge that keeps what it is asked and told."""

    def __init__(self, *refused: tuple[int, int, int]) -> None:
        self.refused = refused
        self.heard: list[tuple[object, ...]] = []

    def agrees(self, order: int, begin: int, end: int) -> bool:
        self.heard.append(("agrees", order, begin, end))
        return (order, begin, end) not in self.refused

    def replace(self, order: int, begin: int, end: int) -> None:
        self.heard.append(("replace", order, begin, end))

    def drop(self, until: int) -> None:
        self.heard.append(("drop", until))


def walk(*, compiled: bool) -> AnyWalk:
    """Return a new walk."""
    return Machine(DETECTORS, compiled=compiled).walk()


@both
def test_only_the_longest_value_is_checked(*, compiled: bool) -> None:
    """A value that is a part of one that counts costs no check."""
    court, path = Court(), walk(compiled=compiled)
    assert path.take("xabb", court) == 1
    assert court.heard == []
    assert path.take(".", court) == 5
    assert court.heard == [("agrees", 0, 1, 4), ("replace", 0, 1, 4)]


@both
def test_what_is_refused_makes_room_for_the_next(*, compiled: bool) -> None:
    """Shorter ones from the same place come first, then what lies inside."""
    court, path = Court((0, 0, 3), (0, 0, 2)), walk(compiled=compiled)
    assert path.take("abb.", court) == 4
    heard = [("agrees", 0, 0, 3), ("agrees", 0, 0, 2), ("replace", 1, 1, 3)]
    assert court.heard == heard


@both
def test_what_was_swallowed_is_told(*, compiled: bool) -> None:
    """A tail is dropped as far as it is certain, and the rest of it waits."""
    court, path = Court(), walk(compiled=compiled)
    assert path.take("tvvu", court) == 3
    assert court.heard[:2] == [("agrees", 2, 0, 1), ("replace", 2, 0, 1)]
    assert court.heard[-1] == ("drop", 3)
    assert path.take("vu", court) == 5
    assert court.heard[-1] == ("drop", 5)
    assert path.take("x", court) == 7


@both
def test_a_lead_waits_no_longer_than_its_limit(*, compiled: bool) -> None:
    """What lies before is sent; of the value the part within the limit is replaced."""
    court, path = Court(), walk(compiled=compiled)
    assert path.take("lmlmlm", court) == 3
    assert path.needed() == 3
    assert path.take("@.", court) == 8
    assert court.heard == [("replace", 3, 3, 7)]


@both
def test_text_before_counts_for_contexts_and_boundaries_alone(*, compiled: bool) -> None:
    """Offsets begin with it, and no value begins in it."""
    court, path = Court(), walk(compiled=compiled)
    assert path.look_at("abb id ") == 7
    assert path.take("c.", court) == 9
    assert court.heard == [("replace", 4, 7, 8)]
    court, path = Court(), walk(compiled=compiled)
    path.look_at("id z")
    assert path.take("c.", court) == 6
    assert court.heard == []


@both
def test_skipped_text_is_not_sent(*, compiled: bool) -> None:
    """A value that began in it goes on behind it."""
    court, path = Court(), walk(compiled=compiled)
    assert path.take("xab", court) == 1
    assert path.skip() == 3
    assert path.under_way() == 2
    assert path.take("b.", court) == 5
    assert court.heard == [("agrees", 0, 1, 4), ("replace", 0, 1, 4)]


@both
def test_the_end_of_the_text_decides(*, compiled: bool) -> None:
    """What waited for more is complete or nothing."""
    court, path = Court(), walk(compiled=compiled)
    assert path.take("bb", court) == 0
    assert path.finish(court) == 2
    assert court.heard == [("replace", 1, 0, 2)]
    assert path.under_way() == 0


@both
def test_a_walk_that_failed_does_not_go_on(*, compiled: bool) -> None:
    """Whatever the judge raises goes through, and nothing more is taken."""

    class Broken(Court):
        def agrees(self, order: int, begin: int, end: int) -> bool:
            raise LookupError

    path = walk(compiled=compiled)
    with pytest.raises(LookupError):
        path.take("ab.", Broken())
    for call in (lambda: path.take("x", Court()), lambda: path.finish(Court())):
        with pytest.raises(RuntimeError, match="failed"):
            call()


@both
def test_a_judge_cannot_walk_on_meanwhile(*, compiled: bool) -> None:
    """A call inside a call is refused."""
    path = walk(compiled=compiled)

    class Restless(Court):
        def agrees(self, order: int, begin: int, end: int) -> bool:
            path.take("b", self)
            return True

    with pytest.raises(RuntimeError, match="failed"):
        path.take("ab.", Restless())
