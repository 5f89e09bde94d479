"""Make our own AES-256 vectors of Oblivious HTTP: ``python -m tests.vectors.make_vectors``.

Both appendices use AES-128-GCM only. These have AES-256-GCM, both mechanisms and both framings,
every intermediate value, and come from fixed seeds. The messages are put together here step by step
from the key schedule and the cipher, not by the classes under test, which must then agree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.core import hpke, ohttp
from gateway.core.bhttp import Request, RequestEncoder, encode_request
from gateway.core.bhttp_response import Response, ResponseEncoder, encode_response
from gateway.core.ohttp_keys import RecipientKey, encode_key_config, load_recipient_key
from gateway.core.varint import encode_varint
from gateway.core.xwing import XWingKem
from tests.vectors import mlkem768

TARGET = Path(__file__).parent / "sealgate-aes256.json"
KEY_IDS = {hpke.KEM_X25519: 1, hpke.KEM_XWING: 2}
NAMES = {hpke.KEM_X25519: "DHKEM(X25519, HKDF-SHA256)", hpke.KEM_XWING: "MLKEM768-X25519"}

REQUEST = Request(
    b"POST",
    b"/v1/chat/completions",
    authority=b"gateway.example",
    headers=((b"content-type", b"application/json"), (b"date", b"Mon, 02 Nov 2026 12:00:00 GMT")),
)
REQUEST_PIECES = (b'{"model":"m","stream":true,', b'"messages":[]}')
ANSWER_HEADERS = ((b"content-type", b"text/event-stream"),)
ANSWER_PIECES = (b'data: {"n":1}\n\n', b"data: [DONE]\n\n")


def fixed_bytes(label: str, length: int) -> bytes:
    """Return bytes that anybody can make again: SHAKE256 of a text."""
    return hashlib.shake_256(f"sealgate aes256 vectors: {label}".encode()).digest(length)


@dataclass(frozen=True, slots=True)
class Sealed:
    """The chunks of one message with what each was sealed with, and the bytes on the wire."""

    steps: list[dict[str, str]]
    wire: bytes


def recipient_key(kem_id: int) -> RecipientKey:
    """Return the gateway's key of the vectors."""
    seed = fixed_bytes(f"private key 0x{kem_id:04x}", 32)
    return load_recipient_key(KEY_IDS[kem_id], seed, kem_id=kem_id)


def mechanism(kem_id: int) -> hpke.Kem:
    """Return the mechanism, for X-Wing with the randomness of its ML-KEM half chosen."""
    if kem_id == hpke.KEM_XWING:
        return XWingKem(mlkem768.with_message(fixed_bytes("ML-KEM message", 32)))
    return hpke.KEMS[kem_id]


def ephemeral_key(length: int = 32) -> bytes:
    """Return the sender's X25519 private key."""
    return fixed_bytes("ephemeral key", length)


def plaintexts(profile: ohttp.Profile) -> tuple[list[bytes], list[bytes]]:
    """Return the pieces of the request and of the answer; the last of each is sealed as final."""
    if not profile.is_chunked:
        whole = replace(REQUEST, body=b"".join(REQUEST_PIECES))
        answer = encode_response(Response(200, ANSWER_HEADERS, b"".join(ANSWER_PIECES)))
        return [encode_request(whole, pad_to_bytes=64)], [answer]
    asking, answering = RequestEncoder(REQUEST), ResponseEncoder(200, ANSWER_HEADERS)
    request_pieces = [asking.head, *map(asking.feed, REQUEST_PIECES), asking.finish()]
    answer_pieces = [answering.head, *map(answering.feed, ANSWER_PIECES), answering.finish()]
    return request_pieces, answer_pieces


def seal(pieces: Sequence[bytes], keys: tuple[bytes, bytes], *, is_chunked: bool) -> Sealed:
    """Seal *pieces* in order with a key and a base nonce."""
    key, base_nonce = keys
    steps, wire = [], b""
    for number, plaintext in enumerate(pieces):
        nonce = (int.from_bytes(base_nonce, "big") ^ number).to_bytes(12, "big")
        is_last = number == len(pieces) - 1
        aad = b"final" if is_chunked and is_last else b""
        ciphertext = AESGCM(key).encrypt(nonce, plaintext, aad)
        values = {"plaintext": plaintext, "nonce": nonce, "aad": aad, "ciphertext": ciphertext}
        steps.append({name: value.hex() for name, value in values.items()})
        if is_chunked:
            wire += b"\x00" if is_last else encode_varint(len(ciphertext))
        wire += ciphertext
    return Sealed(steps, wire)


def make_vector(kem_id: int, profile: ohttp.Profile) -> dict[str, Any]:
    """Return one exchange with every intermediate value."""
    key, suite = recipient_key(kem_id), hpke.Suite(kem_id)
    request_pieces, answer_pieces = plaintexts(profile)
    secret, enc = mechanism(kem_id).encapsulate(key.config.public_key, random_bytes=ephemeral_key)
    header = ohttp.encode_header(key.key_id, kem_id)
    info = profile.request_label + b"\x00" + header
    schedule = hpke.derive_key_schedule(suite, secret, info=info)
    request_keys = (schedule.key, schedule.base_nonce)
    request = seal(request_pieces, request_keys, is_chunked=profile.is_chunked)

    nonce = fixed_bytes("response nonce", 32)
    context = hpke.RecipientContext(suite, schedule)
    exported = context.export(profile.response_label, 32)
    keys = ohttp.derive_response_keys(exported, encapsulated_key=enc, nonce=nonce)
    answer = seal(answer_pieces, (keys.key, keys.base_nonce), is_chunked=profile.is_chunked)
    values: dict[str, bytes] = {
        "private_key": fixed_bytes(f"private key 0x{kem_id:04x}", 32),
        "public_key": key.config.public_key,
        "key_config": encode_key_config(key.config),
        "ephemeral_x25519_private_key": ephemeral_key(),
        "mlkem_message": fixed_bytes("ML-KEM message", 32) if kem_id == hpke.KEM_XWING else b"",
        "enc": enc,
        "shared_secret": secret,
        "header": header,
        "info": info,
        "key": schedule.key,
        "base_nonce": schedule.base_nonce,
        "exporter_secret": schedule.exporter_secret,
        "encapsulated_request": header + enc + request.wire,
        "response_nonce": nonce,
        "exported_secret": exported,
        "response_salt": enc + nonce,
        "prk": hpke.hkdf_extract(enc + nonce, exported),
        "aead_key": keys.key,
        "aead_nonce": keys.base_nonce,
        "encapsulated_response": nonce + answer.wire,
    }
    return {
        "kem": NAMES[kem_id],
        "kem_id": kem_id,
        "kdf_id": hpke.KDF_HKDF_SHA256,
        "aead_id": hpke.AES_256_GCM.aead_id,
        "key_id": key.key_id,
        "request_media_type": profile.request_media_type,
        "response_media_type": profile.response_media_type,
        "request_label": profile.request_label.decode(),
        "response_label": profile.response_label.decode(),
        **{name: value.hex() for name, value in values.items()},
        "request_chunks": request.steps,
        "response_chunks": answer.steps,
    }


def render() -> str:
    """Return the text of the published file."""
    vectors = [
        make_vector(kem_id, profile) for kem_id in KEY_IDS for profile in ohttp.PROFILES.values()
    ]
    return json.dumps(vectors, indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(render(), "utf-8")
    print(f"wrote {TARGET.name}")
