"""Tokens in the place of personal data, between authorization and the call."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import orjson
import pytest

from gateway.core.identity import Principal
from gateway.core.policy import Permission
from gateway.core.upstream_port import UpstreamRequest
from gateway.pipeline.exchange import Authorized, Metered
from gateway.pipeline.mask import Mask
from tests.fakes.world import APPLICATION, NOW

TREE = {"prompt": "tel 13800138000"}


def metered(upstream, *, masks: bool = True) -> Metered:
    """Return a call whose client has its requests masked or not."""
    request = UpstreamRequest("POST", "/v1/completions", orjson.dumps(upstream))
    authorized = Authorized(
        Principal(APPLICATION, "token-1", "sig-1", NOW, NOW),
        Permission.CALL_MODEL,
        None,
        request,
        new_scrubber=lambda scrubbers: scrubbers.new("text"),
        streamed=False,
    )
    return Metered(replace(authorized, unmasked=upstream if masks else None))


async def test_the_model_sees_tokens() -> None:
    """The body that goes upstream holds a token, and the masks know what it stands for."""
    masked = await Mask()(metered(TREE))
    said = orjson.loads(masked.authorized.upstream_request.body)["prompt"]
    assert "13800138000" not in said
    assert masked.masks is not None
    assert (
        masked.masks.get_value(masked.masks.find_sign(said.removeprefix("tel "))) == "13800138000"
    )
    assert "13800138000" not in repr(masked)


@pytest.mark.parametrize(("upstream", "masks"), [(TREE, False), ({"prompt": "hi"}, True)])
async def test_without_need_nothing_changes(upstream, masks: bool) -> None:
    """A client that has no masking, and a request without personal data, go on as they came."""
    before = metered(upstream, masks=masks)
    masked = await Mask()(before)
    assert masked.masks is None
    assert masked.authorized.upstream_request == before.authorized.upstream_request


async def test_a_long_request_lets_others_work() -> None:
    """While a long text is looked through other tasks get their turn."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await Mask()(metered({"prompt": "so it goes. " * 1000}))
    counting.cancel()
    assert turns >= 5
