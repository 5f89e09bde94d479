"""The listeners run on both event loops: the one of Python and the one that ``serve`` uses."""

from __future__ import annotations

import asyncio

import uvloop

ON_BOTH_LOOPS = ("test_http_server.py", "test_accepted_connections.py")


def pytest_asyncio_loop_factories(config, item):
    """Return the loops that a test runs on, by name."""
    both = {"uvloop": uvloop.new_event_loop} if item.path.name in ON_BOTH_LOOPS else {}
    return {"asyncio": asyncio.new_event_loop, **both}
