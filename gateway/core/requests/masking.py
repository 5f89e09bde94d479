"""Put tokens in the place of personal data in a checked request, before the model sees it.

All text is masked, whatever the API: what the allow-list did not mark as ``Exact`` is text. Objects
of the caller's own making (schemas, arguments of tool calls) are masked with their member names and
numbers.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

import orjson

from gateway.core.errors import MalformedRequest
from gateway.core.masks import Masks
from gateway.core.pii import StreamScrubber
from gateway.core.requests.fields import Exact, FreeObject
from gateway.core.strict_json import parse_object
from gateway.core.text_scrubbers import SLICE_CHARACTERS, Slices

# A text member of this name is JSON, in every API.
_JSON_TEXT: Final = "arguments"
# A name is copied for each value that it stands before, and scrubbers do not look back this far.
_NAME_CHARACTERS: Final = 500


def mask_request(upstream: dict[str, Any], masks: Masks) -> Slices[dict[str, Any]]:
    """Return *upstream* with tokens from *masks*; yields None now and then, to let others work.

    A value cut in two by a border between texts is not found. Raises ``PayloadTooLarge`` when the
    request holds too many values.
    """
    masked = yield from _Walk(masks).members(upstream)
    return masked


class _Walk:
    def __init__(self, masks: Masks) -> None:
        self._masks = masks

    def members(self, value: dict[str, Any]) -> Slices[dict[str, Any]]:
        """Return a checked object; its member names are those of the allow-list."""
        masked: dict[str, Any] = {}
        for name, inner in value.items():
            if name == _JSON_TEXT and isinstance(inner, str):
                masked[name] = yield from self._json_text(inner)
            else:
                masked[name] = yield from self._checked(inner)
        return masked

    def _checked(self, value: Any) -> Generator[None, None, Any]:
        if isinstance(value, FreeObject):
            return (yield from self._free(value, ""))
        if isinstance(value, dict):
            return (yield from self.members(value))
        if isinstance(value, list):
            several = []
            for item in value:
                several += [(yield from self._checked(item))]
            return several
        if isinstance(value, str) and not isinstance(value, Exact):
            return (yield from self._text(value, ""))
        return value

    def _free(self, value: Any, name: str) -> Generator[None, None, Any]:
        """Return a value of the caller's own making; *name* is that of the member it is in."""
        if isinstance(value, dict):
            masked = {}
            for key, inner in value.items():
                shown = yield from self._text(key, "")
                masked[shown] = yield from self._free(inner, key)
            return masked
        if isinstance(value, list):
            several = []
            for item in value:
                several += [(yield from self._free(item, name))]
            return several
        before = f'{name[-_NAME_CHARACTERS:]}": ' if name else ""  # as it stands in JSON
        if isinstance(value, str):
            return (yield from self._text(value, before))
        if isinstance(value, int | float) and not isinstance(value, bool):
            written = str(value)
            masked_number = yield from self._text(written, before)
            return value if masked_number == written else masked_number
        return value

    def _json_text(self, text: str) -> Slices[str]:
        try:
            received = parse_object(text.encode("utf-8", "surrogatepass"))
        except MalformedRequest:
            received = None
        if received is None:
            return (yield from self._text(text, ""))
        masked = yield from self._free(received, "")
        return text if masked == received else orjson.dumps(masked).decode()

    def _text(self, text: str, before: str) -> Slices[str]:
        if not text:
            return text
        scrubber = StreamScrubber(before=before, explains=True)
        for at in range(0, len(text), SLICE_CHARACTERS):
            scrubber.feed(text[at : at + SLICE_CHARACTERS])
            yield None
        scrubber.finish()
        out, at = [], 0
        for found in scrubber.findings():
            token = self._masks.token(found.label, text[found.start : found.end])
            out += [text[at : found.start], token]
            at = found.end
        return "".join([*out, text[at:]])
