"""Secrets of one line in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.backends.secret_files import read_secret
from gateway.core.errors import KeyServiceUnavailable


def test_white_space_around_is_no_part(tmp_path: Path) -> None:
    """Editors and agents end a file with a line feed."""
    file = tmp_path / "token"
    file.write_text("  s.abc \n")
    assert read_secret(file).reveal() == "s.abc"


@pytest.mark.parametrize("content", [b"", b" \n", b"a\nb", b"\xff", b"a\0b", b"a" * 20_000])
def test_what_is_no_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    """Nothing, several lines, other bytes and far too much are refused, and not repeated."""
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(KeyServiceUnavailable) as caught:
        read_secret(file)
    assert "aaa" not in caught.value.detail


def test_missing_file_is_refused(tmp_path: Path) -> None:
    """A file that is not there, or a folder, is as good as an empty one."""
    for place in (tmp_path / "none", tmp_path):
        with pytest.raises(KeyServiceUnavailable):
            read_secret(place)
