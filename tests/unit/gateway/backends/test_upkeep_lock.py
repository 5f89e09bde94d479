"""The lock that says which process does the upkeep."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gateway.backends.upkeep_lock import UpkeepLock

HOLD = (
    "import sys; from pathlib import Path; from gateway.backends.upkeep_lock import UpkeepLock;"
    "lock = UpkeepLock(Path(sys.argv[1])); print(lock.is_ours(), flush=True); sys.stdin.read()"
)


def test_one_has_it_until_it_is_closed(tmp_path: Path) -> None:
    """Of two only the first; after that the other, and the first does not take it again."""
    first, second = (UpkeepLock(tmp_path / "lock") for _ in range(2))
    assert [first.is_ours(), second.is_ours(), first.is_ours()] == [True, False, True]
    first.close()
    assert not first.is_ours()
    assert second.is_ours()
    second.close()


def test_killed_process_leaves_it(tmp_path: Path) -> None:
    """What holds it and dies gives it back at that moment."""
    file = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        lock = UpkeepLock(file)
        assert not lock.is_ours()
        holder.kill()
        holder.wait()
        assert lock.is_ours()
    lock.close()


def test_lock_that_cannot_be_opened_keeps_nobody(tmp_path: Path) -> None:
    """Upkeep is done twice rather than not at all."""
    assert UpkeepLock(tmp_path / "missing/lock").is_ours()
