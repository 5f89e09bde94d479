"""The ports of the access log: what writes and keeps it has their methods."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.backends.access_log_files import AccessLogFiles
from gateway.backends.access_log_writer import AccessLogWriter
from gateway.backends.metrics import CountingAccessLog
from gateway.core.access_log_ports import AccessLog, AccessLogArchive
from tests.fakes.control import FakeClock, make_wrap, open_log


@pytest.mark.parametrize(
    ("port", "kind"),
    [
        (AccessLog, AccessLogWriter),
        (AccessLog, CountingAccessLog),
        (AccessLogArchive, AccessLogFiles),
    ],
)
def test_methods_are_the_same(port: type, kind: type) -> None:
    """Whatever satisfies a port takes what the port takes, by the same names."""
    for name, method in inspect.getmembers(port, inspect.isfunction):
        if not name.startswith("_"):
            assert inspect.signature(getattr(kind, name)) == inspect.signature(method), name


async def test_a_type_checker_agrees(tmp_path: Path) -> None:
    """The writer takes records and the files are read, each behind its port."""
    archive: AccessLogArchive = (files := open_log(tmp_path / "log", make_wrap()))
    log: AccessLog = CountingAccessLog(AccessLogWriter(files, FakeClock()), CollectorRegistry())
    assert callable(log.write)
    assert await archive.days() == []
