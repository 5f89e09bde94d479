"""Errors over HTTP."""

from __future__ import annotations

import orjson
import pytest

from gateway.api.problems import (
    DATE_PROBLEM,
    OHTTP_KEY_PROBLEM,
    ProblemPresenter,
    anthropic_error,
    headers_of,
    oauth_error,
    openai_error,
    problem_json,
)
from gateway.core import errors
from gateway.core.errors import (
    DateRefused,
    InvalidClient,
    InvalidMember,
    InvalidToken,
    MethodNotAllowed,
    ProofRequired,
    RateLimited,
    Replayed,
    StoreUnavailable,
    UnknownKey,
)


def test_openai_shape():
    """The official SDKs find message, type and code where they look for them."""
    answer = openai_error(InvalidToken())
    error = orjson.loads(answer.body)["error"]
    assert answer.status == 401
    assert (error["type"], error["code"]) == ("authentication_error", "invalid_token")
    assert error["message"] == InvalidToken.default_detail


def test_unknown_key_has_the_registered_problem_type():
    """A client recognises by the type that it should fetch the keys again (RFC 9458 §5.3)."""
    answer = problem_json(UnknownKey())
    assert (answer.status, answer.content_type) == (422, "application/problem+json")
    assert orjson.loads(answer.body)["type"] == OHTTP_KEY_PROBLEM


def test_date_has_the_registered_problem_type():
    """A client recognises by the type that its clock is wrong (RFC 9458 §6.5.2)."""
    answer = problem_json(DateRefused())
    assert answer.status == 400
    assert orjson.loads(answer.body)["type"] == DATE_PROBLEM
    assert problem_json(Replayed()).status == 409


def test_wrong_method_says_the_right_ones():
    """A method that a path does not have is answered with those it has (RFC 9110 §15.5.6)."""
    answer = problem_json(MethodNotAllowed(allowed=("GET", "POST")))
    assert (answer.status, answer.headers) == (405, ((b"allow", b"GET, POST"),))
    assert orjson.loads(answer.body)["code"] == "method_not_allowed"


def test_faults_are_listed():
    """Each fault is there with a JSON pointer, or with the name of a parameter (RFC 9457 §3.1)."""
    faults = (
        ("/quota/x", "is not known here"),
        ("", "holds an unknown field"),
        ("limit", "is odd"),
    )
    body = orjson.loads(problem_json(InvalidMember(faults=faults)).body)
    assert body["status"] == 422
    assert body["errors"] == [
        {"pointer": "/quota/x", "detail": "is not known here"},
        {"pointer": "", "detail": "holds an unknown field"},
        {"parameter": "limit", "detail": "is odd"},
    ]


def test_oauth_shape():
    """The token endpoint speaks RFC 6749 §5.2."""
    assert orjson.loads(oauth_error(InvalidClient()).body)["error"] == "invalid_client"
    assert orjson.loads(oauth_error(StoreUnavailable()).body)["error"] == "server_error"


def test_presenter_chooses_by_place():
    """Each model API has its own shape, the rest problem+json."""
    presenter = ProblemPresenter()
    assert presenter.outside(UnknownKey(), "/v1/models").content_type == "application/json"
    assert presenter.outside(UnknownKey(), "/x").content_type == "application/problem+json"
    assert presenter.inside(InvalidToken(), "/v1/models").status == 401
    for answer in (
        presenter.outside(InvalidToken(), "/v1/messages"),
        presenter.inside(InvalidToken(), "/v1/messages"),
    ):
        assert orjson.loads(answer.body) == {
            "type": "error",
            "error": {"type": "authentication_error", "message": InvalidToken.default_detail},
        }
        assert dict(answer.headers)[b"www-authenticate"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.MalformedRequest(), "invalid_request_error"),
        (errors.NotFound(), "not_found_error"),
        (errors.PayloadTooLarge(), "request_too_large"),
        (RateLimited(), "rate_limit_error"),
        (errors.ScrubFailed(), "api_error"),
        (errors.Overloaded(), "overloaded_error"),
    ],
)
def test_anthropic_names_errors_by_their_status(error, kind):
    """Its SDKs know few types; every status has one."""
    assert orjson.loads(anthropic_error(error).body)["error"]["type"] == kind


def test_the_place_of_a_fault_is_shown():
    """As a JSON pointer: in OpenAI's member for it, in Anthropic's text."""
    error = errors.MalformedRequest("It must be a string.")
    error.pointer = "/messages/0/content"
    assert orjson.loads(openai_error(error).body)["error"]["param"] == error.pointer
    message = orjson.loads(anthropic_error(error).body)["error"]["message"]
    assert message == "It must be a string. (at /messages/0/content)"
    assert orjson.loads(openai_error(errors.NotFound()).body)["error"]["param"] is None


def test_an_event_has_the_shape_of_its_stream():
    """Each official SDK raises it as an error; nothing follows it."""
    presenter = ProblemPresenter()
    body = orjson.loads(openai_error(errors.ScrubFailed()).body)
    event = presenter.event(errors.ScrubFailed(), "/v1/chat/completions")
    assert event == b"data: " + orjson.dumps(body) + b"\n\n"
    event = presenter.event(errors.ScrubFailed(), "/v1/responses")
    assert event.startswith(b"event: error\ndata: {")
    fields = {"message": errors.ScrubFailed.default_detail, "code": "scrub_failed", "param": None}
    assert orjson.loads(event[19:]) == {**fields, "type": "error", "error": body["error"]}
    event = presenter.event(errors.ScrubFailed(), "/v1/messages")
    assert event == b"event: error\ndata: " + anthropic_error(errors.ScrubFailed()).body + b"\n\n"


@pytest.mark.parametrize("present", [openai_error, anthropic_error, problem_json, oauth_error])
def test_what_passes_says_when_to_come_back(present):
    """In every shape a header says in seconds when to try again, where that may help."""
    assert present(RateLimited()).headers == ((b"retry-after", b"5"),)
    assert present(StoreUnavailable()).headers == ((b"retry-after", b"1"),)
    assert present(UnknownKey()).headers == ()


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (InvalidToken(), {b"www-authenticate": b'Bearer error="invalid_token"'}),
        (
            InvalidClient(),
            {b"www-authenticate": b'Basic realm="sealgate", charset="UTF-8"'},
        ),
        (
            ProofRequired(),
            {b"www-authenticate": b'DPoP error="invalid_dpop_proof", algs="EdDSA ES256"'},
        ),
        (
            ProofRequired(nonce="n-1"),
            {
                b"www-authenticate": b'DPoP error="use_dpop_nonce", algs="EdDSA ES256"',
                b"dpop-nonce": b"n-1",
            },
        ),
    ],
)
@pytest.mark.parametrize("present", [openai_error, anthropic_error, problem_json])
def test_every_401_says_how_to_prove_oneself(present, error, headers):
    """In every shape a 401 has its challenge, and a nonce where that is what is missing."""
    answer = present(error)
    assert answer.status == 401
    assert dict(answer.headers) == headers


def test_token_endpoint_asks_for_proofs_in_its_own_way() -> None:
    """There a bad DPoP proof is 400 and no challenge (RFC 9449 §5, §8)."""
    bad, stale = oauth_error(ProofRequired()), oauth_error(ProofRequired(nonce="n"))
    assert (bad.status, orjson.loads(bad.body)["error"]) == (400, "invalid_dpop_proof")
    assert (stale.status, orjson.loads(stale.body)["error"]) == (400, "use_dpop_nonce")
    assert (bad.headers, stale.headers) == ((), ((b"dpop-nonce", b"n"),))


def test_a_limit_says_when_it_ends() -> None:
    """Retry-After is the time that the limit itself named."""
    assert headers_of(RateLimited(retry_after_seconds=77)) == ((b"retry-after", b"77"),)
