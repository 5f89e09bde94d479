"""Key configurations and their list."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import MalformedRequest
from gateway.core.ohttp_keys import (
    PREFERRED_KEMS,
    KeyConfig,
    RecipientKey,
    encode_key_config,
    encode_key_list,
    find_usable_config,
    load_recipient_key,
    parse_key_config,
    parse_key_list,
)

CONFIG = KeyConfig(7, 0x20, bytes(range(32)))


def test_offer_is_aes_256_only():
    """A configuration of ours lists exactly HKDF-SHA256 with AES-256-GCM."""
    key = load_recipient_key(7, bytes(range(32)), kem_id=0x20)
    encoded = encode_key_config(key.config)
    assert encoded == b"\x07\x00\x20" + key.private_key.public_key + bytes.fromhex("000400010002")
    assert "private" not in repr(key)


@given(st.integers(0, 255), st.binary(min_size=32, max_size=32))
def test_round_trip(key_id, public_key):
    """A list of configurations is read back as written, in its order."""
    other = KeyConfig(key_id, 0x20, public_key, ((1, 1), (1, 2)))
    assert parse_key_config(encode_key_config(other)) == other
    assert parse_key_list(encode_key_list([CONFIG, other])) == (CONFIG, other)


def test_unknown_mechanisms_are_skipped():
    """An entry with a mechanism that we do not know does not hide the others."""
    unknown = b"\x01\x64\x7b" + bytes(1216) + bytes.fromhex("000400010002")
    data = len(unknown).to_bytes(2, "big") + unknown + encode_key_list([CONFIG])
    assert parse_key_list(data) == (CONFIG,)
    with pytest.raises(MalformedRequest):
        parse_key_config(unknown)


def test_every_cut_is_refused():
    """No proper beginning of a configuration or of a list passes as a whole one."""
    config, listed = encode_key_config(CONFIG), encode_key_list([CONFIG])
    for cut in range(len(config)):
        with pytest.raises(MalformedRequest):
            parse_key_config(config[:cut])
    for cut in range(1, len(listed)):
        with pytest.raises(MalformedRequest):
            parse_key_list(listed[:cut])
    assert parse_key_list(b"") == ()


@pytest.mark.parametrize("pairs", [b"", b"\x00\x01", bytes(6)])
def test_algorithms_come_in_pairs(pairs):
    """An empty or uneven list of algorithms is refused."""
    data = b"\x01\x00\x20" + bytes(32) + struct.pack(">H", len(pairs)) + pairs
    with pytest.raises(MalformedRequest):
        parse_key_config(data)


@given(st.binary(max_size=120))
def test_any_bytes(data):
    """Any bytes are a list of configurations or are refused with the one documented error."""
    with contextlib.suppress(MalformedRequest):
        assert all(config.kem_id in (0x20, 0x647A) for config in parse_key_list(data))


def test_usable_config():
    """The first configuration with a wanted mechanism and AES-256 is chosen, or none."""
    weak = KeyConfig(1, 0x20, bytes(32), ((1, 1),))
    assert find_usable_config([weak, CONFIG]) is CONFIG
    assert find_usable_config([weak]) is None
    assert find_usable_config([CONFIG], kem_ids=(0x647A,)) is None


def test_preferred_mechanism():
    """X-Wing is chosen where it is offered, wherever it stands in the list."""
    xwing = KeyConfig(2, 0x647A, bytes(1216))
    assert find_usable_config([CONFIG, xwing], kem_ids=PREFERRED_KEMS) is xwing
    assert find_usable_config([xwing, CONFIG]) is CONFIG
    assert find_usable_config([CONFIG], kem_ids=PREFERRED_KEMS) is CONFIG


def test_both_mechanisms_in_one_list():
    """A list with both mechanisms comes back in its order, with keys of 32 and 1216 bytes."""
    key = load_recipient_key(2, bytes(32), kem_id=0x647A)
    configs = (CONFIG, key.config)
    assert parse_key_list(encode_key_list(configs)) == configs
    assert len(encode_key_config(key.config)) == 3 + 1216 + 2 + 4


@pytest.mark.parametrize(
    "arguments",
    [
        (256, 0x20, bytes(32)),
        (-1, 0x20, bytes(32)),
        (1, 0x10, bytes(32)),
        (1, 0x20, bytes(31)),
        (1, 0x20, bytes(32), ()),
    ],
)
def test_impossible_configuration(arguments):
    """A configuration that cannot be encoded cannot be made."""
    with pytest.raises(ValueError, match="key"):
        KeyConfig(*arguments)


def test_impossible_key():
    """A private key with an impossible identifier cannot be loaded."""
    with pytest.raises(ValueError, match="one byte"):
        load_recipient_key(256, bytes(32), kem_id=0x20)
    assert RecipientKey.__dataclass_params__.frozen
