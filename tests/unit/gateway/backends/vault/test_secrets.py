"""Secrets out of Vault: where they are looked for, and what counts while Vault is away."""

from __future__ import annotations

import base64

import pytest

from gateway.backends.vault.secrets import HeldApiKey, KvPlace, KvSecret, ProvisionedKeyWrap
from gateway.core.errors import KeyServiceUnavailable, StoreUnavailable, UpstreamUnavailable
from gateway.core.secret import Secret
from tests.fakes.control import FakeClock
from tests.fakes.vault import FakeVault

PLACE = KvPlace("secret", "sealgate/vllm", "api_key")
PATH = "secret/data/sealgate/vllm"


def kept(value: object) -> tuple[int, dict[str, object]]:
    """Return KV's answer for a secret with one field."""
    return 200, {"data": {"data": {"api_key": value}, "metadata": {"version": 1}}}


async def test_secret_is_where_the_configuration_says(vault: FakeVault) -> None:
    """The field of the newest version is returned."""
    vault.reply(PATH, kept("k-1"))
    session = vault.session()
    assert (await KvSecret(session, PLACE).fetch()).reveal() == "k-1"
    await session.close()


@pytest.mark.parametrize(
    "reply", [(404, {}), (200, {}), (200, {"data": {"data": None}}), kept(""), kept(7), kept(None)]
)
async def test_what_is_not_there_is_refused(
    vault: FakeVault, reply: tuple[int, dict[str, object]]
) -> None:
    """A secret that is missing, deleted, empty or no text is no secret."""
    vault.reply(PATH, reply)
    session = vault.session()
    with pytest.raises(KeyServiceUnavailable, match="no secret"):
        await KvSecret(session, PLACE).fetch()
    await session.close()


async def test_model_servers_key(vault: FakeVault) -> None:
    """Without one there is no upstream; a new one counts within 15 s, and none that is away."""
    session = vault.session()
    clock = FakeClock()
    held = HeldApiKey(KvSecret(session, PLACE), monotonic=clock.monotonic)
    await held.refresh()
    with pytest.raises(UpstreamUnavailable):
        held()
    for value in ("k-1", "k-2"):
        vault.reply(PATH, kept(value))
        await held.refresh()
        assert held().reveal() == value
        asked = len(vault.asked(PATH))
        clock.advance(seconds=14)
        await held.refresh()
        assert len(vault.asked(PATH)) == asked
        clock.advance(seconds=2)
    vault.reply(PATH, (503, {}))
    await held.refresh()
    assert held().reveal() == "k-2"
    await session.close()


async def test_storage_key(vault: FakeVault) -> None:
    """It is read once, and wraps as the same key in a file would."""
    vault.reply(PATH, kept(base64.b64encode(bytes(32)).decode()))
    session = vault.session()
    wrap = ProvisionedKeyWrap(session, KvSecret(session, PLACE))
    wrapped = await wrap.wrap(Secret(b"private"), kid="k")
    vault.reply(PATH, (503, {}))
    assert (await wrap.unwrap(wrapped, kid="k")).reveal() == b"private"
    await wrap.close()
    assert len(vault.asked(PATH)) == 1


@pytest.mark.parametrize("value", ["not base64!", "AAAA", "ä"])
async def test_unfit_storage_key(vault: FakeVault, value: str) -> None:
    """A key that is not 32 bytes in base64 is not made to fit."""
    vault.reply(PATH, kept(value))
    session = vault.session()
    wrap = ProvisionedKeyWrap(session, KvSecret(session, PLACE))
    with pytest.raises(StoreUnavailable):
        await wrap.wrap(Secret(b"private"), kid="k")
    await wrap.close()
