"""What the gateway ever says of itself: a closed table of events and of the fields of each.

No field takes a value that comes from a request. What is not in the table, or does not look as its
field must, is dropped rather than written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Event(StrEnum):
    """Everything that can stand in the gateway's own log."""

    FAULT = "fault"
    """A bug of ours: the class of the exception and the place in our code."""

    TASK_FAILED = "task-failed"
    """A background task failed and will be tried again."""

    NOT_READY = "not-ready"
    """The gateway started and has no keys yet."""

    KEY_SERVICE_AWAY = "key-service-away"
    KEY_SERVICE_BACK = "key-service-back"

    FOREIGN = "foreign"
    """A library said something; what it said may quote a request, so only who said it is kept."""


EVENT_FIELDS: Final[Mapping[Event, frozenset[str]]] = MappingProxyType(
    {
        Event.FAULT: frozenset({"kind", "place"}),
        Event.TASK_FAILED: frozenset({"kind"}),
        Event.NOT_READY: frozenset(),
        Event.KEY_SERVICE_AWAY: frozenset({"detail"}),
        Event.KEY_SERVICE_BACK: frozenset(),
        Event.FOREIGN: frozenset({"source", "kind", "place"}),
    }
)

_SHAPES: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "kind": re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII),  # the name of a class
        "place": re.compile(r"[a-z0-9_]{1,64}\.py:[0-9]{1,6}|unknown place", re.ASCII),
        "source": re.compile(r"[a-z0-9_.]{1,64}", re.ASCII),  # the name of a logger
        "detail": re.compile(r"[A-Za-z',.: -]{1,160}", re.ASCII),  # a sentence of core.errors
    }
)


def event_fields(event: Event, given: Mapping[str, object]) -> dict[str, str]:
    """Return those of *given* that *event* may have and that look as they must."""
    named = {name: given[name] for name in sorted(EVENT_FIELDS[event]) if name in given}
    return {
        name: value
        for name, value in named.items()
        if isinstance(value, str) and _SHAPES[name].fullmatch(value)
    }
