"""Oblivious HTTP, chunked (draft-ietf-ohai-chunked-ohttp-08) or in one piece (RFC 9458).

Four objects, each with ``feed()`` and ``finish()`` alone: the client seals a request and opens the
answer, the gateway opens a request and seals the answer. The joined output is the same for every
way of cutting the input. Whatever makes a message not open is the same ``OpenFailed``, so that the
answer tells an attacker nothing. There is no trial decryption: the key identifier selects the key.
A ``Profile`` says which variant is spoken; only the chunked one can stream.

Request:  header(7) | encapsulated key | chunks      Response:  nonce | chunks
Chunk:    length, ciphertext                         Final:     0, ciphertext up to the end
In one piece, a single ciphertext up to the end stands in place of the chunks.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from gateway.core import hpke
from gateway.core.errors import MalformedRequest, OpenFailed, UnknownKey
from gateway.core.ohttp_chunks import MAX_CHUNK_BYTES, OpenChunk
from gateway.core.ohttp_framing import Framing
from gateway.core.ohttp_keys import KeyConfig, RecipientKey

REQUEST_MEDIA_TYPE: Final = "message/ohttp-chunked-req"
RESPONSE_MEDIA_TYPE: Final = "message/ohttp-chunked-res"

_HEADER: Final = struct.Struct(">BHHH")


@dataclass(frozen=True, slots=True)
class Profile:
    """The labels, the cipher, the framing and the media types of one variant of the protocol.

    Labels keep variants apart: what is sealed under one never opens under another.
    """

    request_label: bytes
    response_label: bytes
    aead: hpke.Aead = hpke.AES_256_GCM
    is_chunked: bool = field(default=True, kw_only=True)
    request_media_type: str = REQUEST_MEDIA_TYPE
    response_media_type: str = RESPONSE_MEDIA_TYPE

    @property
    def response_nonce_bytes(self) -> int:
        """Length of the response nonce: max(Nn, Nk), RFC 9458 §4.4."""
        return max(hpke.NONCE_BYTES, self.aead.key_bytes)

    def framing(self, max_chunk_bytes: int, max_total_bytes: int | None = None) -> Framing:
        """Return how messages of this variant are cut, with these limits of plaintext."""
        return Framing(
            is_chunked=self.is_chunked,
            max_chunk_bytes=max_chunk_bytes,
            max_total_bytes=max_total_bytes,
        )


CHUNKED: Final = Profile(b"message/bhttp chunked request", b"message/bhttp chunked response")
"""What our own client speaks: the answer streams (draft §6)."""

WHOLE: Final = Profile(
    b"message/bhttp request",
    b"message/bhttp response",
    is_chunked=False,
    request_media_type="message/ohttp-req",
    response_media_type="message/ohttp-res",
)
"""RFC 9458 as published: one sealed piece each way, for clients that know no chunks."""

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {profile.request_media_type: profile for profile in (CHUNKED, WHOLE)}
)
"""The variants by the media type of the request."""

FindKey = Callable[[int], RecipientKey | None]
"""Looks up a private key by its identifier; None when it is unknown, retired or revoked."""


@dataclass(frozen=True, slots=True)
class ResponseKeys:
    """The key and base nonce of one answer."""

    key: bytes = field(repr=False)
    base_nonce: bytes = field(repr=False)


def derive_response_keys(
    secret: bytes, *, encapsulated_key: bytes, nonce: bytes, aead: hpke.Aead = hpke.AES_256_GCM
) -> ResponseKeys:
    """Return the keys of the answer to one request (RFC 9458 §4.4).

    *secret* is what the request's context exported; *nonce* is the response nonce.
    """
    prk = hpke.hkdf_extract(encapsulated_key + nonce, secret)
    return ResponseKeys(
        key=hpke.hkdf_expand(prk, b"key", aead.key_bytes),
        base_nonce=hpke.hkdf_expand(prk, b"nonce", hpke.NONCE_BYTES),
    )


@dataclass(frozen=True, slots=True)
class _Exported:
    """What stays of a request's context: enough for its answer, not for the request itself."""

    secret: bytes = field(repr=False)
    encapsulated_key: bytes

    def answer_aead(self, nonce: bytes, *, profile: Profile) -> hpke.SequencedAead:
        keys = derive_response_keys(
            self.secret, encapsulated_key=self.encapsulated_key, nonce=nonce, aead=profile.aead
        )
        return hpke.SequencedAead(keys.key, keys.base_nonce)


class RequestSealer:
    """Seal one request for the key of *config*: the client's half of an exchange.

    Raises ``MalformedRequest`` when *config* does not offer the profile's cipher or its public key
    cannot be used. Seal every attempt afresh: a sealed request sent twice is a replay.
    """

    def __init__(
        self,
        config: KeyConfig,
        *,
        random_bytes: hpke.RandomBytes = secrets.token_bytes,
        max_chunk_bytes: int = MAX_CHUNK_BYTES,
        profile: Profile = CHUNKED,
    ) -> None:
        if (hpke.KDF_HKDF_SHA256, profile.aead.aead_id) not in config.algorithms:
            raise MalformedRequest("The key configuration does not offer the cipher.")
        header = encode_header(config.key_id, config.kem_id, aead=profile.aead)
        context = hpke.setup_sender(
            hpke.Suite(config.kem_id, profile.aead),
            config.public_key,
            info=request_info(header, profile=profile),
            random_bytes=random_bytes,
        )
        self._profile = profile
        self._exported: _Exported | None = _export(context, context.encapsulated_key, profile)
        self._is_finished = False
        prefix = header + context.encapsulated_key
        self._writer = profile.framing(max_chunk_bytes).writer(context.seal, prefix=prefix)

    def feed(self, data: bytes) -> bytes:
        """Return *data* as sealed chunks; the first output starts with the header.

        With a profile that is not chunked, *data* is kept and all output comes from ``finish()``;
        the same holds for :class:`ResponseSealer`, and for the two that open.
        """
        return self._writer.feed(data)

    def finish(self, data: bytes = b"") -> bytes:
        """Return *data* and the end of the request sealed; the context is dropped."""
        sealed = self._writer.finish(data)
        self._is_finished = True
        return sealed

    def response_opener(
        self, *, max_chunk_bytes: int = MAX_CHUNK_BYTES, max_body_bytes: int | None = None
    ) -> ResponseOpener:
        """Return the object that opens the answer. Once, and only after ``finish()``.

        *max_body_bytes* bounds the plaintext. Without it only an answer in one piece, which has to
        be collected, has a limit (``MAX_WHOLE_BYTES``).
        """
        exported, self._exported = self._exported, None
        if exported is None or not self._is_finished:
            raise RuntimeError("an answer is opened once, after its request is finished")
        return ResponseOpener(
            exported,
            max_chunk_bytes=max_chunk_bytes,
            profile=self._profile,
            max_body_bytes=max_body_bytes,
        )


class RequestOpener:
    """Open one request: the gateway's half of an exchange.

    ``feed()`` returns verified plaintext, but a message is a request only once ``finish()`` has
    returned: until then the sender, or whoever sits between, may still break it off. Do not act
    before.

    Raises ``UnknownKey`` when *find_key* knows no such key or knows it for another mechanism,
    ``PayloadTooLarge`` above *max_body_bytes* of plaintext or *max_chunk_bytes* in one chunk, and
    ``OpenFailed`` for everything else, without telling which.
    """

    def __init__(
        self,
        find_key: FindKey,
        *,
        max_body_bytes: int,
        max_chunk_bytes: int = MAX_CHUNK_BYTES,
        profile: Profile = CHUNKED,
    ) -> None:
        self._find_key = find_key
        self._profile = profile
        self._context: hpke.RecipientContext | None = None
        self._exported: _Exported | None = None
        self.key_id: int | None = None
        """The identifier of the key that the request is sealed to, once the header has arrived."""
        self.encapsulated_key: bytes | None = None
        """Unique to each honest request: what a store against replays remembers."""
        self._reader = profile.framing(max_chunk_bytes, max_body_bytes).reader(self._read_prefix)

    def feed(self, data: bytes) -> bytes:
        """Accept the next wire bytes; return the plaintext that they complete."""
        return self._reader.feed(data)

    def finish(self, data: bytes = b"") -> bytes:
        """Return the rest of the plaintext. From here on the request is complete and authentic."""
        opened = self._reader.finish(data)
        context, self._context = self._context, None
        if context is None or self.encapsulated_key is None:
            raise AssertionError("a request cannot finish without its header")
        self._exported = _export(context, self.encapsulated_key, self._profile)
        return opened

    def response_sealer(
        self, nonce: bytes, *, max_chunk_bytes: int = MAX_CHUNK_BYTES
    ) -> ResponseSealer:
        """Return the object that seals the answer. Once, and only after ``finish()``.

        *nonce* is fresh random bytes, 32 for AES-256 (``Profile.response_nonce_bytes``); with
        another length ``ValueError`` is raised.
        """
        if len(nonce) != self._profile.response_nonce_bytes:
            raise ValueError("the response nonce has a wrong length")
        exported, self._exported = self._exported, None
        if exported is None:
            raise RuntimeError("an answer is sealed once, after its request is finished")
        aead = exported.answer_aead(nonce, profile=self._profile)
        return ResponseSealer(
            aead, nonce=nonce, max_chunk_bytes=max_chunk_bytes, profile=self._profile
        )

    def _read_prefix(self, buffer: bytearray) -> OpenChunk | None:
        if len(buffer) < _HEADER.size:
            return None
        key_id, kem_id, kdf_id, aead_id = _HEADER.unpack_from(buffer)
        key = self._find_key(key_id)
        if key is None or key.kem_id != kem_id:
            raise UnknownKey
        aead = self._profile.aead
        if (kdf_id, aead_id) != (hpke.KDF_HKDF_SHA256, aead.aead_id):
            raise OpenFailed
        suite = hpke.Suite(kem_id, aead)
        end = _HEADER.size + suite.kem.encapsulated_bytes
        if len(buffer) < end:
            return None
        header, encapsulated_key = bytes(buffer[: _HEADER.size]), bytes(buffer[_HEADER.size : end])
        del buffer[:end]
        self.key_id, self.encapsulated_key = key_id, encapsulated_key
        self._context = hpke.setup_recipient(
            suite,
            key.private_key,
            encapsulated_key=encapsulated_key,
            info=request_info(header, profile=self._profile),
        )
        return self._context.open


class ResponseSealer:
    """Seal one answer, piece by piece. Made by :meth:`RequestOpener.response_sealer`.

    To break an answer off, stop without calling ``finish()``: the client then notices.
    """

    def __init__(
        self,
        aead: hpke.SequencedAead,
        *,
        nonce: bytes,
        max_chunk_bytes: int,
        profile: Profile = CHUNKED,
    ) -> None:
        self._writer = profile.framing(max_chunk_bytes).writer(aead.seal, prefix=nonce)

    def feed(self, data: bytes) -> bytes:
        """Return *data* as one sealed chunk, or several if it is longer than one may be.

        The first output starts with the response nonce.
        """
        return self._writer.feed(data)

    def finish(self, data: bytes = b"") -> bytes:
        """Return *data* and the end of the answer sealed; the key is dropped."""
        return self._writer.finish(data)


class ResponseOpener:
    """Open one answer. Made by :meth:`RequestSealer.response_opener`.

    Plaintext that ``feed()`` returns is authentic and in order; that it is all of the answer is
    known only when ``finish()`` has returned.
    """

    def __init__(
        self,
        exported: _Exported,
        *,
        max_chunk_bytes: int,
        profile: Profile,
        max_body_bytes: int | None = None,
    ) -> None:
        self._exported: _Exported | None = exported
        self._profile = profile
        self._reader = profile.framing(max_chunk_bytes, max_body_bytes).reader(self._read_prefix)

    def feed(self, data: bytes) -> bytes:
        """Accept the next wire bytes; return the plaintext that they complete."""
        return self._reader.feed(data)

    def finish(self, data: bytes = b"") -> bytes:
        """Return the rest, or raise ``OpenFailed`` when the answer was cut short or altered."""
        return self._reader.finish(data)

    def _read_prefix(self, buffer: bytearray) -> OpenChunk | None:
        size = self._profile.response_nonce_bytes
        if len(buffer) < size or self._exported is None:
            return None
        nonce = bytes(buffer[:size])
        del buffer[:size]
        exported, self._exported = self._exported, None
        return exported.answer_aead(nonce, profile=self._profile).open


def encode_header(key_id: int, kem_id: int, *, aead: hpke.Aead = hpke.AES_256_GCM) -> bytes:
    """Return the seven bytes that name the key and the algorithms (RFC 9458 §4.1)."""
    return _HEADER.pack(key_id, kem_id, hpke.KDF_HKDF_SHA256, aead.aead_id)


def request_info(header: bytes, *, profile: Profile = CHUNKED) -> bytes:
    """Return the HPKE ``info`` that binds a request to its header (RFC 9458 §4.3)."""
    return profile.request_label + b"\x00" + header


def _export(
    context: hpke.SenderContext | hpke.RecipientContext, encapsulated_key: bytes, profile: Profile
) -> _Exported:
    secret = context.export(profile.response_label, profile.response_nonce_bytes)
    return _Exported(secret, encapsulated_key)
