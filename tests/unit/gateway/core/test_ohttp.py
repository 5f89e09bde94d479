"""Whole exchanges: what one side seals the other opens, and nothing else does."""

import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core import hpke, ohttp
from gateway.core.errors import MalformedRequest, OpenFailed, PayloadTooLarge, UnknownKey
from gateway.core.ohttp_keys import KeyConfig, load_recipient_key

KEY = load_recipient_key(9, bytes(range(32)), kem_id=hpke.KEM_X25519)
KEYS = {9: KEY}
NONCE = bytes(range(100, 132))
HEADER_BYTES = 7 + 32


XWING = load_recipient_key(10, bytes(range(32)), kem_id=hpke.KEM_XWING)
ALL_KEYS = {9: KEY, 10: XWING}
VARIANTS = st.tuples(st.sampled_from([9, 10]), st.sampled_from(list(ohttp.PROFILES.values())))


def fixed(_: int) -> bytes:
    """Return the same ephemeral key each time."""
    return bytes([5]) * 32


def sealer(**options) -> ohttp.RequestSealer:
    """Return a reproducible client half."""
    return ohttp.RequestSealer(KEY.config, random_bytes=fixed, **options)


def opener(**options) -> ohttp.RequestOpener:
    """Return a gateway half."""
    return ohttp.RequestOpener(KEYS.get, **{"max_body_bytes": 1 << 20, **options})


def exchange(pieces: list[bytes]) -> tuple[ohttp.ResponseOpener, list[bytes]]:
    """Return the client's opener and the wire chunks of an answer made of *pieces*."""
    client, gateway = sealer(), opener()
    gateway.finish(client.finish(b"question"))
    answer = gateway.response_sealer(NONCE)
    chunks = [answer.feed(piece) for piece in pieces]
    return client.response_opener(), [*chunks, answer.finish()]


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """Return *data* cut into pieces of these sizes, over and over."""
    pieces, start, turn = [], 0, 0
    while start < len(data):
        end = start + sizes[turn % len(sizes)]
        pieces.append(data[start:end])
        start, turn = end, turn + 1
    return pieces


def open_all(opening, pieces: list[bytes]) -> bytes:
    """Feed all *pieces* and finish."""
    return b"".join(map(opening.feed, pieces)) + opening.finish()


PIECES = st.lists(st.binary(max_size=80), max_size=6)
SIZES = st.lists(st.integers(1, 50), min_size=1, max_size=6)


@given(PIECES, st.binary(max_size=80), SIZES, st.integers(1, 40))
def test_request_round_trip(pieces, last, sizes, max_chunk_bytes):
    """A request opens to what was sealed, however it was fed in and however the wire cut it."""
    client, gateway = sealer(max_chunk_bytes=max_chunk_bytes), opener()
    wire = b"".join(map(client.feed, pieces)) + client.finish(last)
    opened = b"".join(map(gateway.feed, cut(wire, sizes))) + gateway.finish()
    assert opened == b"".join(pieces) + last
    assert gateway.key_id == 9
    assert wire[7:39] == gateway.encapsulated_key


@given(PIECES, SIZES)
def test_response_round_trip(pieces, sizes):
    """An answer opens to what was sealed, however the wire cut it."""
    client, chunks = exchange(pieces)
    opened = b"".join(map(client.feed, cut(b"".join(chunks), sizes))) + client.finish()
    assert opened == b"".join(pieces)
    assert b"".join(chunks).startswith(NONCE)


def test_one_piece_opens_at_once():
    """Each streamed piece can be read as soon as its chunk is in."""
    client, chunks = exchange([b"one", b"two"])
    assert client.feed(chunks[0]) == b"one"
    assert client.feed(chunks[1]) == b"two"
    assert client.finish(chunks[2]) == b""


@given(st.integers(0, 10_000))
def test_flipped_bit_in_a_request(position):
    """One flipped bit anywhere makes a request fail."""
    client = sealer()
    wire = bytearray(client.feed(b"first") + client.feed(b"second") + client.finish(b"third"))
    bit = position % (8 * len(wire))
    wire[bit // 8] ^= 1 << bit % 8
    with pytest.raises((OpenFailed, UnknownKey, PayloadTooLarge)) as caught:
        opener().finish(bytes(wire))
    if bit >= 8 * HEADER_BYTES:
        assert caught.type is not UnknownKey


@given(st.integers(0, 10_000))
def test_flipped_bit_in_an_answer(position):
    """One flipped bit anywhere makes an answer fail, the nonce included."""
    client, chunks = exchange([b"first", b"second"])
    wire = bytearray(b"".join(chunks))
    bit = position % (8 * len(wire))
    wire[bit // 8] ^= 1 << bit % 8
    with pytest.raises((OpenFailed, PayloadTooLarge)):
        client.finish(bytes(wire))


def test_every_truncation():
    """No proper beginning of a request or an answer passes as a whole one."""
    client = sealer()
    wire = client.feed(b"first") + client.finish(b"second")
    for end in range(len(wire)):
        with pytest.raises(OpenFailed):
            opener().finish(wire[:end])
    answer = b"".join(exchange([b"first", b"data: [DONE]"])[1])
    for end in range(len(answer)):
        with pytest.raises(OpenFailed):
            exchange([])[0].finish(answer[:end])


@pytest.mark.parametrize(
    "order", [(1, 0, 2, 3), (0, 0, 1, 2, 3), (0, 2, 3), (0, 1, 3), (0, 1, 2), (3,), (0, 1, 2, 3, 3)]
)
def test_moved_chunks(order):
    """Swapped, repeated, dropped and appended chunks make an answer fail."""
    client, chunks = exchange([b"same length 1", b"same length 2", b"same length 3"])
    nonce, chunks[0] = chunks[0][:32], chunks[0][32:]
    with pytest.raises(OpenFailed):
        client.finish(nonce + b"".join(chunks[index] for index in order))


def test_wrong_key_is_not_told_from_wrong_bytes():
    """A request sealed to another key under our identifier fails like any damaged one."""
    other = load_recipient_key(9, bytes(32), kem_id=hpke.KEM_X25519)
    wire = ohttp.RequestSealer(other.config).finish(b"x")
    with pytest.raises(OpenFailed) as wrong_key:
        opener().finish(wire)
    with pytest.raises(OpenFailed) as zero_point:
        opener().finish(wire[:7] + bytes(32) + wire[39:])
    assert str(wrong_key.value) == str(zero_point.value) == OpenFailed.default_detail


@pytest.mark.parametrize(
    ("header", "error"),
    [
        ("08002000010002", UnknownKey),
        ("09647a00010002", UnknownKey),
        ("09002000010001", OpenFailed),
        ("09002000020002", OpenFailed),
        ("09002000010003", OpenFailed),
    ],
)
def test_header(header, error):
    """An unknown key or another mechanism is told; another cipher, AES-128 too, just fails."""
    with pytest.raises(error):
        opener().feed(bytes.fromhex(header))


def test_labels_keep_protocols_apart():
    """A request sealed under the label of another variant does not open."""
    plain = ohttp.Profile(b"message/bhttp request", b"message/bhttp response")
    with pytest.raises(OpenFailed):
        opener().finish(sealer(profile=plain).finish(b"x"))


def test_request_size():
    """A request above the limit is refused, one at the limit is opened."""
    assert opener(max_body_bytes=8).finish(sealer().finish(bytes(8))) == bytes(8)
    with pytest.raises(PayloadTooLarge):
        opener(max_body_bytes=8).finish(sealer().finish(bytes(9)))
    with pytest.raises(PayloadTooLarge):
        opener(max_chunk_bytes=8).feed(sealer().feed(bytes(9)))


def test_answer_needs_a_finished_request():
    """Neither side can make its half of the answer before the request is complete, or twice."""
    client, gateway = sealer(), opener()
    first = client.feed(b"x")
    gateway.feed(first)
    with pytest.raises(RuntimeError):
        gateway.response_sealer(NONCE)
    with pytest.raises(RuntimeError):
        sealer().response_opener()
    gateway.finish(client.finish())
    gateway.response_sealer(NONCE)
    client.response_opener()
    with pytest.raises(RuntimeError):
        gateway.response_sealer(NONCE)
    with pytest.raises(RuntimeError):
        client.response_opener()


def test_response_nonce_length():
    """A response nonce shorter than the AES-256 key is refused."""
    gateway = opener()
    gateway.finish(sealer().finish())
    with pytest.raises(ValueError, match="nonce"):
        gateway.response_sealer(bytes(16))


def test_config_without_our_cipher():
    """Nothing is sealed for a key that does not offer AES-256-GCM."""
    weak = KeyConfig(9, hpke.KEM_X25519, KEY.config.public_key, ((1, 1),))
    with pytest.raises(MalformedRequest):
        ohttp.RequestSealer(weak)


@given(st.binary(max_size=200), SIZES)
def test_any_bytes(data, sizes):
    """Any bytes after a valid header are refused with one of the documented errors."""
    header = ohttp.encode_header(9, hpke.KEM_X25519)
    with pytest.raises((OpenFailed, PayloadTooLarge)):
        open_all(opener(), cut(header + data, sizes))
    client, _ = exchange([])
    with pytest.raises((OpenFailed, PayloadTooLarge)):
        client.finish(data)


def test_each_request_is_fresh():
    """Two seals of the same request share no encapsulated key."""
    wires = [ohttp.RequestSealer(KEY.config).finish(b"x") for _ in range(2)]
    assert wires[0][7:39] != wires[1][7:39]


@pytest.mark.parametrize("profile", ohttp.PROFILES.values())
def test_request_is_free_once_it_is_open(profile):
    """What was sealed, and the keys to it, wait for no collection of cycles."""
    gateway = opener(profile=profile)
    alive = weakref.ref(gateway)
    gateway.finish(sealer(profile=profile).finish(b"question"))
    del gateway
    assert alive() is None


@settings(max_examples=40)
@given(VARIANTS, PIECES, SIZES)
def test_every_variant_round_trip(variant, pieces, sizes):
    """Both mechanisms and both framings carry a request and its answer, however they are cut."""
    key_id, profile = variant
    client = ohttp.RequestSealer(ALL_KEYS[key_id].config, profile=profile)
    gateway = ohttp.RequestOpener(ALL_KEYS.get, max_body_bytes=1 << 16, profile=profile)
    wire = b"".join(map(client.feed, pieces)) + client.finish(b"end")
    assert open_all(gateway, cut(wire, sizes)) == b"".join(pieces) + b"end"
    assert gateway.key_id == key_id
    assert wire[7:].startswith(gateway.encapsulated_key)
    answer = gateway.response_sealer(NONCE)
    wire = b"".join(map(answer.feed, pieces)) + answer.finish(b"[DONE]")
    assert wire.startswith(NONCE)
    assert open_all(client.response_opener(), cut(wire, sizes)) == b"".join(pieces) + b"[DONE]"


@settings(max_examples=40)
@given(VARIANTS, st.integers(0, 100_000), st.booleans())
def test_flipped_bit_in_every_variant(variant, position, in_answer):
    """One flipped bit anywhere fails in every variant, without telling where it was."""
    key_id, profile = variant
    client = ohttp.RequestSealer(ALL_KEYS[key_id].config, profile=profile)
    gateway = ohttp.RequestOpener(ALL_KEYS.get, max_body_bytes=1 << 16, profile=profile)
    wire = client.finish(b"question")
    receiver = ohttp.RequestOpener(ALL_KEYS.get, max_body_bytes=1 << 16, profile=profile)
    if in_answer:
        gateway.finish(wire)
        wire, receiver = gateway.response_sealer(NONCE).finish(b"answer"), client.response_opener()
    damaged = bytearray(wire)
    bit = position % (8 * len(wire))
    damaged[bit // 8] ^= 1 << bit % 8
    with pytest.raises((OpenFailed, UnknownKey, PayloadTooLarge)) as caught:
        receiver.finish(bytes(damaged))
    if in_answer or bit >= 56:
        assert caught.type is not UnknownKey


def test_variants_do_not_mix():
    """What is sealed in one framing does not open in the other, and media types tell them apart."""
    for one, other in ((ohttp.CHUNKED, ohttp.WHOLE), (ohttp.WHOLE, ohttp.CHUNKED)):
        with pytest.raises((OpenFailed, PayloadTooLarge)):
            opener(profile=other).finish(sealer(profile=one).finish(b"x"))
    assert list(ohttp.PROFILES) == ["message/ohttp-chunked-req", "message/ohttp-req"]
    assert ohttp.WHOLE.response_media_type == "message/ohttp-res"
    assert ohttp.CHUNKED.response_media_type == ohttp.RESPONSE_MEDIA_TYPE


def test_whole_message_shape():
    """In one piece a message is header, encapsulated key and one ciphertext, made at its end."""
    client, gateway = sealer(profile=ohttp.WHOLE), opener(profile=ohttp.WHOLE)
    assert client.feed(b"question") == b""
    wire = client.finish()
    assert len(wire) == HEADER_BYTES + len(b"question") + 16
    assert gateway.feed(wire) == b""
    assert gateway.finish() == b"question"
    answer = gateway.response_sealer(NONCE)
    assert answer.feed(b"answer") == b""
    assert len(answer.finish()) == 32 + len(b"answer") + 16


def test_every_truncation_of_a_whole_message():
    """No proper beginning of a request or an answer in one piece opens."""
    client, gateway = sealer(profile=ohttp.WHOLE), opener(profile=ohttp.WHOLE)
    wire = client.finish(b"question")
    for end in range(len(wire)):
        with pytest.raises(OpenFailed):
            opener(profile=ohttp.WHOLE).finish(wire[:end])
    gateway.finish(wire)
    answer = gateway.response_sealer(NONCE).finish(b"answer")
    for end in range(len(answer)):
        other = sealer(profile=ohttp.WHOLE)
        other.finish(b"question")
        with pytest.raises(OpenFailed):
            other.response_opener().finish(answer[:end])


def test_size_of_a_whole_message():
    """A request or an answer in one piece above the limit is refused before it is opened."""
    assert opener(max_body_bytes=8, profile=ohttp.WHOLE).finish(
        sealer(profile=ohttp.WHOLE).finish(bytes(8))
    ) == bytes(8)
    gateway = opener(max_body_bytes=8, profile=ohttp.WHOLE)
    with pytest.raises(PayloadTooLarge):
        gateway.feed(sealer(profile=ohttp.WHOLE).finish(bytes(9)))
    with pytest.raises(OpenFailed):
        gateway.finish()
    for profile in ohttp.PROFILES.values():
        client, gateway = sealer(profile=profile), opener(profile=profile)
        gateway.finish(client.finish())
        with pytest.raises(PayloadTooLarge):
            client.response_opener(max_body_bytes=8).feed(
                gateway.response_sealer(NONCE).finish(bytes(9))
            )


def test_damaged_xwing_key_is_not_told_apart():
    """Damage in the ML-KEM half, in the X25519 half and in the message is the same failure."""
    wire = ohttp.RequestSealer(XWING.config).finish(b"x")
    texts = set()
    for at in (7, 7 + 1088, 7 + 1119, len(wire) - 1):
        damaged = wire[:at] + bytes([wire[at] ^ 1]) + wire[at + 1 :]
        with pytest.raises(OpenFailed) as caught:
            ohttp.RequestOpener(ALL_KEYS.get, max_body_bytes=99).finish(damaged)
        texts.add(str(caught.value))
    assert texts == {OpenFailed.default_detail}
