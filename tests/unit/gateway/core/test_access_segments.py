"""Segments of the access log: whatever is done to one is found, and where."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.access_log import AccessRecord, SegmentState, encode_records
from gateway.core.access_segments import (
    SEGMENT_KEY_BYTES,
    SegmentDamaged,
    SegmentOpener,
    SegmentSealer,
    address_key,
)

KEY = bytes(range(SEGMENT_KEY_BYTES))
RECORD = AccessRecord(datetime(2026, 11, 23, tzinfo=UTC), 200, ip_address("192.0.2.1"))
BODIES = [[RECORD] * size for size in (1, 3, 2, 1)]


def sealed(name: str = "a", key: bytes = KEY) -> list[bytes]:
    """Return the frames of a whole segment, the first with what a segment begins with."""
    sealer = SegmentSealer(name, key)
    return [*(sealer.feed(body) for body in BODIES), sealer.finish()]


def check(data: bytes, name: str = "a", key: bytes = KEY) -> tuple[list[bytes], SegmentState, int]:
    """Return records, state and last frame of a segment."""
    opener = SegmentOpener(name, key)
    frames = opener.feed(data)
    return frames, opener.finish(), opener.frame


FRAMES = sealed()
WHOLE = b"".join(FRAMES)
ENDS = [len(b"".join(FRAMES[:count])) for count in range(1, len(FRAMES) + 1)]


def frame_at(position: int) -> int:
    """Return the number of the frame that has the byte at *position*."""
    return sum(position >= end for end in ENDS)


@given(st.lists(st.integers(0, len(WHOLE)), max_size=8))
def test_any_pieces_give_the_same(cuts: list[int]) -> None:
    """However the bytes arrive: the same records, and the segment is whole."""
    opener, out = SegmentOpener("a", KEY), []
    places = [0, *sorted(cuts), len(WHOLE)]
    for begin, end in itertools.pairwise(places):
        out += opener.feed(WHOLE[begin:end])
    assert out == [encode_records(body) for body in BODIES]
    assert (opener.finish(), opener.frame) == (SegmentState.WHOLE, len(FRAMES))


@given(st.integers(0, len(WHOLE) * 8 - 1))
def test_one_flipped_bit_is_found_in_its_frame(bit: int) -> None:
    """Whichever bit is another: its frame is named, and no later one is believed."""
    damaged = bytearray(WHOLE)
    damaged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SegmentDamaged) as found:
        check(bytes(damaged))
    assert found.value.frame == frame_at(bit // 8)


@given(st.integers(0, len(WHOLE) - 1))
def test_a_cut_end_is_torn_or_unfinished(length: int) -> None:
    """What a crash may leave is told from damage: torn within a frame, unfinished between two."""
    frames, state, frame = check(WHOLE[:length])
    is_between = length in {0, 5, *ENDS}
    assert state is (SegmentState.UNFINISHED if is_between else SegmentState.TORN)
    assert frame == frame_at(length)
    assert frames == [encode_records(body) for body in BODIES[:frame]]


@given(st.permutations(range(len(FRAMES))))
def test_reordered_frames_are_found(order: list[int]) -> None:
    """Frames in another order than that of writing do not open from the first wrong one on."""
    if order == sorted(order):
        return
    first = next(place for place, number in enumerate(order) if place != number)
    begin, bare = FRAMES[0][:5], [FRAMES[0][5:], *FRAMES[1:]]
    with pytest.raises(SegmentDamaged) as found:
        check(begin + b"".join(bare[number] for number in order))
    assert found.value.frame == first


@given(st.integers(0, len(FRAMES) - 2), st.integers(1, 3))
def test_frames_that_are_left_out_or_doubled_are_found(place: int, count: int) -> None:
    """A frame that is missing from the middle, or there twice, is found where it should be."""
    begin, bare = FRAMES[0][:5], [FRAMES[0][5:], *FRAMES[1:]]
    if place + count < len(bare):
        with pytest.raises(SegmentDamaged) as found:
            check(begin + b"".join(bare[:place] + bare[place + count :]))
        assert found.value.frame == place
    with pytest.raises(SegmentDamaged) as found:
        check(begin + b"".join(bare[: place + 1] + bare[place:]))
    assert found.value.frame == place + 1


@given(st.binary(min_size=1, max_size=64))
def test_nothing_follows_the_last_frame(more: bytes) -> None:
    """A byte that was added behind the end is found."""
    with pytest.raises(SegmentDamaged) as found:
        check(WHOLE + more)
    assert found.value.frame == len(FRAMES)


def test_frames_belong_to_their_segment() -> None:
    """A frame of another segment does not open here, under the same key neither."""
    for other in (sealed(name="b"), sealed(key=bytes(32))):
        with pytest.raises(SegmentDamaged) as found:
            check(FRAMES[0] + other[1])
        assert found.value.frame == 1
        with pytest.raises(SegmentDamaged):
            check(b"".join(other))


def test_nothing_of_a_record_is_seen() -> None:
    """A segment shows no address, and the same records are other bytes each time."""
    assert RECORD.ip.packed not in WHOLE
    bodies = [frame[-40:] for frame in (FRAMES[0], FRAMES[3])]
    assert bodies[0] != bodies[1]


def test_key_of_pseudonyms_is_another() -> None:
    """What hides addresses comes from the segment's key and is not that key."""
    assert address_key(KEY) not in {KEY, address_key(bytes(32))}
