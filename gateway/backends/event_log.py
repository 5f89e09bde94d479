"""The gateway's own log: one JSON object a line on standard error, from a closed table of events.

Whatever else is logged in the process (by servers, drivers, the event loop, warnings, exceptions
that nobody caught) is written as who logged and, for an exception, its class and place in our code:
never its text, which may quote a request.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import warnings
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, TextIO

import orjson

from gateway.backends.fault_log import fault_place, report_fault
from gateway.core.events import Event, event_fields

_NO_NAME: Final = re.compile(r"[^a-z0-9_.]", re.ASCII)


class EventHandler(logging.Handler):
    """Writes what is logged to *stream*; an event that cannot be written is dropped."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of *record*. Raises nothing."""
        try:
            self._stream.write(_line(record))
            self._stream.flush()
        except (OSError, ValueError):  # standard error was closed
            return


def install_event_log(stream: TextIO) -> None:
    """Make *stream* the only place that anything in this process is logged to.

    For a program that only serves: it replaces all handlers of the root logger and what the
    interpreter would print of warnings and of exceptions that nobody caught.
    """
    for handler in list(logging.root.handlers):
        logging.root.removeHandler(handler)
    logging.root.addHandler(EventHandler(stream))
    logging.raiseExceptions = False  # else a record that does not fit is printed, arguments and all
    warnings.showwarning = _log_warning
    sys.excepthook = _log_uncaught
    sys.unraisablehook = _log_unraisable
    threading.excepthook = _log_unraisable


def _line(record: logging.LogRecord) -> str:
    if isinstance(record.msg, Event):
        event, given = record.msg, record.__dict__
    else:
        event, given = Event.FOREIGN, _foreign(record)
    head = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "event": event.value,
    }
    return orjson.dumps({**head, **event_fields(event, given)}).decode() + "\n"


def _foreign(record: logging.LogRecord) -> dict[str, str]:
    # Loggers are named by libraries; anything but a dotted name may be something else.
    named = {"source": _NO_NAME.sub("_", record.name.lower())[:64]}
    fault = record.exc_info[1] if record.exc_info else None
    if fault is None:
        return named
    return {**named, "kind": type(fault).__name__, "place": fault_place(fault.__traceback__)}


def _log_warning(
    message: Warning | str,  # noqa: ARG001  # the signature is Python's
    category: type[Warning],
    *_where: object,
    **_more: object,
) -> None:
    logging.getLogger("warnings").warning(
        Event.FOREIGN, extra={"source": "warnings", "kind": category.__name__}
    )


def _log_uncaught(
    _kind: type[BaseException], fault: BaseException, _trace: TracebackType | None
) -> None:
    report_fault(fault)


def _log_unraisable(unraisable: sys.UnraisableHookArgs | threading.ExceptHookArgs) -> None:
    if unraisable.exc_value is not None:
        report_fault(unraisable.exc_value)
