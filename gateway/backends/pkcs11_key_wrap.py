"""Private keys wrapped by a security module: AES-256-GCM under a key that never leaves it.

Wrapped value: one byte of format (3), the length of the key's label (8 bits) and the label, a
random 96-bit nonce, ciphertext and tag. The ``kid`` is authenticated with it. So the key can be
replaced: new wraps are made under the label that is configured, old ones open under theirs.

Refuses a key that can be extracted or is no AES key. No key is ever made here.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar, cast

import pkcs11
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import (
    EncryptedDataInvalid,
    EncryptedDataLenRange,
    FunctionFailed,
    GeneralError,
    NoSuchKey,
    PinExpired,
    PinIncorrect,
    PinInvalid,
    PinLenRange,
    PinLocked,
    PKCS11Error,
    UserAlreadyLoggedIn,
)

from gateway.backends.key_wrap import key_binding
from gateway.backends.metrics import KeyServiceMeter
from gateway.backends.secret_files import read_secret
from gateway.core.errors import KeyServiceUnavailable, StoreUnavailable
from gateway.core.secret import Secret

_FORMAT: Final = b"\x03"
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_ANSWER_SECONDS: Final = 0.9  # a caller hears within a second, whatever the module does
_MAX_WAITING: Final = 64
_PIN_REFUSED: Final = (PinIncorrect, PinInvalid, PinLenRange, PinLocked, PinExpired)
# What modules say of a tag that is wrong; SoftHSM says that something is wrong, and no more.
_DOES_NOT_OPEN: Final = (EncryptedDataInvalid, EncryptedDataLenRange, FunctionFailed, GeneralError)

T = TypeVar("T")


class Pkcs11Place(NamedTuple):
    """Where the wrapping key is, and the file with the PIN of the token's user."""

    module: Path
    token_label: str
    key_label: str
    pin_file: Path


class _Wrapped(NamedTuple):
    label: str
    nonce: bytes
    sealed: bytes


class Pkcs11KeyWrap:
    """A ``KeyWrap`` over an AES key in a token.

    The module is called on one thread, one call at a time, and on no other: one that uses OpenSSL
    leaves errors in the thread's queue, which TLS on the same thread takes for its own. While a
    call hangs, further ones are refused at once; a call that hangs for ever keeps the process from
    ending by itself.
    """

    def __init__(
        self,
        place: Pkcs11Place,
        *,
        meter: KeyServiceMeter,
        load: Callable[[str], Any] = pkcs11.lib,
    ) -> None:
        self._place = place
        self._meter = meter
        self._load = load
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pkcs11")
        self._waiting = 0
        self._is_closed = False
        self._hanging: Future[Any] | None = None
        self._session: pkcs11.Session | None = None  # this and the next only on the thread
        self._keys: dict[str, Any] = {}
        self._refused_pin = b""

    async def wrap(self, private: Secret[bytes], *, kid: str) -> bytes:
        """Return *private* wrapped under the key that is configured."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = await self._run(lambda: self._encrypt(private, nonce, key_binding(kid)))
        name = self._place.key_label.encode("ascii")
        return _FORMAT + len(name).to_bytes() + name + nonce + sealed

    async def unwrap(self, wrapped: bytes, *, kid: str) -> Secret[bytes]:
        """Return what was wrapped for *kid*. Raises ``StoreUnavailable`` when it does not open."""
        parts = _parse(wrapped)
        return Secret(await self._run(lambda: self._decrypt(parts, key_binding(kid))))

    async def close(self) -> None:
        """Log out. What hangs is left alone."""
        if not self._is_closed:
            with suppress(KeyServiceUnavailable):
                await self._run(self._log_out)
        self._is_closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        is_hanging = self._hanging is not None and not self._hanging.done()
        if self._is_closed or is_hanging or self._waiting >= _MAX_WAITING:
            raise KeyServiceUnavailable("The security module does not answer.")
        call = self._thread.submit(work)
        self._waiting += 1
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                result = await asyncio.wrap_future(call)
        except TimeoutError:
            self._hanging = call
            self._meter.failed()
            raise KeyServiceUnavailable("The security module does not answer.") from None
        except KeyServiceUnavailable:
            self._meter.failed()
            raise
        finally:
            self._waiting -= 1
        self._meter.answered()
        return result

    def _encrypt(self, private: Secret[bytes], nonce: bytes, aad: bytes) -> bytes:
        try:
            key = self._key(self._place.key_label)
            return _bytes(key.encrypt(private.reveal(), **_gcm(nonce, aad)))
        except NoSuchKey:
            raise KeyServiceUnavailable("The security module has no such key.") from None
        except PKCS11Error:
            self._log_out()
            raise KeyServiceUnavailable("The security module cannot wrap a key.") from None

    def _decrypt(self, parts: _Wrapped, aad: bytes) -> bytes:
        try:
            return _bytes(self._key(parts.label).decrypt(parts.sealed, **_gcm(parts.nonce, aad)))
        except (NoSuchKey, *_DOES_NOT_OPEN):
            # Whatever it meant: the next call begins with a session of its own.
            self._log_out()
            raise StoreUnavailable(
                "A stored key does not open with the keys of this security module."
            ) from None
        except PKCS11Error:
            self._log_out()
            raise KeyServiceUnavailable("The security module cannot unwrap a key.") from None

    def _key(self, label: str) -> Any:
        if self._session is None:
            self._session = self._log_in()
        if label not in self._keys:
            key = self._session.get_key(
                object_class=ObjectClass.SECRET_KEY, key_type=KeyType.AES, label=label
            )
            if key[Attribute.EXTRACTABLE] or not key[Attribute.SENSITIVE]:
                raise KeyServiceUnavailable("The wrapping key can leave the module: not used.")
            self._keys[label] = key
        return self._keys[label]

    def _log_in(self) -> pkcs11.Session:
        pin = read_secret(self._place.pin_file)
        digest = hashlib.sha256(pin.reveal().encode("ascii")).digest()
        if digest == self._refused_pin:
            # Trying on would lock the token for everybody.
            raise KeyServiceUnavailable("The security module refused the PIN.")
        try:
            library = self._load(str(self._place.module))
            token = library.get_token(token_label=self._place.token_label)
            return _log_in_to(token, pin)
        except _PIN_REFUSED:
            self._refused_pin = digest
            raise KeyServiceUnavailable("The security module refused the PIN.") from None
        except (PKCS11Error, RuntimeError, OSError):
            self._start_afresh()
            raise KeyServiceUnavailable("The security module cannot be opened.") from None

    def _start_afresh(self) -> None:
        """Let the library find tokens that came, or came back, since it was loaded."""
        with suppress(PKCS11Error, RuntimeError, OSError):
            self._load(str(self._place.module)).reinitialize()

    def _log_out(self) -> None:
        session, self._session = self._session, None
        self._keys.clear()
        if session is not None:
            with suppress(PKCS11Error):
                session.close()


def _log_in_to(token: pkcs11.Token, pin: Secret[str]) -> pkcs11.Session:
    try:
        return token.open(user_pin=pin.reveal())
    except UserAlreadyLoggedIn:  # a login is of the whole process
        return token.open()


def _parse(wrapped: bytes) -> _Wrapped:
    """Return the parts of a wrapped key. Raises ``StoreUnavailable``."""
    head = len(_FORMAT) + 1
    end = head + (wrapped[1] if len(wrapped) > 1 else 0)
    name, rest = wrapped[head:end], wrapped[end:]
    parts = _Wrapped(name.decode("latin-1"), rest[:_NONCE_BYTES], rest[_NONCE_BYTES:])
    if not wrapped.startswith(_FORMAT) or len(parts.sealed) < _TAG_BYTES:
        raise StoreUnavailable("A stored key was not wrapped by a security module.")
    return parts


def _gcm(nonce: bytes, aad: bytes) -> dict[str, object]:
    return {"mechanism": Mechanism.AES_GCM, "mechanism_param": GCMParams(nonce, aad)}


def _bytes(value: object) -> bytes:
    return cast("bytes", value)
