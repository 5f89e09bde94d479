"""Between authorization and the call: put tokens in the place of personal data in the request.

Only for clients that have it so. What the model gets to see then holds none of the values that
detectors find; the answer gets them back at the very end of its scrubbing (``core/restorer``).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TypeVar

import orjson

from gateway.core.masks import Masks
from gateway.core.requests.masking import mask_request
from gateway.core.text_scrubbers import Slices
from gateway.pipeline.exchange import Masked, Metered

_Result = TypeVar("_Result")


async def mask(metered: Metered) -> Masked:
    """Return the call as the model may see it, and the masks of its answer if there are any."""
    authorized = metered.authorized
    if authorized.unmasked is None:
        return Masked(authorized, None)
    request = authorized.upstream_request
    masks = Masks(request.body)
    masked = await _in_turns(mask_request(authorized.unmasked, masks))
    if not masks:
        return Masked(authorized, None)
    request = replace(request, body=orjson.dumps(masked))
    return Masked(replace(authorized, upstream_request=request, unmasked=None), masks)


async def _in_turns(slices: Slices[_Result]) -> _Result:
    while True:
        try:
            next(slices)
        except StopIteration as end:
            result: _Result = end.value
            return result
        await asyncio.sleep(0)  # a long request must not stop the streams of everybody else
