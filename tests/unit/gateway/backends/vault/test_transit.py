"""Transit: which keys are used at all, and what is believed of Vault's answers."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import pytest

from gateway.backends.vault.transit import VaultKeyWrap
from gateway.core.errors import KeyServiceUnavailable, StoreUnavailable
from gateway.core.secret import Secret
from tests.fakes.vault import FakeVault

KEY = {
    "type": "aes256-gcm96",
    "derived": False,
    "exportable": False,
    "allow_plaintext_backup": False,
}


@pytest.fixture
async def wrap(vault: FakeVault) -> AsyncIterator[VaultKeyWrap]:
    """Give a key wrap over a good key of a fake."""
    vault.reply("transit/keys/k", (200, {"data": KEY}))
    vault.reply("transit/encrypt/k", (200, {"data": {"ciphertext": "vault:v3:AAECAw=="}}))
    key_wrap = VaultKeyWrap(vault.session(), mount="transit", key="k")
    yield key_wrap
    await key_wrap.close()


async def test_what_is_stored_and_asked(vault: FakeVault, wrap: VaultKeyWrap) -> None:
    """Format, version and bytes are stored; Vault gets back what it gave, bound to the kid."""
    vault.reply("transit/decrypt/k", (200, {"data": {"plaintext": "cHJpdmF0ZQ=="}}))
    wrapped = await wrap.wrap(Secret(b"private"), kid="kid-1")
    assert wrapped == b"\x02\0\0\0\x03\0\1\2\3"
    assert (await wrap.unwrap(wrapped, kid="kid-1")).reveal() == b"private"
    binding = base64.b64encode(b"sealgate key kid-1").decode()
    (encrypted,) = vault.asked("transit/encrypt/k")
    (decrypted,) = vault.asked("transit/decrypt/k")
    assert encrypted.body == {"plaintext": "cHJpdmF0ZQ==", "associated_data": binding}
    assert decrypted.body == {"ciphertext": "vault:v3:AAECAw==", "associated_data": binding}


async def test_key_is_looked_at_once(vault: FakeVault, wrap: VaultKeyWrap) -> None:
    """Before the first wrap, and not again."""
    for _ in range(3):
        await wrap.wrap(Secret(b"x"), kid="k")
    assert len(vault.asked("transit/keys/k")) == 1


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ((404, {}), "no such"),
        ((200, {}), "no such"),
        ((200, {"data": KEY | {"type": "rsa-2048"}}), "type"),
        ((200, {"data": KEY | {"derived": True}}), "type"),
        ((200, {"data": KEY | {"exportable": True}}), "leave"),
        ((200, {"data": KEY | {"allow_plaintext_backup": True}}), "leave"),
        ((200, {"data": {"type": "aes256-gcm96", "derived": False}}), "leave"),
    ],
)
async def test_unfit_key_gets_nothing(
    vault: FakeVault, wrap: VaultKeyWrap, reply: tuple[int, dict[str, object]], reason: str
) -> None:
    """A key that is missing, cannot bind or could leave Vault is entrusted with nothing."""
    vault.reply("transit/keys/k", reply)
    with pytest.raises(KeyServiceUnavailable, match=reason):
        await wrap.wrap(Secret(b"x"), kid="k")
    assert vault.asked("transit/encrypt/k") == []


@pytest.mark.parametrize(
    "reply",
    [
        (400, {"errors": ["canary"]}),
        (200, {}),
        (200, {"data": {"ciphertext": 7}}),
        (200, {"data": {"ciphertext": "vault:v0:AAAA"}}),
        (200, {"data": {"ciphertext": "vault:v1:AA\nAA"}}),
        (200, {"data": {"ciphertext": "hello"}}),
    ],
)
async def test_answer_that_is_no_wrapped_key(
    vault: FakeVault, wrap: VaultKeyWrap, reply: tuple[int, dict[str, object]]
) -> None:
    """What is not a ciphertext of Vault is not stored."""
    vault.reply("transit/encrypt/k", reply)
    with pytest.raises(KeyServiceUnavailable):
        await wrap.wrap(Secret(b"x"), kid="k")


@pytest.mark.parametrize("plaintext", [None, "not base64!", 1])
async def test_answer_that_is_no_key(
    vault: FakeVault, wrap: VaultKeyWrap, plaintext: object
) -> None:
    """What is not a key is not used as one."""
    vault.reply("transit/decrypt/k", (200, {"data": {"plaintext": plaintext}}))
    with pytest.raises(KeyServiceUnavailable):
        await wrap.unwrap(b"\x02\0\0\0\1xyz", kid="k")


async def test_value_of_another_wrap_is_not_asked_about(
    vault: FakeVault, wrap: VaultKeyWrap
) -> None:
    """Vault is asked for what it wrapped alone; that it does not open is no fault of Vault."""
    for foreign in (b"", b"\x01" + bytes(60), b"\x02\0\0\0\1"):
        with pytest.raises(StoreUnavailable) as caught:
            await wrap.unwrap(foreign, kid="k")
        assert type(caught.value) is StoreUnavailable
    assert vault.calls == []
    vault.reply("transit/decrypt/k", (400, {}))
    with pytest.raises(StoreUnavailable, match="does not open"):
        await wrap.unwrap(b"\x02\0\0\0\1xyz", kid="k")
