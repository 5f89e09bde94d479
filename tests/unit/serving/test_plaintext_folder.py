"""The private folder for opened weights."""

from __future__ import annotations

import contextlib
import stat
import tempfile
from pathlib import Path

import pytest

from serving.errors import LaunchFailed
from serving.plaintext_folder import (
    PREFIX,
    choose_parent,
    plaintext_folder,
    remove_remnants,
)


def test_the_folder_is_private_and_goes_away(tmp_path):
    """Only this user can enter it, and nothing of it stays, whatever was put inside."""
    with plaintext_folder(tmp_path) as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "sub").mkdir()
        (folder / "sub" / "weights").write_bytes(b"x")
    assert list(tmp_path.iterdir()) == []


def test_the_folder_goes_away_after_a_failure(tmp_path):
    """An error on the way does not leave weights behind."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(plaintext_folder(tmp_path))
        (folder / "weights").write_bytes(b"x")
        stack.callback(lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            stack.close()
    assert list(tmp_path.iterdir()) == []


def test_remnants_of_a_killed_launcher_are_removed(tmp_path):
    """A folder that nobody holds a lock on is removed at the next start."""
    remnant = tmp_path / f"{PREFIX}dead"
    remnant.mkdir()
    (remnant / "weights").write_bytes(b"x")
    with plaintext_folder(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_a_living_launcher_keeps_its_folder(tmp_path):
    """A second launcher does not take the first one's weights for a remnant."""
    with plaintext_folder(tmp_path) as one, plaintext_folder(tmp_path) as other:
        assert one.is_dir()
        assert other.is_dir()


def test_only_own_folders_are_removed(tmp_path):
    """Files, links and folders with other names stay."""
    (tmp_path / "other").mkdir()
    (tmp_path / f"{PREFIX}file").write_text("x")
    (tmp_path / f"{PREFIX}link").symlink_to(tmp_path / "other")
    assert remove_remnants(tmp_path) == []
    assert len(list(tmp_path.iterdir())) == 3


def test_a_folder_taken_for_a_remnant_is_made_anew(tmp_path):
    """Losing the race against another launcher's cleaning is not the end."""
    made = []

    def make(parent):
        made.append(Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent)))
        if len(made) == 1:
            made[0].rmdir()
        return made[-1]

    with plaintext_folder(tmp_path, make=make) as folder:
        assert folder == made[1]


def test_it_does_not_try_for_ever(tmp_path):
    """A parent in which no folder lasts is an error."""

    def make(parent):
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        folder.rmdir()
        return folder

    with (
        pytest.raises(LaunchFailed, match="no private folder"),
        plaintext_folder(tmp_path, make=make),
    ):
        pytest.fail("entered")


def test_a_place_that_cannot_be_used_is_an_error(tmp_path):
    """A missing parent folder stops the launch with its reason."""
    with pytest.raises(LaunchFailed), plaintext_folder(tmp_path / "nowhere"):
        pytest.fail("entered")


FALLBACK = Path("/fallback")


def test_the_operator_chooses_the_place(tmp_path):
    """A configured folder is taken, whatever its size."""
    assert choose_parent(tmp_path, fallback=FALLBACK, needed_bytes=2**60) == tmp_path


def test_memory_is_preferred_where_the_model_fits(tmp_path):
    """Weights lie in memory, unless there is too little of it or none to write to."""
    assert choose_parent(None, fallback=FALLBACK, needed_bytes=1, memory=tmp_path) == tmp_path
    assert choose_parent(None, fallback=FALLBACK, needed_bytes=2**60, memory=tmp_path) == FALLBACK
    nowhere = tmp_path / "nowhere"
    assert choose_parent(None, fallback=FALLBACK, needed_bytes=1, memory=nowhere) == FALLBACK
