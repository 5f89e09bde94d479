"""Places that several processes count together."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.backends.place_locks import MAX_PLACES, PlaceLocks
from gateway.core.errors import StoreUnavailable

TAKE = (
    "import sys; from pathlib import Path; from gateway.backends.place_locks import PlaceLocks;"
    "places = PlaceLocks(Path(sys.argv[1])); taken = [places.take('c-1', 3) for _ in range(2)];"
    "print(*taken, flush=True); sys.stdin.read(1); places.give_back('c-1', 0);"
    "print('given', flush=True); sys.stdin.read()"
)


@contextmanager
def other_process(file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Give a process that has places 0 and 1 of three, and gives back 0 at a byte of input."""
    with subprocess.Popen(
        [sys.executable, "-c", TAKE, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"0 1\n"
        yield other
        other.kill()


def test_processes_share_the_places(tmp_path: Path) -> None:
    """Of three places two are another process's: one is left, and one more once that gives it."""
    places = PlaceLocks(tmp_path / "lock")
    with other_process(tmp_path / "lock") as other:
        assert [places.take("c-1", 3) for _ in range(2)] == [2, None]
        assert places.take("c-2", 3) == 0
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdin.write(b"x")
        other.stdin.flush()
        assert other.stdout.readline() == b"given\n"
        assert [places.take("c-1", 3) for _ in range(2)] == [0, None]


def test_killed_process_leaves_its_places(tmp_path: Path) -> None:
    """What it held is free at that moment, without anybody's doing."""
    places = PlaceLocks(tmp_path / "lock")
    with other_process(tmp_path / "lock") as other:
        assert places.take("c-1", 2) is None
        other.kill()
        other.wait()
        assert [places.take("c-1", 2) for _ in range(3)] == [0, 1, None]


class Clocks:
    """A wall in seconds, and work of which each look takes *look_seconds*."""

    def __init__(self, look_seconds: float) -> None:
        self.now = 100.0
        self.worked = 0.0
        self._look = look_seconds

    def monotonic(self) -> float:
        """Return the time."""
        return self.now

    def working(self) -> float:
        """Return the work that was done; it grows from one question to the next."""
        self.worked += self._look
        return self.worked


@pytest.mark.parametrize(("look_seconds", "place"), [(0.01, None), (0.0001, 0)])
def test_long_look_is_not_repeated_at_once(
    tmp_path: Path, look_seconds: float, place: int | None
) -> None:
    """Calls beyond a large limit do not keep the process busy; beyond a small one none is late."""
    clocks = Clocks(look_seconds)
    places = PlaceLocks(tmp_path / "lock", monotonic=clocks.monotonic, working=clocks.working)
    with other_process(tmp_path / "lock") as other:
        assert places.take("c-1", 2) is None
        other.kill()
        other.wait()
    assert places.take("c-2", 2) == 0  # another client's are looked for
    assert places.take("c-1", 2) == place
    clocks.now += 20 * look_seconds + 0.001
    assert places.take("c-1", 2) == (0 if place is None else 1)


def test_own_place_that_is_given_back_is_found_at_once(tmp_path: Path) -> None:
    """However long it took to find that there was none."""
    clocks = Clocks(0.01)
    places = PlaceLocks(tmp_path / "lock", monotonic=clocks.monotonic, working=clocks.working)
    assert [places.take("c-1", 1) for _ in range(2)] == [0, None]
    places.give_back("c-1", 0)
    assert places.take("c-1", 1) == 0


def test_own_places_are_counted_and_given_back(tmp_path: Path) -> None:
    """A process does not take its own place twice; a place in the middle is taken anew."""
    places = PlaceLocks(tmp_path / "lock")
    assert [places.take("c-1", 3) for _ in range(4)] == [0, 1, 2, None]
    assert places.take("c-1", 1) is None  # a limit that was lowered meanwhile
    places.give_back("c-1", 1)
    assert [places.take("c-1", 3) for _ in range(2)] == [1, None]
    for place in range(3):
        places.give_back("c-1", place)
    assert places.take("c-1", 10**12) == 0


def test_places_of_one_file_differ(tmp_path: Path) -> None:
    """Of more places than there are files each is another one, for this process and for others."""
    places = PlaceLocks(tmp_path / "lock")
    with other_process(tmp_path / "lock"):
        assert [places.take("c-1", 40) for _ in range(39)] == [*range(2, 40), None]
        assert places.take("c-2", 40) == 0
    places.give_back("c-1", 35)
    assert [places.take("c-1", 40) for _ in range(3)] == [0, 1, 35]


def test_files_hold_nothing(tmp_path: Path) -> None:
    """They are the gateway's alone, and stay empty: whose places they are is not in them."""
    places = PlaceLocks(tmp_path / "lock")
    for _ in range(20):
        places.take("c-1", MAX_PLACES)
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o700
    found = [file.stat() for file in (tmp_path / "lock").iterdir()]
    assert {(each.st_mode & 0o777, each.st_size) for each in found} == {(0o600, 0)}
    assert len(found) == 16


def test_file_that_cannot_be_opened_gives_no_place(tmp_path: Path) -> None:
    """Nobody passes uncounted; once there is a folder, there are places."""
    places = PlaceLocks(tmp_path / "sub/lock")
    with pytest.raises(StoreUnavailable):
        places.take("c-1", 1)
    (tmp_path / "sub").mkdir()
    assert places.take("c-1", 1) == 0
