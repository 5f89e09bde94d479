"""Published vectors of the protocols themselves, each reproduced with every intermediate value.

Each function takes one vector and raises ``AssertionError`` where a value differs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from gateway.core import hpke, ohttp
from gateway.core.ohttp_keys import RecipientKey, load_recipient_key, parse_key_config
from gateway.core.varint import find_varint
from gateway.core.xwing import XWingKem
from tests.vectors import mlkem768
from tests.vectors.tally import Tally, committed, count, raw, shared

AEADS = {aead.aead_id: aead for aead in (hpke.AES_128_GCM, hpke.AES_256_GCM)}
KDF_SHAKE256 = 0x0011
CHUNKED_APPENDIX = "chunked_ohttp_08_appendix_a.json"
CHACHA20_POLY1305 = hpke.Aead(aead_id=3, key_bytes=32)


def check_rfc9180(vector: dict[str, Any]) -> None:
    """Reproduce a base-mode vector with X25519 and AES-GCM from both sides."""
    value = raw(vector)
    suite = hpke.Suite(vector["kem_id"], AEADS[vector["aead_id"]])
    private_key = suite.kem.load_private_key(value["skRm"])
    assert suite.suite_id == value.get("suite_id", suite.suite_id)
    assert private_key.public_key == value["pkRm"]

    secret, enc = suite.kem.encapsulate(value["pkRm"], random_bytes=lambda _: value["skEm"])
    assert (secret, enc) == (value["shared_secret"], value["enc"])
    assert private_key.decapsulate(enc) == value["shared_secret"]

    schedule = hpke.derive_key_schedule(suite, secret, info=value["info"])
    assert schedule.key == value["key"]
    assert schedule.base_nonce == value["base_nonce"]
    assert schedule.exporter_secret == value["exporter_secret"]

    sender = hpke.setup_sender(
        suite, value["pkRm"], info=value["info"], random_bytes=lambda _: value["skEm"]
    )
    recipient = hpke.setup_recipient(
        suite, private_key, encapsulated_key=value["enc"], info=value["info"]
    )
    assert sender.encapsulated_key == value["enc"]
    for message in map(raw, vector["encryptions"]):
        assert sender.seal(message["pt"], aad=message["aad"]) == message["ct"]
        assert recipient.open(message["ct"], aad=message["aad"]) == message["pt"]
    for export in vector["exports"]:
        context, wanted = (raw(export)[key] for key in ("exporter_context", "exported_value"))
        assert sender.export(context, export["L"]) == wanted
        assert recipient.export(context, export["L"]) == wanted


def is_our_rfc9180(vector: dict[str, Any]) -> bool:
    """Say whether *vector* is base mode, X25519, HKDF-SHA256 and AES-GCM."""
    suite = (vector["mode"], vector["kem_id"], vector["kdf_id"])
    return suite == (0, 0x20, 1) and vector["aead_id"] in AEADS


def check_xwing(vector: dict[str, Any]) -> None:
    """Reproduce key generation, encapsulation and decapsulation of X-Wing."""
    value = raw(vector)
    kem = XWingKem(mlkem768.with_message(value["eseed"][:32]))
    key = kem.load_private_key(value["seed"])
    assert value["sk"] == value["seed"]
    assert key.public_key == value["pk"]
    encapsulated = kem.encapsulate(value["pk"], random_bytes=lambda _: value["eseed"][32:])
    assert encapsulated == (value["ss"], value["ct"])
    assert key.decapsulate(value["ct"]) == value["ss"]


def check_hpke_pq(vector: dict[str, Any]) -> None:
    """Reproduce a vector with KEM 0x647a.

    Those that exist use ChaCha20-Poly1305, one of them with SHAKE256 as KDF. The KEM is checked
    byte for byte in both; with HKDF-SHA256 our key schedule and exporter are too. The other
    schedule and the other cipher stand here, so that messages are sealed with what was derived.
    """
    value = raw(vector)
    assert vector["aead_id"] == CHACHA20_POLY1305.aead_id
    kem = XWingKem(mlkem768.with_message(value["ikmE"][:32]))
    key = kem.load_private_key(value["skRm"])
    assert key.public_key == value["pkRm"]
    secret, enc = kem.encapsulate(value["pkRm"], random_bytes=lambda _: value["ikmE"][32:])
    assert (secret, enc) == (value["shared_secret"], value["enc"])
    assert key.decapsulate(enc) == secret

    schedule, export = _schedule_of(vector, secret)
    assert schedule.key == value["key"]
    assert schedule.base_nonce == value["base_nonce"]
    assert schedule.exporter_secret == value["exporter_secret"]
    cipher = ChaCha20Poly1305(schedule.key)
    for number, message in enumerate(map(raw, vector["encryptions"])):
        nonce = (int.from_bytes(schedule.base_nonce, "big") ^ number).to_bytes(12, "big")
        assert nonce == message["nonce"]
        assert cipher.encrypt(nonce, message["pt"], message["aad"]) == message["ct"]
    for wanted in vector["exports"]:
        result = export(raw(wanted)["exporter_context"], wanted["L"])
        assert result == raw(wanted)["exported_value"]


Export = Callable[[bytes, int], bytes]


def _schedule_of(vector: dict[str, Any], secret: bytes) -> tuple[hpke.KeySchedule, Export]:
    info = raw(vector)["info"]
    if vector["kdf_id"] == KDF_SHAKE256:
        return _shake_schedule(raw(vector)["suite_id"], secret, info=info)
    suite = hpke.Suite(hpke.KEM_XWING, CHACHA20_POLY1305)
    assert suite.suite_id == raw(vector)["suite_id"]
    schedule = hpke.derive_key_schedule(suite, secret, info=info)
    context = hpke.RecipientContext(suite, schedule)  # its exporter; its cipher is not used
    return schedule, context.export


def _shake_schedule(
    suite_id: bytes, secret: bytes, *, info: bytes
) -> tuple[hpke.KeySchedule, Export]:
    """The one-stage key schedule of the HPKE draft with SHAKE256, which the product has not."""

    def prefixed(data: bytes) -> bytes:
        return len(data).to_bytes(2, "big") + data

    def derive(key_material: bytes, label: bytes, *, context: bytes, length: int) -> bytes:
        parts = (key_material, b"HPKE-v1", suite_id, prefixed(label), length.to_bytes(2, "big"))
        return hashlib.shake_256(b"".join(parts) + context).digest(length)

    context = b"\x00" + prefixed(b"") + prefixed(info)
    keys = derive(prefixed(b"") + prefixed(secret), b"secret", context=context, length=108)
    schedule = hpke.KeySchedule(keys[:32], keys[32:44], keys[44:])
    return schedule, lambda exporter_context, length: derive(
        schedule.exporter_secret, b"sec", context=exporter_context, length=length
    )


def check_appendix(vector: dict[str, Any]) -> None:
    """Reproduce the exchange of an appendix of Oblivious HTTP, chunked or in one piece."""
    value, is_chunked = raw(vector), "request_plaintext_chunks" in vector
    labels = (vector["hpke_info_label"].encode(), vector["response_label"].encode())
    profile = ohttp.Profile(*labels, hpke.AES_128_GCM, is_chunked=is_chunked)
    key = load_recipient_key(vector["key_id"], value["gateway_secret_key"], kem_id=0x20)
    _check_derivation(value, key, profile=profile)

    sealer = ohttp.RequestSealer(
        parse_key_config(value["key_config"]),
        random_bytes=lambda _: value["client_ephemeral_secret_key"],
        profile=profile,
    )
    sealed = b"".join(map(sealer.feed, _pieces(vector, "request"))) + sealer.finish()
    assert sealed == value["encapsulated_request"]
    opener = ohttp.RequestOpener({key.key_id: key}.get, max_body_bytes=999, profile=profile)
    assert opener.finish(sealed) == value["bhttp_request"]
    assert opener.encapsulated_key == value["client_ephemeral_public_key_enc"]

    answering = opener.response_sealer(value["response_nonce"])
    answer = b"".join(map(answering.feed, _pieces(vector, "response"))) + answering.finish()
    assert answer == value["encapsulated_response"]
    assert sealer.response_opener().finish(answer) == value["bhttp_response"]
    if is_chunked:
        _check_chunk_nonces(vector)


def _pieces(vector: dict[str, Any], direction: str) -> list[bytes]:
    chunks = vector.get(f"{direction}_plaintext_chunks") or [vector[f"bhttp_{direction}"]]
    return [bytes.fromhex(text) for text in chunks]


def _check_derivation(
    value: dict[str, bytes], key: RecipientKey, *, profile: ohttp.Profile
) -> None:
    header = ohttp.encode_header(key.key_id, key.kem_id, aead=profile.aead)
    info = ohttp.request_info(header, profile=profile)
    assert value["encapsulated_request"].startswith(header)
    assert info == value["hpke_info"]
    context = hpke.setup_sender(
        hpke.Suite(key.kem_id, profile.aead),
        key.config.public_key,
        info=info,
        random_bytes=lambda _: value["client_ephemeral_secret_key"],
    )
    enc, nonce = value["client_ephemeral_public_key_enc"], value["response_nonce"]
    assert context.encapsulated_key == enc
    secret = context.export(profile.response_label, profile.response_nonce_bytes)
    assert secret == value["exported_secret"]
    assert enc + nonce == value["response_salt"]
    assert hpke.hkdf_extract(enc + nonce, secret) == value["prk"]
    keys = ohttp.derive_response_keys(secret, encapsulated_key=enc, nonce=nonce, aead=profile.aead)
    assert keys.key == value["aead_key"]
    assert keys.base_nonce == value["aead_nonce"]


def _check_chunk_nonces(vector: dict[str, Any]) -> None:
    """Open each chunk of the answer under the nonce that is printed beside it."""
    value = raw(vector)
    aead, rest = AESGCM(value["aead_key"]), value["encapsulated_response"][16:]
    plaintexts = vector["response_plaintext_chunks"]
    for nonce, plaintext in zip(vector["chunk_nonces"], plaintexts, strict=True):
        length, start = find_varint(rest) or (0, 0)
        end = start + length if length else len(rest)
        chunk, rest = rest[start:end], rest[end:]
        aad = b"" if length else b"final"
        assert aead.decrypt(bytes.fromhex(nonce), chunk, aad).hex() == plaintext


def check_ehbp(vector: dict[str, Any]) -> None:
    """Derive the answer keys of EHBP and open its frames, if there are any."""
    value = raw(vector)
    keys = ohttp.derive_response_keys(
        value["exportedSecret"],
        encapsulated_key=value["requestEnc"],
        nonce=value["responseNonce"],
    )
    assert keys.key == value.get("derivedKey", keys.key)
    assert keys.base_nonce == value.get("derivedNonceBase", keys.base_nonce)
    assert len(value["responseNonce"]) == ohttp.CHUNKED.response_nonce_bytes == 32
    opening = hpke.SequencedAead(keys.key, keys.base_nonce)
    rest, plaintext = value.get("encryptedResponse", b""), b""
    while rest:
        end = 4 + int.from_bytes(rest[:4], "big")
        frame, rest = rest[4:end], rest[end:]
        plaintext += opening.open(frame)
    assert plaintext == value.get("plaintext", b"")


def _holds(check: Callable[[dict[str, Any]], None], vector: dict[str, Any]) -> bool:
    try:
        check(vector)
    except AssertionError:
        return False
    return True


def tallies() -> list[Tally]:
    """Return what is reproduced of each file."""
    rfc9180 = shared("rfc9180/test-vectors.json")
    ours = [_holds(check_rfc9180, v) if is_our_rfc9180(v) else None for v in rfc9180]
    pq = shared("hpke-pq/test-vectors.json")
    xwing = [_holds(check_hpke_pq, v) if v["kem_id"] == hpke.KEM_XWING else None for v in pq]
    appendices = [committed(name) for name in ("rfc9458_appendix_a.json", CHUNKED_APPENDIX)]
    ehbp = [committed("ehbp_derive.json"), committed("ehbp_response_decryption.json")]
    return [
        count("rfc9180", ours, left_out="other modes, mechanisms, KDFs and ciphers"),
        count("hpke-pq", xwing, left_out="other mechanisms than 0x647a"),
        count("xwing", [_holds(check_xwing, v) for v in committed("xwing.json")]),
        *(count(v["source"], [_holds(check_appendix, v)]) for v in appendices),
        count("ehbp", [_holds(check_ehbp, v) for v in ehbp]),
    ]
