"""Whatever a body holds: it is refused, or what goes upstream was on a list."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.apis import APIS
from gateway.core.errors import SealgateError
from gateway.core.grants import Operation, Parameter
from gateway.core.request_limits import DEFAULTS
from gateway.core.requests.allow_list import AllowList
from gateway.core.requests.chat import CHAT
from gateway.core.requests.completions import COMPLETION
from gateway.core.requests.embeddings import EMBEDDINGS
from gateway.core.requests.inference_request import InferenceRequest
from gateway.core.requests.limits import limited
from gateway.core.requests.messages import MESSAGES
from gateway.core.requests.responses import RESPONSE

LISTS = {
    Operation.CHAT_COMPLETIONS: CHAT,
    Operation.COMPLETIONS: COMPLETION,
    Operation.RESPONSES: RESPONSE,
    Operation.MESSAGES: MESSAGES,
    Operation.EMBEDDINGS: EMBEDDINGS,
}
HI = [{"role": "user", "content": "hi"}]
NEEDED: dict[str, Any] = {
    "model": "tiny",
    "messages": HI,
    "prompt": "hi",
    "input": "hi",
    "max_tokens": 5,
}
# What the gateway writes itself: it asks for the usage of streams and has nothing stored.
OURS = {"stream_options", "store"}

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 200)
    | st.floats(-3, 3)
    | st.sampled_from(["", "auto", "text", "low", "hi", "(a+)+", "data:image/png;base64,AAAA"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "role", "content", "url", "json", "regex", "pattern"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


def names_of(members: AllowList) -> list[str]:
    """Return members that mean something, and one that does not."""
    return sorted(
        {*members.allowed, *members.granted, *members.refused, *members.dropped, "canary"}
    )


def outcome(
    operation: Operation, body: dict[str, Any], granted: frozenset[Parameter]
) -> tuple[InferenceRequest | None, str]:
    """Return the request, or None and where the fault is."""
    try:
        return limited(APIS[operation].parse(orjson.dumps(body), granted), DEFAULTS), ""
    except SealgateError as refusal:
        return None, refusal.pointer


@pytest.mark.parametrize("operation", Operation)
@given(data=st.data())
def test_only_members_on_the_list_go_upstream(operation: Operation, data: st.DataObject) -> None:
    """With the values they came with; a refusal is an error of ours that names a place."""
    members = LISTS[operation]
    needed = {name: NEEDED[name] for name in members.needed}
    added = data.draw(st.dictionaries(st.sampled_from(names_of(members)), VALUES, max_size=3))
    granted = frozenset(data.draw(st.sets(st.sampled_from(Parameter))))
    given_body = needed | added
    request, refused_at = outcome(operation, given_body, granted)
    if request is None:
        assert refused_at.startswith("/")
        return
    upstream = orjson.loads(request.upstream_body)
    mine = {name for name, gate in members.granted.items() if gate.parameter in granted}
    assert upstream.keys() <= members.allowed.keys() | mine | OURS
    assert request.parameters <= granted
    for name, value in upstream.items():
        if name not in OURS and not isinstance(given_body[name], list | dict):
            assert value == given_body[name]
            assert type(value) is type(given_body[name])
