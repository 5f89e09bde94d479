"""What the data plane talks to: when it is ready."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.errors import StoreUnavailable
from tests.fakes.world import FakeAnswer, FakeUpstream
from tests.unit.gateway.test_app import Records, outside


@pytest.mark.parametrize(
    ("memory", "model", "ready"),
    [(True, True, True), (False, True, False), (True, False, False), (None, True, True)],
)
async def test_ready_when_everything_outside_is(
    memory: bool | None, model: bool, ready: bool
) -> None:
    """Both the model server and the memory that gateways share, where there is one, must answer."""

    async def verify() -> None:
        if not memory:
            raise StoreUnavailable

    class Upstream(FakeUpstream):
        async def is_healthy(self) -> bool:
            return model

    known = outside(Records())
    everything = replace(
        known,
        upstream=Upstream(FakeAnswer([b"{}"])),
        memory=known.memory._replace(verify=None if memory is None else verify),
    )
    assert await everything.is_ready() is ready
