"""Models for names that hang, fail and are replaced."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from gateway.backends.timed_finder import MAX_LOST, TimedFinder
from gateway.core.errors import ScrubFailed
from gateway.core.pii.ner import Span

FOUND = [Span(0, 1, "NAME")]


class Model:
    """A model that hangs at ``hang`` until it is let go, fails at ``fail`` and finds one name."""

    def __init__(self, go: threading.Event) -> None:
        self._go = go

    def find(self, sentence: str) -> Iterator[Span]:
        """Give the name."""
        if sentence == "hang":
            self._go.wait()
        if sentence == "fail":
            raise RuntimeError(sentence)
        yield from FOUND


class Models:
    """Makes models, and remembers how many, what they raised and in which threads they are."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.made = 0
        self.broken = False
        self.slow = False
        self.is_made = threading.Event()
        self.faults: list[str] = []
        self._before = set(threading.enumerate())

    def make(self) -> Model:
        """Return a model, late if they are *slow*; raise if they are *broken*."""
        self.made += 1
        if self.broken:
            raise OSError
        if self.slow:
            self.go.wait()
            self.is_made.set()
        return Model(self.go)  # type: ignore[return-value]

    def note(self, fault: Exception) -> None:
        """Remember what a model raised."""
        self.faults.append(type(fault).__name__)

    def finder(self, seconds: float) -> TimedFinder:
        """Return what asks the models."""
        return TimedFinder(self.make(), self.make, seconds=seconds, report=self.note)  # type: ignore[arg-type]

    def threads(self) -> list[threading.Thread]:
        """Return the threads that are there because of the models."""
        return [thread for thread in threading.enumerate() if thread not in self._before]


@pytest.fixture
def models() -> Iterator[Models]:
    """Give models, and let go those that hang."""
    models = Models()
    yield models
    models.go.set()


def test_one_model_is_asked_again_and_again(models: Models) -> None:
    """What it raises ends one answer and is reported; the next sentence is asked as before."""
    finder = models.finder(5)
    assert finder.find("a") == FOUND
    with pytest.raises(ScrubFailed) as raised:
        finder.find("fail")
    assert raised.value.__context__ is None
    assert finder.find("b") == FOUND
    assert (models.made, models.faults) == (1, ["RuntimeError"])


def test_a_model_that_hangs_is_replaced(models: Models) -> None:
    """One sentence fails, and a fresh model has the next; the process could end all the same."""
    finder = models.finder(0.2)
    with pytest.raises(ScrubFailed):
        finder.find("hang")
    assert finder.find("a") == FOUND
    assert models.made == 2
    assert [thread.daemon for thread in models.threads()] == [True, True]


def test_no_more_models_than_a_few_are_lost(models: Models) -> None:
    """Then none is asked, until one of those that hang has come back."""
    finder = models.finder(0.2)
    for _ in range(MAX_LOST + 2):
        with pytest.raises(ScrubFailed):
            finder.find("hang")
    with pytest.raises(ScrubFailed):
        finder.find("a")
    lost = models.threads()
    assert (models.made, len(lost)) == (MAX_LOST, MAX_LOST)
    models.go.set()
    for thread in lost:
        thread.join()
    assert finder.find("a") == FOUND
    assert len(models.threads()) == 1


def test_a_fresh_model_that_cannot_be_made_is_tried_again(models: Models) -> None:
    """The answers until then fail, and the fault is reported."""
    finder = models.finder(0.2)
    models.broken = True
    for sentence in ("hang", "a", "a"):
        with pytest.raises(ScrubFailed):
            finder.find(sentence)
    models.broken = False
    assert finder.find("a") == FOUND
    assert (models.made, models.faults) == (4, ["OSError", "OSError"])


def test_a_fresh_model_may_take_its_time(models: Models) -> None:
    """While it is made sentences fail, but no further one is made for that."""
    finder = models.finder(0.2)
    with pytest.raises(ScrubFailed):
        finder.find("hang")
    models.slow = True
    for _ in range(2):
        with pytest.raises(ScrubFailed):
            finder.find("a")
    assert models.made == 2
    models.go.set()
    models.is_made.wait()
    assert finder.find("a") == FOUND
    assert models.made == 2
