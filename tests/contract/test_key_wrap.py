"""One suite for every key wrap: what was wrapped opens for its own kid under its own key alone."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.backends.key_wrap import KEY_BYTES, FileKeyWrap
from gateway.core.errors import StoreUnavailable
from gateway.core.ports import KeyWrap
from gateway.core.secret import Secret
from tests.fakes.control import LosableKeyWrap
from tests.fakes.openbao import OpenBao
from tests.fakes.softhsm import SoftHsm

PRIVATE = bytes(range(32))


def of_file(_request: pytest.FixtureRequest, _directory: Path) -> KeyWrap:
    """Return a key wrap over a fresh key."""
    return FileKeyWrap(Secret(secrets.token_bytes(KEY_BYTES)))


def of_fake(_request: pytest.FixtureRequest, _directory: Path) -> KeyWrap:
    """Return what other tests use."""
    return LosableKeyWrap()


def of_vault(request: pytest.FixtureRequest, directory: Path) -> KeyWrap:
    """Return a key wrap over a fresh Transit key of a real OpenBao."""
    server: OpenBao = request.getfixturevalue("openbao")
    return server.key_wrap(directory)


def of_module(request: pytest.FixtureRequest, _directory: Path) -> KeyWrap:
    """Return a key wrap over a fresh key of a security module."""
    module: SoftHsm = request.getfixturevalue("softhsm")
    return module.key_wrap()


Maker = Callable[[], KeyWrap]


@pytest.fixture(params=[of_file, of_fake, of_vault, of_module])
async def make(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Maker]:
    """Give a function that returns a key wrap with a key of its own."""
    made: list[KeyWrap] = []

    def make_one() -> KeyWrap:
        made.append(request.param(request, tmp_path))
        return made[-1]

    yield make_one
    for wrap in made:
        await wrap.close()


@pytest.mark.parametrize("length", [0, 1, 32, 65, 1184, 40_000])
async def test_what_was_wrapped_opens(make: Maker, length: int) -> None:
    """Keys of every length, and answers that are kept, come back as they were."""
    wrap, private = make(), secrets.token_bytes(length)
    wrapped = await wrap.wrap(Secret(private), kid="k")
    assert (await wrap.unwrap(wrapped, kid="k")).reveal() == private


async def test_nothing_of_the_key_is_seen(make: Maker) -> None:
    """A wrapped key shows no byte of it, and twice the same key is two values."""
    wrap = make()
    first, second = [await wrap.wrap(Secret(PRIVATE), kid="k") for _ in range(2)]
    assert first != second
    assert PRIVATE not in first


async def test_it_opens_for_its_own_kid_alone(make: Maker) -> None:
    """A wrapped key cannot be put in the place of another."""
    wrap = make()
    wrapped = await wrap.wrap(Secret(PRIVATE), kid="idempotency:ä")
    assert (await wrap.unwrap(wrapped, kid="idempotency:ä")).reveal() == PRIVATE
    for other in ("idempotency:a", "", "k"):
        with pytest.raises(StoreUnavailable):
            await wrap.unwrap(wrapped, kid=other)


async def test_another_key_does_not_open_it(make: Maker) -> None:
    """Two gateways with keys of their own cannot read each other's store."""
    wrapped = await make().wrap(Secret(PRIVATE), kid="k")
    with pytest.raises(StoreUnavailable):
        await make().unwrap(wrapped, kid="k")


async def test_closing_twice_is_harmless(make: Maker) -> None:
    """What was closed may be closed again, used or not."""
    wrap = make()
    await wrap.close()
    await wrap.close()


async def test_one_flipped_bit_fails(make: Maker) -> None:
    """Whichever byte is damaged: the value does not open."""
    wrap = make()
    wrapped = await wrap.wrap(Secret(PRIVATE), kid="k")
    for position in range(len(wrapped)):
        damaged = bytearray(wrapped)
        damaged[position] ^= 1 << position % 8
        with pytest.raises(StoreUnavailable):
            await wrap.unwrap(bytes(damaged), kid="k")


async def test_fragments_fail(make: Maker) -> None:
    """What is cut short, empty, or has something added is refused, and breaks nothing."""
    wrap = make()
    wrapped = await wrap.wrap(Secret(PRIVATE), kid="k")
    for part in (b"", wrapped[:1], wrapped[:5], wrapped[:9], wrapped[:-1], wrapped + b"\0"):
        with pytest.raises(StoreUnavailable):
            await wrap.unwrap(part, kid="k")
    assert (await wrap.unwrap(wrapped, kid="k")).reveal() == PRIVATE


async def test_many_at_once(make: Maker) -> None:
    """Calls that run together do not get each other's keys."""
    wrap = make()

    async def round_trip(number: int) -> bool:
        private = Secret(number.to_bytes(32))
        wrapped = await wrap.wrap(private, kid=str(number))
        return (await wrap.unwrap(wrapped, kid=str(number))).reveal() == private.reveal()

    assert all(await asyncio.gather(*(round_trip(number) for number in range(20))))
