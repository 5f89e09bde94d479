"""A security module that is away, hangs, or offers the wrong key costs a second and no key."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pkcs11 import Attribute
from pkcs11.exceptions import (
    DeviceRemoved,
    GeneralError,
    NoSuchKey,
    NoSuchToken,
    PinIncorrect,
    SessionHandleInvalid,
    UserAlreadyLoggedIn,
)
from prometheus_client import CollectorRegistry

from gateway.backends.metrics import KeyServiceMeter
from gateway.backends.pkcs11_key_wrap import Pkcs11KeyWrap, Pkcs11Place
from gateway.core.errors import KeyServiceUnavailable, StoreUnavailable
from gateway.core.secret import Secret
from tests.fakes.softhsm import PIN, SoftHsm

PRIVATE = Secret(b"private")


class FakeKey:
    """An AES key as the library shows it."""

    def __init__(self, module: FakeModule, secret: bytes) -> None:
        self._module, self._cipher = module, AESGCM(secret)
        self.attributes = {Attribute.EXTRACTABLE: False, Attribute.SENSITIVE: True}

    def __getitem__(self, attribute: Attribute) -> bool:
        return self.attributes[attribute]

    def encrypt(self, data: bytes, *, mechanism: object, mechanism_param: Any) -> bytes:
        """Encrypt, unless the module fails."""
        self._module.work()
        return self._cipher.encrypt(mechanism_param.nonce, data, mechanism_param.aad)

    def decrypt(self, data: bytes, *, mechanism: object, mechanism_param: Any) -> bytes:
        """Decrypt, unless the module fails."""
        self._module.work()
        try:
            return self._cipher.decrypt(mechanism_param.nonce, data, mechanism_param.aad)
        except InvalidTag:
            raise GeneralError from None


class FakeModule:
    """Library, token and session in one, with a key ``old`` and a key ``new``."""

    def __init__(self) -> None:
        self.keys = {"old": FakeKey(self, bytes(32)), "new": FakeKey(self, b"\1" * 32)}
        self.fault: Exception | None = None
        self.login_fault: Exception | None = None
        self.logins = self.restarts = 0
        self.go_on = threading.Event()
        self.go_on.set()

    def work(self) -> None:
        """Do what every operation does."""
        self.go_on.wait(20)
        if self.fault is not None:
            raise self.fault

    def load(self, _path: str) -> FakeModule:
        """Return the library."""
        return self

    def reinitialize(self) -> None:
        """Look for tokens anew."""
        self.restarts += 1

    def get_token(self, *, token_label: str) -> FakeModule:
        """Return the token."""
        assert token_label == "hsm"
        return self

    def open(self, *, user_pin: str | None = None) -> FakeModule:
        """Log in, or go on where the process is logged in."""
        if user_pin is None:
            return self
        self.logins += 1
        if self.login_fault is not None:
            raise self.login_fault
        if user_pin != PIN:
            raise PinIncorrect
        return self

    def get_key(self, *, label: str, **_kind: object) -> FakeKey:
        """Find a key."""
        if label not in self.keys:
            raise NoSuchKey
        return self.keys[label]

    def close(self) -> None:
        """Log out."""


class Rig:
    """A module and a place with the right PIN."""

    def __init__(self, directory: Path) -> None:
        self.module, self.registry = FakeModule(), CollectorRegistry()
        self.pin_file = directory / "pin"
        self.say_pin(PIN)
        self.made: list[Pkcs11KeyWrap] = []

    def say_pin(self, pin: str) -> None:
        """Write the file with the PIN."""
        self.pin_file.write_text(pin)

    def wrap(self, label: str = "old") -> Pkcs11KeyWrap:
        """Return a key wrap over the key *label*."""
        place = Pkcs11Place(Path("/module.so"), "hsm", label, self.pin_file)
        meter = KeyServiceMeter(CollectorRegistry() if self.made else self.registry)
        self.made.append(Pkcs11KeyWrap(place, meter=meter, load=self.module.load))
        return self.made[-1]

    def metric(self, name: str) -> float | None:
        """Return a metric of the first key wrap."""
        return self.registry.get_sample_value(f"sealgate_key_service_{name}")


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """Give a module that works."""
    rig = Rig(tmp_path)
    yield rig
    rig.module.go_on.set()
    for wrap in rig.made:
        await wrap.close()


async def test_key_is_replaced_label_by_label(rig: Rig) -> None:
    """New wraps are under the new label; what was wrapped under the old one opens as before."""
    wrapped = await rig.wrap("old").wrap(PRIVATE, kid="k")
    new = rig.wrap("new")
    assert (await new.unwrap(wrapped, kid="k")).reveal() == PRIVATE.reveal()
    again = await new.wrap(PRIVATE, kid="k")
    assert (wrapped[:5], again[:5]) == (b"\x03\x03old", b"\x03\x03new")
    del rig.module.keys["old"]
    fresh = rig.wrap("new")
    assert (await fresh.unwrap(again, kid="k")).reveal() == PRIVATE.reveal()
    with pytest.raises(StoreUnavailable, match="does not open"):
        await fresh.unwrap(wrapped, kid="k")


@pytest.mark.parametrize("attribute", [Attribute.EXTRACTABLE, Attribute.SENSITIVE])
async def test_key_that_can_leave_is_not_used(rig: Rig, attribute: Attribute) -> None:
    """An extractable key, or one that shows itself, wraps nothing."""
    key = rig.module.keys["old"]
    key.attributes[attribute] = not key.attributes[attribute]
    with pytest.raises(KeyServiceUnavailable, match="leave"):
        await rig.wrap().wrap(PRIVATE, kid="k")


async def test_missing_key_is_not_made(rig: Rig) -> None:
    """A label without a key is refused."""
    with pytest.raises(KeyServiceUnavailable, match="no such key"):
        await rig.wrap("none").wrap(PRIVATE, kid="k")


@pytest.mark.parametrize("fault", [DeviceRemoved(), SessionHandleInvalid()])
async def test_module_comes_back(rig: Rig, fault: Exception) -> None:
    """After a fault the next call logs in anew; the metrics say how it was."""
    wrap = rig.wrap()
    wrapped = await wrap.wrap(PRIVATE, kid="k")
    rig.module.fault = fault
    for failing in (wrap.wrap(PRIVATE, kid="k"), wrap.unwrap(wrapped, kid="k")):
        with pytest.raises(KeyServiceUnavailable):
            await failing
    assert (rig.metric("up"), rig.metric("failures_total")) == (0, 2)
    rig.module.fault = None
    assert (await wrap.unwrap(wrapped, kid="k")).reveal() == PRIVATE.reveal()
    assert rig.metric("up") == 1
    assert rig.module.logins == 3


@pytest.mark.parametrize("fault", [NoSuchToken(), RuntimeError(), OSError()])
async def test_token_that_is_not_there_yet(rig: Rig, fault: Exception) -> None:
    """The library is told to look again, and finds it once it is there."""
    rig.module.login_fault = fault
    wrap = rig.wrap()
    with pytest.raises(KeyServiceUnavailable, match="opened"):
        await wrap.wrap(PRIVATE, kid="k")
    assert rig.module.restarts == 1
    rig.module.login_fault = None
    assert await wrap.wrap(PRIVATE, kid="k")


async def test_process_that_is_logged_in(rig: Rig) -> None:
    """A login is of the whole process, so where there is one it is used."""
    rig.module.login_fault = UserAlreadyLoggedIn()
    assert await rig.wrap().wrap(PRIVATE, kid="k")


async def test_wrong_pin_is_tried_once(rig: Rig) -> None:
    """A token locks after a few wrong PINs, so the same one is not tried again; a new one is."""
    rig.say_pin("000000")
    wrap = rig.wrap()
    for _ in range(5):
        with pytest.raises(KeyServiceUnavailable, match="PIN"):
            await wrap.wrap(PRIVATE, kid="k")
    assert rig.module.logins == 1
    rig.say_pin(PIN)
    assert await wrap.wrap(PRIVATE, kid="k")


async def test_module_that_hangs(rig: Rig) -> None:
    """The first caller hears within a second, the others at once; then it goes on."""
    wrap = rig.wrap()
    wrapped = await wrap.wrap(PRIVATE, kid="k")
    rig.module.go_on.clear()
    began = time.monotonic()
    with pytest.raises(KeyServiceUnavailable, match="answer"):
        await wrap.unwrap(wrapped, kid="k")
    assert time.monotonic() - began < 1
    began = time.monotonic()
    results = await asyncio.gather(
        *(wrap.unwrap(wrapped, kid="k") for _ in range(100)), return_exceptions=True
    )
    assert all(isinstance(result, KeyServiceUnavailable) for result in results)
    assert time.monotonic() - began < 0.2
    rig.module.go_on.set()
    async with asyncio.timeout(5):
        while True:
            try:
                assert (await wrap.unwrap(wrapped, kid="k")).reveal() == PRIVATE.reveal()
                break
            except KeyServiceUnavailable:
                await asyncio.sleep(0.01)


async def test_no_more_than_so_many_wait(rig: Rig) -> None:
    """Callers beyond a limit are refused at once, so they do not pile up."""
    rig.module.go_on.clear()
    wrap = rig.wrap()
    calls = [asyncio.create_task(wrap.wrap(PRIVATE, kid="k")) for _ in range(64)]
    await asyncio.sleep(0)
    with pytest.raises(KeyServiceUnavailable):
        await wrap.wrap(PRIVATE, kid="k")
    rig.module.go_on.set()
    assert len(await asyncio.gather(*calls)) == 64


async def test_closed_is_closed(rig: Rig) -> None:
    """After the end nothing is wrapped, and a hanging module does not keep us."""
    wrap = rig.wrap()
    await wrap.wrap(PRIVATE, kid="k")
    await wrap.close()
    with pytest.raises(KeyServiceUnavailable):
        await wrap.wrap(PRIVATE, kid="k")


@pytest.mark.parametrize("foreign", [b"", b"\x03", b"\x01" + bytes(60), b"\x03\x03old" + bytes(27)])
async def test_value_of_another_wrap_is_not_asked_about(rig: Rig, foreign: bytes) -> None:
    """The module is asked for what it wrapped alone."""
    with pytest.raises(StoreUnavailable, match="not wrapped by"):
        await rig.wrap().unwrap(foreign, kid="k")
    assert rig.module.logins == 0


async def test_real_module_keeps_its_key(softhsm: SoftHsm) -> None:
    """SoftHSM: an extractable key is refused, a wrong PIN is tried once, a library is loaded."""
    label = softhsm.aes_key(extractable=True)
    wrap = softhsm.key_wrap(label)
    with pytest.raises(KeyServiceUnavailable, match="leave"):
        await wrap.wrap(PRIVATE, kid="k")
    await wrap.close()
    place = softhsm.place(softhsm.aes_key())._replace(module=softhsm.directory / "none.so")
    missing = Pkcs11KeyWrap(place, meter=KeyServiceMeter())
    with pytest.raises(KeyServiceUnavailable, match="opened"):
        await missing.wrap(PRIVATE, kid="k")
    await missing.close()
