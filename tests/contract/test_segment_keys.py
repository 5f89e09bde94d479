"""One suite for the keys of segments over every key wrap: kept, wrapped anew, and really gone."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.backends.key_wrap import KEY_BYTES, FileKeyWrap
from gateway.backends.segment_keys import SegmentKeys
from gateway.core.errors import StoreUnavailable
from gateway.core.ports import KeyWrap
from gateway.core.secret import Secret
from tests.fakes.openbao import OpenBao
from tests.fakes.softhsm import SoftHsm

ONE, TWO = "2026-11-22.00112233445566aa.0", "2026-11-23.00112233445566aa.1"


def of_file(_request: pytest.FixtureRequest, _directory: Path) -> KeyWrap:
    """Return a key wrap over a fresh key."""
    return FileKeyWrap(Secret(secrets.token_bytes(KEY_BYTES)))


def of_vault(request: pytest.FixtureRequest, directory: Path) -> KeyWrap:
    """Return a key wrap over a fresh Transit key of a real OpenBao."""
    server: OpenBao = request.getfixturevalue("openbao")
    return server.key_wrap(directory)


def of_module(request: pytest.FixtureRequest, _directory: Path) -> KeyWrap:
    """Return a key wrap over a fresh key of a security module."""
    module: SoftHsm = request.getfixturevalue("softhsm")
    return module.key_wrap()


@pytest.fixture(params=[of_file, of_vault, of_module])
async def keys(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Callable[[], SegmentKeys]]:
    """Give a function that opens the same keys anew, as another process does."""
    wrap = request.param(request, tmp_path)
    yield lambda: SegmentKeys(tmp_path / "keys", wrap)
    await wrap.close()


Opens = Callable[[], SegmentKeys]


async def test_another_process_finds_the_key(keys: Opens) -> None:
    """A key is durable when it is given, each segment has one of its own, and none is made up."""
    one, two = await keys().add(ONE), await keys().add(TWO)
    assert one.reveal() != two.reveal()
    assert len(one.reveal()) == 32
    found = await keys().find(ONE)
    assert found is not None
    assert found.reveal() == one.reveal()
    assert keys().names() == {ONE, TWO}
    assert await keys().find(ONE.replace("22", "21", 1)) is None


async def test_a_key_is_for_its_own_segment(keys: Opens, tmp_path: Path) -> None:
    """Under the name of another segment a key does not open; nor is it in the clear."""
    key = await keys().add(ONE)
    path = tmp_path / "keys" / f"{ONE}.key"
    assert key.reveal() not in path.read_bytes()
    path.rename(tmp_path / "keys" / f"{TWO}.key")
    with pytest.raises(StoreUnavailable):
        await keys().find(TWO)


async def test_a_key_is_never_replaced_by_a_new_one(keys: Opens) -> None:
    """A segment that has a key gets no other: what it holds would be lost."""
    await keys().add(ONE)
    with pytest.raises(StoreUnavailable):
        await keys().add(ONE)


async def test_a_destroyed_key_is_gone(keys: Opens, tmp_path: Path) -> None:
    """Nothing of it is left, however often it is destroyed; the others stay."""
    await keys().add(ONE)
    await keys().add(TWO)
    for _ in range(2):
        keys().destroy(ONE)
    assert await keys().find(ONE) is None
    assert keys().names() == {TWO}
    assert {path.name for path in (tmp_path / "keys").iterdir()} == {"CACHEDIR.TAG", f"{TWO}.key"}


async def test_rewrapped_keys_are_the_same(keys: Opens, tmp_path: Path) -> None:
    """Wrapped anew each key has another form and is the same key."""
    key = await keys().add(ONE)
    before = (tmp_path / "keys" / f"{ONE}.key").read_bytes()
    assert await keys().rewrap() == 1
    assert (tmp_path / "keys" / f"{ONE}.key").read_bytes() != before
    found = await keys().find(ONE)
    assert found is not None
    assert found.reveal() == key.reveal()
