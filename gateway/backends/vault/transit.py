"""Private keys wrapped by Vault's Transit engine, whose key never leaves Vault.

Wrapped value: one byte of format (2), the version of the wrapping key (32 bits, big endian), and
the ciphertext as bytes. The ``kid`` is authenticated with it (``associated_data``).

Refuses a Transit key that is missing, that can be exported, or that cannot authenticate a ``kid``.
No Transit key is ever made here.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from gateway.backends.key_wrap import key_binding
from gateway.backends.vault.connection import Answer
from gateway.backends.vault.session import VaultSession
from gateway.core.errors import KeyServiceUnavailable, StoreUnavailable
from gateway.core.secret import Secret

_FORMAT: Final = b"\x02"
_VERSION_BYTES: Final = 4
_CIPHERTEXT: Final = re.compile(r"vault:v([1-9][0-9]{0,8}):([A-Za-z0-9+/]+={0,2})")
_AUTHENTICATED: Final = frozenset(
    {"aes128-gcm96", "aes256-gcm96", "chacha20-poly1305", "xchacha20-poly1305"}
)
"""Types of Transit keys that take ``associated_data`` and use a nonce of Vault's making."""


class VaultKeyWrap:
    """A ``KeyWrap`` over the Transit key *key* of the engine mounted at *mount*."""

    def __init__(self, session: VaultSession, *, mount: str, key: str) -> None:
        self._session = session
        self._mount = mount
        self._key = key
        self._is_verified = False

    async def wrap(self, private: Secret[bytes], *, kid: str) -> bytes:
        """Return *private* wrapped under the newest version of the Transit key."""
        await self._verify_key()
        body = {"plaintext": _text(private.reveal()), "associated_data": _text(key_binding(kid))}
        answer = await self._session.call("POST", self._path("encrypt"), body=body)
        return _parse_ciphertext(_member(answer, "ciphertext"))

    async def unwrap(self, wrapped: bytes, *, kid: str) -> Secret[bytes]:
        """Return what was wrapped for *kid*. Raises ``StoreUnavailable`` when it does not open."""
        body = {
            "ciphertext": _encode_ciphertext(wrapped),
            "associated_data": _text(key_binding(kid)),
        }
        answer = await self._session.call("POST", self._path("decrypt"), body=body)
        if answer.status != 200:
            raise StoreUnavailable("A stored key does not open with this key of Vault.")
        try:
            return Secret(base64.b64decode(_member(answer, "plaintext"), validate=True))
        except binascii.Error:
            raise KeyServiceUnavailable("Vault answers with something else than a key.") from None

    async def close(self) -> None:
        """Give the token back and close all connections."""
        await self._session.close()

    async def _verify_key(self) -> None:
        """Look at the Transit key once, before anything is entrusted to it.

        A policy that is too wide would else have Vault make a key of that name by itself.
        """
        if self._is_verified:
            return
        answer = await self._session.call("GET", self._path("keys"))
        key = answer.body.get("data") if answer.status == 200 else None
        if not isinstance(key, dict):
            raise KeyServiceUnavailable("Vault has no such Transit key.")
        if key.get("type") not in _AUTHENTICATED or key.get("derived") is not False:
            raise KeyServiceUnavailable(
                "The Transit key is not of a type that binds what it wraps."
            )
        if key.get("exportable") is not False or key.get("allow_plaintext_backup") is not False:
            raise KeyServiceUnavailable("The Transit key can leave Vault, so it is not used.")
        self._is_verified = True

    def _path(self, operation: str) -> str:
        return f"{self._mount}/{operation}/{self._key}"


def _parse_ciphertext(text: str) -> bytes:
    """Return what Vault calls ``vault:v1:…`` as it is stored.

    Binary, since base64 has several spellings of one value.
    """
    found = _CIPHERTEXT.fullmatch(text)
    if found is None:
        raise KeyServiceUnavailable("Vault answers with something else than a wrapped key.")
    version = int(found[1]).to_bytes(_VERSION_BYTES)
    return _FORMAT + version + base64.b64decode(found[2])


def _encode_ciphertext(wrapped: bytes) -> str:
    head = len(_FORMAT) + _VERSION_BYTES
    if not wrapped.startswith(_FORMAT) or len(wrapped) <= head:
        raise StoreUnavailable("A stored key was not wrapped by Vault.")
    version = int.from_bytes(wrapped[len(_FORMAT) : head])
    return f"vault:v{version}:{_text(wrapped[head:])}"


def _member(answer: Answer, name: str) -> str:
    data = answer.body.get("data") if answer.status == 200 else None
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, str):
        raise KeyServiceUnavailable("Vault cannot use the Transit key.")
    return value


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
