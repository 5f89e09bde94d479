"""A Vault that says what a test wants."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.vault import FakeVault, fake_vault


@pytest.fixture
async def vault() -> AsyncIterator[FakeVault]:
    """Give a fake server."""
    async with fake_vault() as server:
        yield server
