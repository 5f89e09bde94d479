"""The gateway's key and how long it is kept."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.client.key_cache import KeyCache
from gateway.client.outer import GatewayRefused, OuterAnswer, OuterHead
from gateway.core.hpke import KEM_XWING
from gateway.core.ohttp_keys import KeyConfig, encode_key_list, load_recipient_key

NOW = datetime(2026, 11, 22, tzinfo=UTC)
WEAK = KeyConfig(1, 0x20, bytes(32), ((1, 1),))
GOOD = KeyConfig(2, 0x20, bytes(32))
KEYS = encode_key_list([WEAK, GOOD, KeyConfig(3, 0x20, bytes(32))])


def answer(body: bytes = KEYS, status: int = 200, **headers: str) -> OuterAnswer:
    """Return a key answer."""
    named = {"content-type": "application/ohttp-keys"}
    named.update({name.replace("_", "-"): value for name, value in headers.items()})
    return OuterAnswer(OuterHead(status, named), body)


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [
        ("max-age=20, no-transform", 20),
        ("private,MAX-AGE=20", 20),
        ("s-maxage=20", 300),
        ("", 300),
        ("max-age=0", 1),
        ("max-age=999999999", 86400),
    ],
)
def test_kept_for_max_age(cache_control, seconds):
    """The first usable key is kept as long as the gateway says, within reason."""
    cache = KeyCache()
    assert cache.find(now=NOW) is None
    cache.store(answer(cache_control=cache_control), now=NOW)
    assert cache.find(now=NOW + timedelta(seconds=seconds - 1)) == GOOD
    assert cache.find(now=NOW + timedelta(seconds=seconds)) is None


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (answer(status=503), "keys_unavailable"),
        (answer(status=302), "keys_unavailable"),
        (answer(content_type="text/html"), "keys_unusable"),
        (answer(content_encoding="gzip"), "keys_unusable"),
        (answer(KEYS[:-1]), "keys_unusable"),
        (answer(b""), "keys_unusable"),
        (answer(encode_key_list([WEAK])), "keys_unusable"),
    ],
)
def test_unusable_keys(bad, code):
    """An error, another media type, a damaged list or one without AES-256 is refused."""
    with pytest.raises(GatewayRefused) as caught:
        KeyCache().store(bad, now=NOW)
    assert caught.value.code == code


def test_drop():
    """Only the key in use is dropped, not one that has replaced it."""
    cache = KeyCache()
    cache.store(answer(), now=NOW)
    old = cache.find(now=NOW)
    cache.store(answer(), now=NOW)
    cache.drop(old)
    assert cache.find(now=NOW) is not None
    cache.drop(cache.find(now=NOW))
    assert cache.find(now=NOW) is None


def test_no_cache_on_the_way():
    """Keys are asked for past every cache, which could still hold one that was revoked."""
    assert ("cache-control", "no-cache") in KeyCache.request.headers


def test_xwing_is_preferred():
    """X-Wing is taken although the gateway lists X25519 first."""
    xwing = load_recipient_key(4, bytes(32), kem_id=KEM_XWING).config
    cache = KeyCache()
    cache.store(answer(encode_key_list([GOOD, xwing])), now=NOW)
    assert cache.find(now=NOW) == xwing
