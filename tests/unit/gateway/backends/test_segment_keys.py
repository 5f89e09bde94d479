"""The keys of segments as files; what every key wrap promises of them is in the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.backends.segment_keys import SegmentKeys
from gateway.core.errors import StoreUnavailable
from gateway.core.secret import Secret
from tests.fakes.control import LosableKeyWrap, make_wrap

NAME = "2026-11-23.00112233445566aa.0"


async def test_destroyed_key_is_overwritten(tmp_path: Path) -> None:
    """The very bytes of the file are zeros before it goes, for whoever still has it open."""
    keys = SegmentKeys(tmp_path / "keys", make_wrap())
    await keys.add(NAME)
    with (tmp_path / "keys" / f"{NAME}.key").open("rb", buffering=0) as file:
        assert file.read(8).strip(b"\0")
        keys.destroy(NAME)
        file.seek(0)
        assert not file.read().strip(b"\0")
    assert keys.names() == set()


async def test_rewrap_overwrites_the_old_form(tmp_path: Path) -> None:
    """What was wrapped under the old key is not left behind in the old file."""
    wrap = LosableKeyWrap()
    keys = SegmentKeys(tmp_path / "keys", wrap)
    await keys.add(NAME)
    with (tmp_path / "keys" / f"{NAME}.key").open("rb", buffering=0) as file:
        wrap.rotate()
        assert await keys.rewrap() == 1
        assert not file.read().strip(b"\0")


@pytest.mark.parametrize("left", [b"", bytes(61)])
async def test_a_destruction_that_was_interrupted_counts(tmp_path: Path, left: bytes) -> None:
    """A file of zeros is no key any more, and is removed by the next destruction."""
    keys = SegmentKeys(tmp_path / "keys", make_wrap())
    (tmp_path / "keys" / f"{NAME}.key").write_bytes(left)
    assert await keys.find(NAME) is None
    assert await keys.rewrap() == 0
    keys.destroy(NAME)
    keys.destroy(NAME)
    assert keys.names() == set()


async def test_a_key_that_was_destroyed_does_not_come_back(tmp_path: Path) -> None:
    """A purge in the middle of a rewrap wins."""

    class Slow(LosableKeyWrap):
        async def unwrap(self, wrapped: bytes, *, kid: str) -> Secret[bytes]:
            opened = await super().unwrap(wrapped, kid=kid)
            keys.destroy(NAME)
            return opened

    keys = SegmentKeys(tmp_path / "keys", Slow())
    await keys.add(NAME)
    assert await keys.rewrap() == 0
    assert keys.names() == set()


async def test_a_rewrap_that_was_killed_is_taken_up(tmp_path: Path) -> None:
    """The file that a killed rewrap left does not stop the next one, and is no key."""
    keys = SegmentKeys(tmp_path / "keys", make_wrap())
    key = await keys.add(NAME)
    (tmp_path / "keys" / f"{NAME}.new").write_bytes(b"half")
    assert keys.names() == {NAME}
    assert await keys.rewrap() == 1
    again = await keys.find(NAME)
    assert again is not None
    assert again.reveal() == key.reveal()
    assert not list((tmp_path / "keys").glob("*.new"))


async def test_what_a_killed_rewrap_left_is_destroyed_with_the_key(tmp_path: Path) -> None:
    """The fresh form opens as well as the old one, so it does not outlive a purge."""
    keys = SegmentKeys(tmp_path / "keys", make_wrap())
    await keys.add(NAME)
    left = tmp_path / "keys" / f"{NAME}.new"
    left.write_bytes((tmp_path / "keys" / f"{NAME}.key").read_bytes())
    with left.open("rb", buffering=0) as file:
        keys.destroy(NAME)
        assert not file.read().strip(b"\0")
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["CACHEDIR.TAG"]


async def test_a_wrap_that_lies_costs_no_key(tmp_path: Path) -> None:
    """A key is opened for a try before its old form goes."""

    class Lying(LosableKeyWrap):
        async def wrap(self, private: Secret[bytes], *, kid: str) -> bytes:
            return await super().wrap(Secret(bytes(32)) if self.wraps else private, kid=kid)

    keys = SegmentKeys(tmp_path / "keys", Lying())
    key = await keys.add(NAME)
    with pytest.raises(StoreUnavailable, match="another"):
        await keys.rewrap()
    kept = await keys.find(NAME)
    assert kept is not None
    assert kept.reveal() == key.reveal()


async def test_links_are_refused(tmp_path: Path) -> None:
    """A link in the place of a key is neither read nor overwritten."""
    keys = SegmentKeys(tmp_path / "keys", make_wrap())
    (tmp_path / "target").write_bytes(b"content")
    (tmp_path / "keys" / f"{NAME}.key").symlink_to(tmp_path / "target")
    with pytest.raises(StoreUnavailable):
        await keys.find(NAME)
    with pytest.raises(StoreUnavailable):
        keys.destroy(NAME)
    assert (tmp_path / "target").read_bytes() == b"content"


def test_directory_is_marked_for_backup_programs(tmp_path: Path) -> None:
    """The directory says of itself that it belongs into no backup."""
    for _ in range(2):
        SegmentKeys(tmp_path / "keys", make_wrap())
    tag = (tmp_path / "keys" / "CACHEDIR.TAG").read_text("ascii")
    assert tag.startswith("Signature: 8a477f597d28d172789f06886806bc55")
