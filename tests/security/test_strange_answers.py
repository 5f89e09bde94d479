"""A model server that says what nobody expects: errors of ours come of it, and no values."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import orjson
import pytest

from gateway.core.errors import SealgateError
from gateway.core.sse import encode_event
from tests.fakes.answers import stream_scrubber, whole_scrubber
from tests.fakes.streams import FIELDS, Field, events_of

SAID = "tel 13800138000 ok"
STRANGE = (["x"], -1)


def variants(value: Any, strange: Any) -> Iterator[Any]:
    """Give *value* once for each place in it, with *strange* in that place."""
    yield strange
    if isinstance(value, dict | list):
        for place in value if isinstance(value, dict) else range(len(value)):
            for inner in variants(value[place], strange):
                changed = copy.copy(value)
                changed[place] = inner
                yield changed


@pytest.mark.parametrize("field", FIELDS, ids=lambda f: f"{f.operation}-{f.name}")
@pytest.mark.parametrize("strange", STRANGE, ids=str)
def test_a_strange_member_anywhere_is_no_fault_of_ours(field: Field, strange: Any) -> None:
    """It is passed over, or the answer is withheld with an error for the client."""
    text = field.written(SAID)
    for answer in variants(orjson.loads(field.whole(text)), strange):
        scrubber = whole_scrubber(field.operation)
        out = b""
        with suppress(SealgateError):
            out = scrubber.feed(orjson.dumps(answer)) + scrubber.finish()
        assert b"13800138000" not in out
    events = events_of(field.stream([text[:10], text[10:]]))
    for place, event in enumerate(events):
        for changed in variants(event, strange):
            stream = stream_scrubber(field.operation)
            out = b""
            with suppress(SealgateError):
                for one in [*events[:place], changed, *events[place + 1 :]]:
                    out += stream.feed(encode_event(orjson.dumps(one)))
            assert b"13800138000" not in out
