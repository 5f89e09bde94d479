"""Sealed requests and answers: nothing but the real one opens, whatever arrives in which pieces.

The first byte of an input chooses mechanism, framing and direction. The rest is either what arrives
as it is, or says where the bytes of a real message are changed.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core import hpke, ohttp
from gateway.core.errors import OpenFailed, PayloadTooLarge, UnknownKey
from gateway.core.ohttp_keys import RecipientKey, load_recipient_key
from tests.fuzz.cuts import pieces

KEM_IDS = (hpke.KEM_X25519, hpke.KEM_XWING)
KEYS = {
    number: load_recipient_key(number, bytes(32), kem_id=kem) for number, kem in enumerate(KEM_IDS)
}
PROFILES = tuple(ohttp.PROFILES.values())
LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Real:
    """An honest request."""

    key: RecipientKey
    profile: ohttp.Profile
    wire: bytes


def _seal(key: RecipientKey, profile: ohttp.Profile) -> Real:
    sealer = ohttp.RequestSealer(key.config, profile=profile)
    return Real(key, profile, sealer.feed(b"first piece") + sealer.finish(b"last"))


REAL = tuple(_seal(key, profile) for key in KEYS.values() for profile in PROFILES)


def _damaged(wire: bytes, changes: bytes) -> bytes:
    result = bytearray(wire)
    for at in range(0, len(changes) - 2, 3):
        place = int.from_bytes(changes[at : at + 2], "big") % len(result)
        result[place] ^= changes[at + 2]
    return bytes(result)


def _open_request(real: Real, data: bytes) -> bytes | None:
    opener = ohttp.RequestOpener(KEYS.get, max_body_bytes=LIMIT, profile=real.profile)
    try:
        return b"".join(map(opener.feed, pieces(data))) + opener.finish()
    except (OpenFailed, UnknownKey, PayloadTooLarge):
        return None


def _open_answer(real: Real, data: bytes) -> bytes | None:
    # With X-Wing the sender's half is slow for its purpose here; the framing is the same.
    sealer = ohttp.RequestSealer(KEYS[0].config, profile=real.profile)
    sealer.finish()
    opener = sealer.response_opener(max_body_bytes=LIMIT)
    try:
        return b"".join(map(opener.feed, pieces(data))) + opener.finish()
    except (OpenFailed, PayloadTooLarge):
        return None


def check(data: bytes) -> None:
    """Only the bytes that an honest sender made ever open."""
    choice = data[0] if data else 0
    real = REAL[choice % len(REAL)]
    if choice & 0x40:
        assert _open_answer(real, data) is None
        return
    sent = _damaged(real.wire, data[1:]) if choice & 0x80 else data[1:]
    opened = _open_request(real, bytes((choice,)) + sent)
    expected = b"first piecelast" if sent == real.wire else None
    assert opened == expected
