"""Empty stores, quickly: the migrations run once, and every store after the first is a copy."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.engine import make_url

from gateway.backends.database.upgrade import upgrade


def make_database(database_url: str) -> None:
    """Make the file of *database_url*, as ``upgrade`` does where there is none."""
    path = Path(make_url(database_url).database or "")
    path.touch(0o600, exist_ok=False)
    path.write_bytes(_empty_database())


@cache
def _empty_database() -> bytes:
    with TemporaryDirectory() as folder, ThreadPoolExecutor() as another_thread:
        path = Path(folder) / "store.db"
        # An event loop of its own, since the caller may be on one.
        another_thread.submit(asyncio.run, upgrade(f"sqlite+aiosqlite:///{path}")).result()
        assert list(path.parent.iterdir()) == [path]  # nothing is left in a log beside it
        return path.read_bytes()
