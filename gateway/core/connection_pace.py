"""How long a connection may take for each part of what it does.

A connection that does nothing, or too little, loses its place: time is an argument, so nothing here
waits, and whoever has many connections asks each of them now and then.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

_FOREVER: Final = float("inf")
_LEAVE_SECONDS: Final = 5.0
"""How long what a client still sends is thrown away, so that it can read its answer."""


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """The times of a connection, in seconds.

    A head must be whole *head_seconds* after its first byte, the first one after the connection
    was made. A connection without a request is closed after *idle_seconds*. A body must bring
    *body_bytes_per_second* in each *body_window_seconds*. A client that takes nothing of what is
    there for it during *write_seconds* is given up. *certificate_seconds* after the connection was
    made the answer to a client with a certificate is its last: revocations are read in handshakes.
    """

    head_seconds: float = 5.0
    idle_seconds: float = 30.0
    body_bytes_per_second: int = 500
    body_window_seconds: float = 10.0
    write_seconds: float = 60.0
    certificate_seconds: float = 60.0

    @property
    def look_seconds(self) -> float:
        """How often a connection should be asked: a tenth of what is shortest, within bounds."""
        shortest = min(
            self.head_seconds, self.idle_seconds, self.body_window_seconds, self.write_seconds
        )
        return min(0.5, max(0.02, shortest / 10))


class Overdue(Enum):
    """What took too long."""

    HEAD = auto()
    IDLE = auto()
    BODY = auto()
    READER = auto()
    LEAVING = auto()


class ConnectionPace:
    """The time of one connection. It begins where the first head is awaited, at *now*."""

    __slots__ = ("_body_bytes", "_ends_at", "_limits", "_part", "_taken_at", "_unsent")

    def __init__(self, limits: PaceLimits, now: float) -> None:
        self._limits = limits
        self._unsent, self._taken_at = 0, now
        self._body_bytes = 0
        self.await_head(now)

    def await_head(self, now: float) -> None:
        """Give a head its time: it has begun."""
        self._part, self._ends_at = Overdue.HEAD, now + self._limits.head_seconds

    def await_request(self, now: float) -> None:
        """Give the next request its time: an answer is over."""
        self._part, self._ends_at = Overdue.IDLE, now + self._limits.idle_seconds

    def await_body(self, now: float) -> None:
        """Give a body its time: it begins, or goes on after it was not read for a while."""
        self._part, self._body_bytes = Overdue.BODY, 0
        self._ends_at = now + self._limits.body_window_seconds

    def feed_body(self, size: int) -> None:
        """Count *size* bytes of a body."""
        self._body_bytes += size

    def answer(self) -> None:
        """Stop the time: the request is whole, and the application works."""
        self._ends_at = _FOREVER

    def leave(self, now: float) -> None:
        """Give the client time to take what was sent to it; nothing more is read."""
        self._part, self._ends_at = Overdue.LEAVING, now + _LEAVE_SECONDS

    def find_overdue(self, now: float, *, unsent_bytes: int) -> Overdue | None:
        """Return what took too long, if anything did. *unsent_bytes* wait for the client."""
        if unsent_bytes == 0 or unsent_bytes < self._unsent:
            self._taken_at = now
        self._unsent = unsent_bytes
        if now - self._taken_at >= self._limits.write_seconds:
            return Overdue.READER
        if now < self._ends_at:
            return None
        if self._part is Overdue.LEAVING and unsent_bytes:
            return None
        enough = self._limits.body_bytes_per_second * self._limits.body_window_seconds
        if self._part is Overdue.BODY and self._body_bytes >= enough:
            self.await_body(now)
            return None
        return self._part
