"""Wrapped keys open for their own kid under their own key file, and for nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.backends.key_wrap import KEY_BYTES, FileKeyWrap, create_key_file
from gateway.core.errors import Conflict, StoreUnavailable
from gateway.core.secret import Secret

WRAP = FileKeyWrap(Secret(bytes(KEY_BYTES)))


@given(st.binary(max_size=200), st.text(max_size=50))
async def test_round_trip(private: bytes, kid: str) -> None:
    """What was wrapped for a kid comes back for that kid."""
    wrapped = await WRAP.wrap(Secret(private), kid=kid)
    assert (await WRAP.unwrap(wrapped, kid=kid)).reveal() == private


@given(st.integers(min_value=0))
async def test_one_flipped_bit_fails(position: int) -> None:
    """A wrapped key with any one bit changed does not open."""
    wrapped = bytearray(await WRAP.wrap(Secret(b"private"), kid="k"))
    bit = position % (len(wrapped) * 8)
    wrapped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(StoreUnavailable):
        await WRAP.unwrap(bytes(wrapped), kid="k")


async def test_other_kid_key_or_form_fails() -> None:
    """Another kid, another key file, an empty or short value: one error."""
    wrapped = await WRAP.wrap(Secret(b"private"), kid="k")
    with pytest.raises(StoreUnavailable):
        await WRAP.unwrap(wrapped, kid="other")
    with pytest.raises(StoreUnavailable):
        await FileKeyWrap(Secret(b"\x01" * KEY_BYTES)).unwrap(wrapped, kid="k")
    for short in (b"", b"\x01", wrapped[:13]):
        with pytest.raises(StoreUnavailable):
            await WRAP.unwrap(short, kid="k")


async def test_nonces_differ() -> None:
    """The same key wrapped twice gives two values."""
    assert await WRAP.wrap(Secret(b"x"), kid="k") != await WRAP.wrap(Secret(b"x"), kid="k")


async def test_key_file_is_private_and_never_replaced(tmp_path: Path) -> None:
    """A new key file has mode 0600 and 32 bytes; a second one is refused."""
    path = tmp_path / "key"
    create_key_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_bytes()) == KEY_BYTES
    wrapped = await FileKeyWrap.open(path).wrap(Secret(b"x"), kid="k")
    assert (await FileKeyWrap.open(path).unwrap(wrapped, kid="k")).reveal() == b"x"
    with pytest.raises(Conflict):
        create_key_file(path)


def test_unwritable_place_is_refused(tmp_path: Path) -> None:
    """A key file in a directory that is not there cannot be written."""
    with pytest.raises(StoreUnavailable):
        create_key_file(tmp_path / "no" / "key")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_wrong_mode_is_refused(tmp_path: Path, mode: int) -> None:
    """A key file that anyone else may use in any way is not used."""
    path = tmp_path / "key"
    create_key_file(path)
    path.chmod(mode)
    with pytest.raises(StoreUnavailable, match="0600"):
        FileKeyWrap.open(path)


def test_link_pipe_and_wrong_length_are_refused(tmp_path: Path) -> None:
    """A link, a pipe, a directory, a missing file and one of another length are refused."""
    create_key_file(tmp_path / "key")
    (tmp_path / "link").symlink_to(tmp_path / "key")
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "long").write_bytes(bytes(33))
    (tmp_path / "long").chmod(0o600)
    for name in ("link", "pipe", "long", "missing", "."):
        with pytest.raises(StoreUnavailable):
            FileKeyWrap.open(tmp_path / name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_other_owner_is_refused(tmp_path: Path) -> None:
    """A key file of another user is not used."""
    create_key_file(tmp_path / "key")
    os.chown(tmp_path / "key", 65534, 65534)
    with pytest.raises(StoreUnavailable, match="another user"):
        FileKeyWrap.open(tmp_path / "key")
