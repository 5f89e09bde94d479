"""The wall clock that the ``limits`` library reads, which takes none through a constructor."""

from __future__ import annotations

from datetime import UTC, datetime

import limits.aio.storage.memory
import limits.aio.strategies
import pytest

START = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)


class LibraryClock:
    """Stands still until a test moves it; as a callable it is a ``Clock`` of ours."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._now = START.timestamp()
        for module in (limits.aio.storage.memory, limits.aio.strategies):
            monkeypatch.setattr(module, "time", self)

    def __call__(self) -> datetime:
        """Return the moment at which it stands."""
        return datetime.fromtimestamp(self._now, UTC)

    def time(self) -> float:
        """Return the same moment as the library reads it."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on."""
        self._now += seconds
