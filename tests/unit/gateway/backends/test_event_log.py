"""The gateway's own log: events of the table, and of everything else only who and where."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import warnings

import pytest

from gateway.backends.event_log import EventHandler, install_event_log
from gateway.backends.fault_log import report_fault
from gateway.core.events import Event

CANARY = "canary-81c2"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Return what is written while the event log is installed; everything is put back."""
    for module, name in (
        (sys, "excepthook"),
        (sys, "unraisablehook"),
        (threading, "excepthook"),
        (warnings, "showwarning"),
        (logging, "raiseExceptions"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(logging.root, "handlers", list(logging.root.handlers))
    stream = io.StringIO()
    install_event_log(stream)
    return stream


def lines(log: io.StringIO) -> list[dict[str, str]]:
    """Return what was written, without the times; no canary is in it."""
    assert CANARY not in log.getvalue()
    found = [json.loads(line) for line in log.getvalue().splitlines()]
    assert all(line.pop("time").endswith("+00:00") for line in found)
    return found


def fail() -> None:
    """Raise something whose text is a caller's."""
    raise ValueError(CANARY)


def caught() -> ValueError:
    """Return an exception that was raised."""
    try:
        fail()
    except ValueError as fault:
        return fault
    raise AssertionError


def test_events_have_their_fields(log: io.StringIO) -> None:
    """An event of ours is written with the fields of the table and no others."""
    extra = {"kind": "ValueError", "place": "a.py:1", "prompt": CANARY}
    logging.getLogger("sealgate").error(Event.FAULT, extra=extra)
    assert lines(log) == [
        {"level": "error", "event": "fault", "kind": "ValueError", "place": "a.py:1"}
    ]


def test_bug_is_named_without_its_text(log: io.StringIO) -> None:
    """What nobody expected is written by class and place."""
    report_fault(caught())
    (line,) = lines(log)
    assert (line["event"], line["kind"]) == ("fault", "ValueError")
    assert line["place"].startswith("test_event_log.py:")


@pytest.mark.parametrize("name", ["asyncio", "uvicorn.error", "sqlalchemy.engine", "Odd Name!"])
def test_libraries_say_nothing_of_requests(log: io.StringIO, name: str) -> None:
    """Of what another logger says only who it was is kept, and the class of an exception."""
    logger = logging.getLogger(name)
    logger.setLevel(logging.WARNING)  # a listener that ran in this process silenced its server
    logger.warning("%s and %s", CANARY, 1)
    logger.error(CANARY, CANARY)  # does not even fit
    logger.error(CANARY, exc_info=caught())
    first, second, third = lines(log)
    assert first == second | {"level": "warning"}
    assert first["event"] == "foreign"
    assert third["kind"] == "ValueError"


def test_warnings_are_named_by_their_class(log: io.StringIO) -> None:
    """A warning's text and source line are not written."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning(UserWarning(CANARY), UserWarning, CANARY, 1)
    (line,) = lines(log)
    assert (line["source"], line["kind"]) == ("warnings", "UserWarning")


@pytest.mark.filterwarnings("ignore")
def test_what_nobody_caught_is_no_traceback(log: io.StringIO) -> None:
    """Uncaught in the program, in a thread or in a destructor: class and place alone."""
    fault = caught()
    sys.excepthook(type(fault), fault, fault.__traceback__)
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()

    class Dying:
        def __del__(self) -> None:
            fail()

    dying = Dying()
    del dying
    assert [line["kind"] for line in lines(log)] == ["ValueError"] * 3


def test_nothing_else_is_written_to(log: io.StringIO, capfd: pytest.CaptureFixture[str]) -> None:
    """There is one place for all, and standard output and error stay empty."""
    logging.getLogger("any").error(CANARY, exc_info=caught())
    assert capfd.readouterr() == ("", "")


def test_closed_stream_is_no_fault() -> None:
    """When nobody reads any more, the gateway goes on."""
    stream = io.StringIO()
    stream.close()
    EventHandler(stream).emit(logging.makeLogRecord({"msg": Event.NOT_READY, "levelname": "X"}))
