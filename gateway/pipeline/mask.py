"""Between authorization and the call: put tokens in the place of personal data in the request.

Only for clients that have it so. What the model gets to see then holds none of the values that
detectors find; the answer gets them back at the very end of its scrubbing (``core/restorer``).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from gateway.core.masks import Masks
from gateway.core.requests.masking import mask_request
from gateway.core.text_scrubbers import Slices
from gateway.pipeline.exchange import Here, Masked, Metered, Workplace


class Mask:
    """Masks the requests of clients that have it so. The work is done at *workplace*."""

    def __init__(self, workplace: Workplace | None = None) -> None:
        self._workplace = workplace or Here()

    async def __call__(self, metered: Metered) -> Masked:
        """Return the call as the model may see it, and the masks of its answer if there are any."""
        authorized = metered.authorized
        if authorized.unmasked is None:
            return Masked(authorized, None)
        request = authorized.upstream_request
        masks = Masks(request.body)
        masked = await self._in_turns(mask_request(authorized.unmasked, masks))
        if not masks:
            return Masked(authorized, None)
        request = replace(request, body=bytes(memoryview(orjson.dumps(masked))))  # no room to spare
        return Masked(replace(authorized, upstream_request=request, unmasked=None), masks)

    async def _in_turns(self, slices: Slices[dict[str, Any]]) -> dict[str, Any]:
        step = partial(_advanced, slices)
        while True:
            masked = await self._workplace.run(step)
            if masked is not None:
                return masked
            await asyncio.sleep(0)  # a long request must not stop the streams of everybody else


def _advanced(slices: Slices[dict[str, Any]]) -> dict[str, Any] | None:
    """Do one slice of the work; return the result if that was the last one."""
    try:
        next(slices)
    except StopIteration as end:
        masked: dict[str, Any] = end.value
        return masked
    return None
