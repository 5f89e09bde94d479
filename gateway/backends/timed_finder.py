"""A model for names that nobody waits for in vain: it works in a thread that can be given up.

A thread cannot be stopped. One whose model is late is left to itself, and a fresh model in a thread
of its own takes its place. While too many are lost so, no model is asked and every answer ends.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Final

from gateway.core.errors import ScrubFailed
from gateway.core.pii.ner import EntityFinder, Span

Report = Callable[[Exception], None]

MAX_LOST: Final = 3
"""Models that may hang at once. Each keeps its memory, and what hangs so often does not recover."""


class TimedFinder:
    """An ``EntityFinder`` that asks models which *make* makes, one after the other; *first* is one.

    Raises ``ScrubFailed`` for a sentence that is not answered within *seconds* and for whatever a
    model raises; *report* gets that. Like a model it is to be called from one thread.
    """

    def __init__(
        self,
        first: EntityFinder,
        make: Callable[[], EntityFinder],
        *,
        seconds: float,
        report: Report,
    ) -> None:
        self._make = make
        self._seconds = seconds
        self._report = report
        self._model = _ModelThread(lambda: first, report)
        self._lost: list[_ModelThread] = []

    def find(self, sentence: str) -> list[Span]:
        """Return the values in *sentence*."""
        if not self._model.is_alive():
            self._begin_anew()
        # A fresh model that is not there yet is no model that hangs.
        if not self._model.is_loaded.wait(self._seconds):
            raise ScrubFailed
        found = self._model.find(sentence, self._seconds)
        if found is None:
            raise ScrubFailed
        return found

    def _begin_anew(self) -> None:
        self._lost = [model for model in [*self._lost, self._model] if model.is_running()]
        if len(self._lost) >= MAX_LOST:
            raise ScrubFailed
        self._model = _ModelThread(self._make, self._report)


class _ModelThread:
    """A model, made and asked in one thread, which ends when the model was late, if ever it can.

    *is_loaded* says whether it was made, or could not be.
    """

    def __init__(self, make: Callable[[], EntityFinder], report: Report) -> None:
        self._make = make
        self._report = report
        self._is_late = False
        self._sentences: SimpleQueue[str | None] = SimpleQueue()
        self._found: SimpleQueue[list[Span] | None] = SimpleQueue()
        self.is_loaded = Event()
        # A daemon, so that the process can end whatever the model does.
        self._thread = Thread(target=self._work, name="model", daemon=True)
        self._thread.start()

    def is_running(self) -> bool:
        """Say whether the model still works at something."""
        return self._thread.is_alive()

    def is_alive(self) -> bool:
        """Say whether it can be asked."""
        return self.is_running() and not self._is_late

    def find(self, sentence: str, seconds: float) -> list[Span] | None:
        """Return the values in *sentence*, or None if the model fails or is late: then for good."""
        self._sentences.put(sentence)
        try:
            return self._found.get(timeout=seconds)
        except Empty:
            self._is_late = True
            self._sentences.put(None)
            return None

    def _work(self) -> None:
        try:
            finder = self._make()
        except Exception as fault:  # noqa: BLE001  # of a model that is not ours
            self._report(fault)
            self._found.put(None)
            return
        finally:
            self.is_loaded.set()
        while (sentence := self._sentences.get()) is not None:
            found = None
            try:
                found = list(finder.find(sentence))  # here, if it is made while it is read
            except Exception as fault:  # noqa: BLE001  # of a model that is not ours
                self._report(fault)
            self._found.put(found)
