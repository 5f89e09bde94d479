"""What the gateway says of itself: a closed table."""

from __future__ import annotations

import pytest

from gateway.core.events import EVENT_FIELDS, Event, event_fields


def test_every_event_has_its_fields() -> None:
    """No event without a row, no row without an event."""
    assert set(EVENT_FIELDS) == set(Event)


def test_fields_of_the_event_are_kept() -> None:
    """What an event may have is written."""
    given = {"kind": "ValueError", "place": "chain.py:12"}
    assert event_fields(Event.FAULT, given) == given


@pytest.mark.parametrize("event", Event)
def test_other_fields_are_dropped(event: Event) -> None:
    """A field that is not in the table is not written, whatever it holds."""
    given = dict.fromkeys(("path", "model", "prompt", "message", "args", "ip"), "canary")
    assert event_fields(event, given) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "ValueError: canary"),
        ("kind", "canary\n"),
        ("kind", b"canary"),
        ("kind", "x" * 65),
        ("place", "/tmp/canary.py:1"),
        ("place", "chain.py:12 canary"),
        ("source", "canary canary"),
        ("detail", "token 81c2"),
        ("detail", "a" * 161),
    ],
)
def test_what_does_not_look_as_it_must_is_dropped(name: str, value: object) -> None:
    """A value that could be something of a caller's is not written."""
    for event in Event:
        assert name not in event_fields(event, {name: value})
