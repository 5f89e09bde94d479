"""Stage 4."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from gateway.core.conversation import ConversationKeys
from gateway.core.errors import (
    AnswerBlocked,
    MalformedRequest,
    NotFound,
    PermissionDenied,
    StoreUnavailable,
    UnsupportedParameter,
)
from gateway.core.grants import DataClass, Grant, Operation, every_operation
from gateway.core.identity import Principal, Role
from gateway.core.ohttp import WHOLE
from gateway.core.policy import HERE_ONLY, ModelPolicy
from gateway.core.request_limits import RequestLimits
from gateway.core.scrub_rules import ScrubRules, Treatment
from gateway.core.secret import Secret
from gateway.core.text_scrubbers import TextScrubbers
from gateway.pipeline.authorize import Authorize, inference_routes, paths_of_model
from gateway.pipeline.exchange import Authenticated, Fresh, Seal
from tests.fakes.world import (
    CHAT_BODY,
    NOW,
    STREAM_BODY,
    FixedSnapshots,
    UsesSeen,
    decapsulated,
    inner_request,
    snapshot,
    with_client,
)


def run(request=None, *, value=None, **client):
    principal = Principal(with_client(**client), "token-1", "sig-1", NOW, NOW)
    authenticated = Authenticated(principal, decapsulated(request))
    return Authorize(FixedSnapshots(value), UsesSeen())(Fresh(authenticated))


def with_class(*values, body=CHAT_BODY):
    request = inner_request(body)
    named = tuple((b"Sealgate-Data-Class", value) for value in values)
    return replace(request, headers=(*request.headers, *named))


def model(**policy):
    return replace(snapshot(), models={"tiny": ModelPolicy(**policy)})


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
        (b"POST", b"/v1/models/tiny"),
        (b"GET", b"/v1/models/"),
        (b"GET", b"/v1/models/other"),
        (b"GET", b"/v1/models/tiny/"),
        (b"GET", b"/v1/models/t%69ny"),
        (b"POST", b"/v1/messages/count_tokens"),
        (b"GET", b"/v1/responses/resp_1"),
    ],
)
def test_only_exact_routes_exist(method, path):
    """Whatever is not literally in the table is not found."""
    assert (method.decode(), path.decode()) not in inference_routes({"tiny"})
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
    scrubber = authorized.new_scrubber(TextScrubbers())
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
            assert Authorize(FixedSnapshots(), UsesSeen())(Fresh(authenticated))
        else:
            with pytest.raises(UnsupportedParameter):
                Authorize(FixedSnapshots(), UsesSeen())(Fresh(authenticated))


@pytest.mark.parametrize("path", [b"/v1/models", b"/v1/models/tiny"])
def test_lists_are_their_clients(path: bytes) -> None:
    """Who asks for many of them takes its own share of the servers, and nobody else's."""
    authorized = run(replace(inner_request(b""), method=b"GET", path=path))
    assert authorized.upstream_request.client_id == "c-app"


LISTED = [{"id": name, "object": "model", "created": 1, "root": "x"} for name in ("tiny", "a/b")]


@pytest.mark.parametrize(
    ("path", "name"),
    [(b"/v1/models/tiny", "tiny"), (b"/v1/models/a/b", "a/b"), (b"/v1/models/a%2Fb", "a/b")],
)
def test_one_model_is_shown_to_whoever_sees_it_in_the_list(path, name):
    """A name with a slash as it is and as SDKs write it; vLLM is asked for its list in any case."""
    request = replace(inner_request(b""), method=b"GET", path=path)
    value = replace(snapshot(), models={"tiny": ModelPolicy(), "a/b": ModelPolicy()})
    authorized = run(request, value=value, grants=every_operation({"tiny", "a/b"}))
    assert authorized.upstream_request.path == "/v1/models"
    assert authorized.call is None
    scrubber = authorized.new_scrubber(TextScrubbers())
    body = scrubber.feed(orjson.dumps({"data": LISTED})) + scrubber.finish()
    assert orjson.loads(body)["id"] == name
    with pytest.raises(NotFound):
        run(request, value=value, grants=frozenset())
    with pytest.raises(PermissionDenied):
        run(request, value=value, role=Role.AUDITOR)
    with pytest.raises(MalformedRequest):
        run(replace(request, body=b"{}"), value=value)


def test_other_spellings_of_a_model_do_not_exist():
    """Only the canonical ones are in the table."""
    assert paths_of_model("a/b") == {"/v1/models/a/b", "/v1/models/a%2Fb"}
    request = replace(inner_request(b""), method=b"GET", path=b"/v1/models/a%2fb")
    with pytest.raises(NotFound):
        run(request, value=replace(snapshot(), models={"a/b": ModelPolicy()}))


BODIES = {
    b"/v1/responses": {"model": "tiny", "input": "hi"},
    b"/v1/messages": {"model": "tiny", "max_tokens": 5, "messages": []},
    b"/v1/embeddings": {"model": "tiny", "input": "hi"},
}


@pytest.mark.parametrize("path", BODIES)
def test_every_api_is_granted_by_itself(path):
    """A grant for one operation is none for another."""
    body = BODIES[path] | (
        {"messages": [{"role": "user", "content": "hi"}]} if path == b"/v1/messages" else {}
    )
    request = replace(inner_request(orjson.dumps(body)), path=path)
    operation = Operation(path.decode().rpartition("/")[2])
    authorized = run(request, grants=frozenset({Grant("tiny", operation)}))
    assert authorized.call.grant.operation is operation
    assert authorized.upstream_request.path == path.decode()
    with pytest.raises(PermissionDenied):
        run(request, grants=every_operation({"tiny"}) - {Grant("tiny", operation)})


def test_model_list_takes_no_body():
    """A body on a request that has none is refused rather than passed on."""
    request = replace(inner_request(b"{}"), method=b"GET", path=b"/v1/models")
    with pytest.raises(MalformedRequest):
        run(request)


def test_request_is_of_the_class_of_its_client():
    """Without the header a request is taken for what its client may send at most."""
    authorized = run(value=model(clearance=DataClass.CORE), data_class=DataClass.SENSITIVE)
    assert authorized.call.data_class is DataClass.SENSITIVE
    assert authorized.call.grant == Grant("tiny", Operation.CHAT_COMPLETIONS)


@pytest.mark.parametrize("value", [b"public", b"internal", b"sensitive"])
def test_header_names_a_class_up_to_that_of_the_client(value):
    """A request may say that it holds less than its client may send."""
    authorized = run(
        with_class(value), value=model(clearance=DataClass.CORE), data_class=DataClass.SENSITIVE
    )
    assert authorized.call.data_class == value.decode()


def test_header_never_raises_the_class():
    """A client for internal data sends nothing above it, whatever the model may see."""
    with pytest.raises(PermissionDenied, match="above that of the client"):
        run(with_class(b"core"), value=model(clearance=DataClass.CORE))


@pytest.mark.parametrize(
    "values",
    [
        (b"",),
        (b"secret",),
        (b"Public",),
        (b"public ",),
        (b"public, internal",),
        (b"\xff",),
        (b"public", b"public"),
        (b"public", b"internal"),
    ],
)
def test_header_that_is_not_one_class_is_refused(values):
    """Nothing is guessed: an unknown class, or two of them, is an error."""
    with pytest.raises(MalformedRequest, match="Sealgate-Data-Class") as caught:
        run(with_class(*values))
    assert caught.value.__cause__ is None


def test_class_above_the_clearance_is_refused_before_the_model_hears_of_it():
    """Sensitive data does not go to a model that may see internal data."""
    sensitive = {"data_class": DataClass.SENSITIVE}
    with pytest.raises(PermissionDenied, match="clearance"):
        run(**sensitive)
    assert run(with_class(b"internal"), **sensitive)


def test_class_is_bound_to_its_locations():
    """A model elsewhere gets data only of the classes that may go there."""
    there = replace(
        model(location="eu-1"), locations={**HERE_ONLY, DataClass.PUBLIC: frozenset({"eu-1"})}
    )
    with pytest.raises(PermissionDenied, match="where the model runs"):
        run(value=there)
    assert run(with_class(b"public"), value=there)


def test_header_stays_at_the_gateway():
    """What class the data is of is nothing that the model server has to know."""
    authorized = run(with_class(b"public"))
    assert b"public" not in authorized.upstream_request.body


def test_grant_is_for_one_operation():
    """A client that may only complete may not chat, with the same model on another path."""
    completing = {"grants": frozenset({Grant("tiny", Operation.COMPLETIONS)})}
    with pytest.raises(PermissionDenied):
        run(**completing)
    body = b'{"model":"tiny","prompt":"hi"}'
    authorized = run(replace(inner_request(body), path=b"/v1/completions"), **completing)
    assert authorized.call.grant.operation is Operation.COMPLETIONS


def test_reclaimed_grant_is_refused():
    """A grant that was reclaimed because nobody used it is as if it had never been given."""
    grant = Grant("tiny", Operation.CHAT_COMPLETIONS)
    with pytest.raises(PermissionDenied):
        run(withheld=frozenset({grant.permission}))


def test_list_of_models_is_of_no_class():
    """A list carries no data of the client, so no class is asked and no model is called."""
    request = replace(inner_request(b""), method=b"GET", path=b"/v1/models")
    assert run(request, data_class=DataClass.CORE).call is None


@pytest.mark.parametrize(("asked", "shown"), [(b"", False), (b"true", True), (b"false", False)])
def test_scrubber_tells_the_cost_to_the_call(asked, shown):
    """Each call has a tally of its own, which its scrubber writes and which knows who may see."""
    options = b',"stream_options":{"include_usage":%b}}' % asked if asked else b"}"
    body = STREAM_BODY[:-1] + options
    first, second = run(inner_request(body)), run(inner_request(body))
    assert first.tally is not second.tally
    assert first.tally.is_shown is shown
    event = {"id": "a", "object": "x", "created": 1, "model": "tiny", "choices": []}
    data = orjson.dumps(event | {"usage": {"total_tokens": 7}})
    assert bool(first.new_scrubber(TextScrubbers()).feed(b"data: " + data + b"\n\n")) is shown
    assert first.tally.tokens(request_bytes=0) == 7


def test_use_is_noted_once_it_was_allowed():
    """An allowed call is noted by role permission and grant, a refused one not at all."""
    uses = UsesSeen()
    principal = Principal(with_client(), "token-1", "sig-1", NOW, NOW)
    authorize = Authorize(FixedSnapshots(), uses)
    authorize(Fresh(Authenticated(principal, decapsulated())))
    assert uses.noted == [
        ("c-app", "models:call"),
        ("c-app", "models:call:chat_completions:tiny"),
    ]
    uses.noted.clear()
    stranger = Principal(with_client(grants=frozenset()), "token-1", "sig-1", NOW, NOW)
    with pytest.raises(PermissionDenied):
        authorize(Fresh(Authenticated(stranger, decapsulated())))
    assert uses.noted == []
    listing = replace(inner_request(b""), method=b"GET", path=b"/v1/models")
    authorize(Fresh(Authenticated(principal, decapsulated(listing))))
    assert uses.noted == [("c-app", "models:list")]


PSEUDONYMS = ScrubRules(Treatment.PSEUDONYM)
KEYS = ConversationKeys(Secret(b"r" * 32))


def token_in(conversation=None, *, client_id="c-app"):
    """Return the pseudonym that one value gets in the answer of a call."""
    request = inner_request()
    if conversation is not None:
        named = (b"sealgate-conversation", conversation)
        request = replace(request, headers=(*request.headers, named))
    value = replace(snapshot(), conversation_keys=KEYS, scrubbing=PSEUDONYMS)
    authorized = run(request, value=value, client_id=client_id)
    return authorized.actions.replace("PHONE", "13800138000")


def test_a_conversation_keeps_its_pseudonyms():
    """The same value has the same token in one conversation of one client and nowhere else."""
    assert token_in(b"talk") == token_in(b"talk")
    assert len({token_in(b"talk"), token_in(b"other"), token_in(b"talk", client_id="c-b")}) == 3


def test_without_a_conversation_every_request_has_its_own_pseudonyms():
    """Two requests that name no conversation share no token."""
    assert token_in() != token_in()


def test_a_bad_conversation_is_refused_before_anything_is_sent():
    """A name with other signs ends the request, whatever the rules."""
    with pytest.raises(MalformedRequest):
        token_in(b"a b")


def test_no_pseudonym_without_the_key():
    """When the gateway has no pseudonym key the call is refused, not answered another way."""
    request = inner_request()
    named = replace(request, headers=(*request.headers, (b"sealgate-conversation", b"talk")))
    with pytest.raises(StoreUnavailable):
        run(named, value=replace(snapshot(), conversation_keys=None), scrubbing=PSEUDONYMS)


def test_rules_of_client_model_and_gateway_meet():
    """The client's form counts before the model's, and what is blocked anywhere is blocked."""
    blocked = ScrubRules(None, {"EMAIL": Treatment.BLOCK})
    value = replace(model(scrubbing=ScrubRules(Treatment.PLACEHOLDER)), scrubbing=blocked)
    actions = run(value=value, scrubbing=ScrubRules(Treatment.MASK)).actions
    assert actions.replace("PHONE", "13812345678") == "138****5678"
    with pytest.raises(AnswerBlocked):
        actions.replace("EMAIL", "a@b.cc")


def test_only_a_client_that_has_it_so_is_masked():
    """The request that can be masked goes on for such a client alone."""
    assert run().unmasked is None
    authorized = run(masks_requests=True)
    assert authorized.unmasked == orjson.loads(authorized.upstream_request.body)


def test_clients_never_share_cached_prefixes():
    """Each request goes upstream with the salt of its client; without a key it does not go."""

    def salt(client_id):
        return orjson.loads(run(client_id=client_id).upstream_request.body)["cache_salt"]

    assert salt("c-1") == salt("c-1") != salt("c-2")
    with pytest.raises(StoreUnavailable):
        run(value=replace(snapshot(), conversation_keys=None))


def test_a_request_is_held_to_the_limits_of_its_client():
    """Or to those of the gateway, where the client has none of its own."""
    two = inner_request(orjson.dumps(orjson.loads(CHAT_BODY) | {"n": 2}))
    tight = replace(snapshot(), request_limits=RequestLimits(choices=1, output_tokens=9))
    run(two)
    with pytest.raises(UnsupportedParameter, match="choices"):
        run(two, value=tight)
    with pytest.raises(UnsupportedParameter, match="choices"):
        run(two, limits={"choices": 1})
    authorized = run(two, value=tight, limits={"choices": 2})
    assert orjson.loads(authorized.upstream_request.body)["max_completion_tokens"] == 9


def test_an_extra_member_goes_upstream_for_its_client():
    """And for nobody whose requests are masked."""
    novel = inner_request(orjson.dumps(orjson.loads(CHAT_BODY) | {"novel": 2}))
    named = frozenset({"novel"})
    sent = orjson.loads(run(novel, extra_members=named).upstream_request.body)
    assert sent["novel"] == 2
    for changes in ({}, {"extra_members": named, "masks_requests": True}):
        with pytest.raises(UnsupportedParameter, match="novel"):
            run(novel, **changes)
