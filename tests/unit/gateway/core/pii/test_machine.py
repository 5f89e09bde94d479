"""The machine of a set of detectors, compiled or not."""

import pytest

from gateway.core.pii.compiled import IS_COMPILED
from gateway.core.pii.detector import Detector
from gateway.core.pii.machine import Machine
from gateway.core.pii.stream import StreamScrubber

ABC = Detector(label="ABC", pattern="abc")


@pytest.mark.parametrize("compiled", [True, False])
def test_streams_share_a_machine(*, compiled: bool) -> None:
    """Each has a walk of its own."""
    machine = Machine([ABC], compiled=compiled)
    one, other = StreamScrubber(machine=machine), StreamScrubber(machine=machine)
    assert one.feed("ab") == other.feed("xa")[1:] == ""
    assert one.feed("c!") + other.feed("bc.") == "[ABC]![ABC]."


def test_it_is_compiled_where_that_is_possible() -> None:
    """And never where it is not wanted."""
    assert Machine([ABC]).is_compiled is IS_COMPILED
    assert not Machine([ABC], compiled=False).is_compiled


@pytest.mark.parametrize("compiled", [True, False])
def test_a_bad_declaration_is_refused(*, compiled: bool) -> None:
    """A fault in a pattern shows when the machine is made."""
    with pytest.raises(ValueError, match="empty"):
        Machine([Detector(label="X", pattern="a?")], compiled=compiled)
