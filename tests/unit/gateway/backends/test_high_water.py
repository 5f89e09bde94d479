"""The mark outside of the store: it never falls, and an old copy is noticed."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.backends.database.store import DatabaseStore
from gateway.backends.high_water import HighWater
from gateway.core.errors import StoreUnavailable


def test_it_never_falls(tmp_path: Path) -> None:
    """Whoever writes it and in whatever order, the highest number stays; none is 0."""
    path = tmp_path / "high-water"
    assert HighWater(path).read() == 0
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(HighWater(path).raise_to, [9, 10, 3, 100, 99, 1]))
    assert HighWater(path).read() == 100
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_number_is_refused(tmp_path: Path) -> None:
    """A mark that cannot be read is not taken for none; an unfinished first one is."""
    path = tmp_path / "high-water"
    path.write_bytes(b"")
    assert HighWater(path).read() == 0
    path.write_text("many")
    with pytest.raises(StoreUnavailable, match="does not hold a number"):
        HighWater(path).read()


async def test_rise_is_noticed(tmp_path: Path) -> None:
    """Who waits hears of a change of another process; a mark that is no number tells nothing."""
    path = tmp_path / "high-water"
    path.write_text("many")
    mark = HighWater(path)
    await mark.wait_for_rise(1, 0.01)
    path.write_text("2\n")
    waiting = asyncio.create_task(mark.wait_for_rise(2, 3600))
    await asyncio.wait({waiting}, timeout=0.1)
    assert not waiting.done()
    mark.raise_to(3)
    await asyncio.wait_for(waiting, 20)


async def test_mark_that_cannot_be_written_stops_nothing(sqlite_url: str, tmp_path: Path) -> None:
    """A change that is durable is answered for, and said to the mark with the next look."""
    path = tmp_path / "later" / "high-water"
    store = DatabaseStore.open(sqlite_url, HighWater(path))
    async with store.change():
        pass
    path.parent.mkdir()
    await store.revision()
    assert HighWater(path).read() == 1
    await store.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_old_copy_is_refused(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    """Below what was seen nothing is loaded and nothing changed; at it or above all is well."""
    url, path = request.getfixturevalue(f"{kind}_url"), tmp_path / "high-water"
    store = DatabaseStore.open(url, HighWater(path))
    async with store.change():
        pass
    await store.load()
    assert HighWater(path).read() == 1
    HighWater(path).raise_to(2)
    for reading in (store.load, store.revision):
        with pytest.raises(StoreUnavailable, match="old copy"):
            await reading()
    with pytest.raises(StoreUnavailable, match="old copy"):
        async with store.change():
            pass
    await store.close()
    blind = DatabaseStore.open(url)
    assert await blind.revision() == 1
    await blind.close()


async def test_changes_of_others_are_seen(sqlite_url: str, tmp_path: Path) -> None:
    """What another machine changed raises the mark here, too."""
    path = tmp_path / "high-water"
    other, store = DatabaseStore.open(sqlite_url), DatabaseStore.open(sqlite_url, HighWater(path))
    async with other.change():
        pass
    await store.revision()
    assert HighWater(path).read() == 1
    await store.close()
    await other.close()
