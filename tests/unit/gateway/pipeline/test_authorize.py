"""Stage 4."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from gateway.core.errors import MalformedRequest, NotFound, PermissionDenied, UnsupportedParameter
from gateway.core.grants import every_operation
from gateway.core.identity import Principal, Role
from gateway.core.ohttp import WHOLE
from gateway.pipeline.authorize import INFERENCE_ROUTES, Authorize
from gateway.pipeline.exchange import Authenticated, Fresh, Seal
from tests.fakes.world import (
    CHAT_BODY,
    NOW,
    STREAM_BODY,
    FixedSnapshots,
    decapsulated,
    inner_request,
    with_client,
)


def run(request=None, **client):
    principal = Principal(with_client(**client), "token-1", "sig-1", NOW, NOW)
    authenticated = Authenticated(principal, decapsulated(request))
    return Authorize(FixedSnapshots())(Fresh(authenticated))


def test_granted_call_is_rebuilt_for_vllm():
    """The upstream request is made from what was understood and goes to the same path."""
    authorized = run()
    assert authorized.upstream_request.path == "/v1/chat/completions"
    assert orjson.loads(authorized.upstream_request.body)["model"] == "tiny"
    assert not authorized.streamed


def test_stream_is_noticed():
    """A streamed call gets the scrubber for streams."""
    assert run(inner_request(STREAM_BODY)).streamed


@pytest.mark.parametrize("grants", [frozenset(), every_operation({"other"})])
def test_model_without_grant_is_refused(grants):
    """A model that was not granted is refused, whether or not it exists."""
    with pytest.raises(PermissionDenied):
        run(grants=grants)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR, Role.OWNER])
def test_staff_never_calls_a_model(role):
    """Operators, auditors and owners call no model, even with a grant."""
    with pytest.raises(PermissionDenied):
        run(role=role)


def test_developer_calls_only_what_is_not_in_production():
    """A developer is kept away from production models."""
    grants = every_operation({"tiny", "draft"})
    draft = inner_request(CHAT_BODY.replace(b"tiny", b"draft"))
    assert run(draft, role=Role.DEVELOPER, grants=grants)
    with pytest.raises(PermissionDenied):
        run(role=Role.DEVELOPER, grants=grants)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (b"GET", b"/v1/chat/completions"),
        (b"POST", b"/v1/chat/completions/"),
        (b"POST", b"/v1/chat/completions?x=1"),
        (b"POST", b"//v1/chat/completions"),
        (b"POST", b"/v1/%63hat/completions"),
        (b"POST", b"/invocations"),
        (b"GET", b"/metrics"),
    ],
)
def test_only_exact_routes_exist(method, path):
    """Whatever is not literally in the table is not found."""
    assert (method.decode(), path.decode()) not in INFERENCE_ROUTES
    with pytest.raises(NotFound):
        run(replace(inner_request(), method=method, path=path))


@pytest.mark.parametrize("content_type", [b"text/plain", b"application/jsonp", b""])
def test_body_must_say_that_it_is_json(content_type):
    """A body of another type is not guessed at."""
    headers = ((b"content-type", content_type),)
    with pytest.raises(MalformedRequest):
        run(replace(inner_request(), headers=headers))


def test_refused_parameters_never_reach_vllm():
    """A parameter that would let text past the scrubber is refused here."""
    with pytest.raises(UnsupportedParameter):
        run(inner_request(CHAT_BODY[:-1] + b',"logprobs":true}'))


def test_model_list_shows_what_was_granted():
    """The list of models is cut to the client's grants."""
    request = replace(inner_request(b""), method=b"GET", path=b"/v1/models")
    authorized = run(request, grants=every_operation({"tiny", "gone"}))
    scrubber = authorized.new_scrubber()
    listed = [
        {"id": name, "object": "model", "created": 1, "owned_by": "x"} for name in ("tiny", "draft")
    ]
    body = scrubber.feed(orjson.dumps({"object": "list", "data": listed})) + scrubber.finish()
    assert [model["id"] for model in orjson.loads(body)["data"]] == ["tiny"]


def test_stream_needs_the_chunked_kind():
    """A stream in a message of one piece would be collected whole, so it is refused."""
    seal = Seal("enc-7", WHOLE, b"tag", response_sealer=None)
    principal = Principal(with_client(), "token-1", "sig-1", NOW, NOW)
    for body, fine in ((STREAM_BODY, False), (CHAT_BODY, True)):
        authenticated = Authenticated(principal, decapsulated(inner_request(body), seal=seal))
        if fine:
            assert Authorize(FixedSnapshots())(Fresh(authenticated))
        else:
            with pytest.raises(UnsupportedParameter):
                Authorize(FixedSnapshots())(Fresh(authenticated))


def test_model_list_takes_no_body():
    """A body on a request that has none is refused rather than passed on."""
    request = replace(inner_request(b"{}"), method=b"GET", path=b"/v1/models")
    with pytest.raises(MalformedRequest):
        run(request)
