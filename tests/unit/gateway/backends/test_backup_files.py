"""Files of backups: whole or not there, private, and never in the place of another unasked."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gateway.backends.backup_files import read_lines, write_backup
from gateway.core.errors import Conflict, StoreUnavailable


async def lines(*, broken: bool = False) -> AsyncGenerator[bytes]:
    """Yield two lines, or fail after the first."""
    yield b"one\n"
    if broken:
        raise StoreUnavailable
    yield b"two\n"


def names_in(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return [path.name for path in folder.iterdir()]


async def test_file_is_private_and_replaced_only_when_asked(tmp_path: Path) -> None:
    """It has mode 0600; a second one needs leave, and then takes its place."""
    path = tmp_path / "backup"
    await write_backup(path, lines())
    assert list(read_lines(path)) == [b"one\n", b"two\n"]
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Conflict, match="exists already"):
        await write_backup(path, lines())
    path.chmod(0o644)
    await write_backup(path, lines(), replaces=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert names_in(tmp_path) == ["backup"]


async def test_link_is_neither_followed_nor_replaced(tmp_path: Path) -> None:
    """A link that leads nowhere is in the way as well."""
    path = tmp_path / "backup"
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Conflict):
        await write_backup(path, lines())
    assert not (tmp_path / "elsewhere").exists()


async def test_backup_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """The old file stays, and nothing unfinished beside it."""
    path = tmp_path / "backup"
    path.write_text("old")
    with pytest.raises(StoreUnavailable):
        await write_backup(path, lines(broken=True), replaces=True)
    assert path.read_text() == "old"
    assert names_in(tmp_path) == ["backup"]


async def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """What cannot be written or read is named."""
    path = tmp_path / "no" / "backup"
    with pytest.raises(StoreUnavailable, match="No such file"):
        await write_backup(path, lines())
    with pytest.raises(StoreUnavailable, match="No such file"):
        list(read_lines(path))
