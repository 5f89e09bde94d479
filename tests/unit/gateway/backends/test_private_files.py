"""Files and directories that are the gateway's alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.backends.private_files import (
    create_private_file,
    file_errors,
    open_private_directory,
    sync_directory,
)
from gateway.core.errors import StoreUnavailable


def test_directory_is_made_for_the_owner_alone(tmp_path: Path) -> None:
    """A directory that is missing is made with mode 0700, and used again."""
    for _ in range(2):
        open_private_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    sync_directory(tmp_path / "a" / "b")


def test_other_directories_are_refused(tmp_path: Path) -> None:
    """A directory that others may enter, a link to one and a file are not used."""
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "file").write_text("")
    (tmp_path / "ours").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "ours")
    for name in ("open", "file", "link"):
        with pytest.raises(StoreUnavailable):
            open_private_directory(tmp_path / name)


def test_file_is_new_and_for_the_owner_alone(tmp_path: Path) -> None:
    """A file is made with mode 0600; one that is there, or a link in its place, is left alone."""
    os.close(create_private_file(tmp_path / "file", b"content"))
    assert (tmp_path / "file").read_bytes() == b"content"
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for name in ("file", "link"):
        with pytest.raises(FileExistsError):
            create_private_file(tmp_path / name, b"other")
    assert not (tmp_path / "target").exists()


def test_half_a_file_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Content that the disk takes a part of is an error, as half a wrapped key opens nothing."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    with pytest.raises(OSError, match="No space"):
        create_private_file(tmp_path / "file", b"content")


def test_a_disk_that_fails_is_said_without_a_path(tmp_path: Path) -> None:
    """An error of the system becomes one of ours, which names nothing."""
    with pytest.raises(StoreUnavailable) as refused, file_errors():
        (tmp_path / "nothing").read_bytes()
    assert "nothing" not in str(refused.value)
