"""Keys that are believed because of the pin."""

import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.client.outer import (
    GatewayRefused,
    KeysExpired,
    KeysNotSigned,
    KeysRolledBack,
    OuterAnswer,
    OuterHead,
    UntrustedKeys,
)
from gateway.client.pinned_keys import PinnedKeys, SequenceMemory
from gateway.core.hpke import KEM_X25519, KEM_XWING
from gateway.core.ohttp_keys import load_recipient_key
from tests.unit.gateway.client.conftest import DOCUMENT_KEY, START, sign_document

RAW_PIN = DOCUMENT_KEY.public_key().public_bytes_raw()
OLD, XWING = (
    load_recipient_key(n, bytes([n]) * 32, kem_id=kem).config
    for n, kem in ((1, KEM_X25519), (2, KEM_XWING))
)


def pinned(file=None) -> PinnedKeys:
    """Return an empty cache."""
    return PinnedKeys(RAW_PIN, memory=SequenceMemory(file))


def answer(*configs, status: int = 200, cache_control: str = "max-age=300", **options):
    """Return the document with *configs* as an answer."""
    body = sign_document(configs or [OLD], **{"now": START} | options)
    return OuterAnswer(OuterHead(status, {"cache-control": cache_control}), body)


def test_best_key_of_the_document():
    """The key that the signed document prefers is taken."""
    keys = pinned()
    assert keys.find(now=START) is None
    keys.store(answer(XWING, OLD), now=START)
    assert keys.find(now=START) == XWING


@pytest.mark.parametrize(("cache_control", "seconds"), [("max-age=60", 60), ("max-age=9000", 3600)])
def test_kept_for_max_age(cache_control, seconds):
    """A document is kept as long as the gateway says and never beyond its own end."""
    keys = pinned()
    keys.store(answer(cache_control=cache_control), now=START)
    assert keys.find(now=START + timedelta(seconds=seconds - 1)) == OLD
    assert keys.find(now=START + timedelta(seconds=seconds)) is None


def test_no_cache_on_the_way():
    """The document is asked for past every cache, which could still hold a revoked key."""
    assert ("cache-control", "no-cache") in PinnedKeys.request.headers


def test_expired():
    """A document that has ended is refused."""
    with pytest.raises(KeysExpired, match="not valid"):
        pinned().store(answer(), now=START + timedelta(hours=2))


def test_foreign_signature():
    """A document of another key is refused, and so is anything that is no document."""
    foreign = Ed25519PrivateKey.from_private_bytes(b"f" * 32)
    with pytest.raises(KeysNotSigned):
        pinned().store(answer(key=foreign), now=START)
    with pytest.raises(KeysNotSigned):
        pinned().store(OuterAnswer(OuterHead(200, {}), b"<html>"), now=START)


def test_rolled_back():
    """A document older than one that was seen is refused, the same one is not."""
    keys = pinned()
    keys.store(answer(seq=7), now=START)
    keys.store(answer(seq=7), now=START)
    with pytest.raises(KeysRolledBack, match="older"):
        keys.store(answer(seq=6), now=START)


def test_rolled_back_over_a_restart(tmp_path):
    """With a state file the number outlives the process, and other files stay beside it."""
    file = tmp_path / "state.json"
    pinned(file).store(answer(seq=7), now=START)
    pinned(file).store(answer(seq=7), now=START)
    with pytest.raises(UntrustedKeys, match="older"):
        pinned(file).store(answer(seq=6), now=START)
    assert json.loads(file.read_text()) == {RAW_PIN.hex(): 7}
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]
    assert file.stat().st_mode & 0o077 == 0


def test_state_of_several_gateways(tmp_path):
    """One file keeps the numbers of different pins apart and never lowers one."""
    memory = SequenceMemory(tmp_path / "state.json")
    memory.remember(b"a", 5)
    SequenceMemory(tmp_path / "state.json").remember(b"b", 3)
    memory.remember(b"a", 4)
    assert (memory.get(b"a"), memory.get(b"b"), memory.get(b"c")) == (5, 3, 0)


@pytest.mark.parametrize("text", ["", "[]", '{"a": "7"}', "{"])
def test_damaged_state(tmp_path, text):
    """A damaged state file does not count as none: that would forget what was seen."""
    file = tmp_path / "state.json"
    file.write_text(text)
    with pytest.raises(KeysRolledBack, match="damaged"):
        pinned(file).store(answer(), now=START)


def test_state_that_cannot_be_kept(tmp_path):
    """A number that cannot be written down is an error, not a silent gap."""
    with pytest.raises(OSError, match="No such file"):
        pinned(tmp_path / "none" / "state.json").store(answer(), now=START)


def test_no_document():
    """An error answer and a document without a usable key are refusals that may pass."""
    with pytest.raises(GatewayRefused) as caught:
        pinned().store(answer(status=503), now=START)
    assert caught.value.code == "keys_unavailable"
    body = sign_document([], now=START)
    with pytest.raises(GatewayRefused) as caught:
        pinned().store(OuterAnswer(OuterHead(200, {}), body), now=START)
    assert caught.value.code == "keys_unusable"


def test_drop():
    """A refused key has the document fetched again, unless a newer one has replaced it."""
    keys = pinned()
    keys.drop(OLD)
    keys.store(answer(OLD), now=START)
    keys.drop(XWING)
    assert keys.find(now=START) == OLD
    keys.drop(OLD)
    assert keys.find(now=START) is None
