"""The only table from error codes to HTTP, and the four shapes in which an error is shown.

``/v1/*`` speaks OpenAI's ``{"error": {…}}``, but ``/v1/messages`` Anthropic's; ``/oauth2/*`` speaks
RFC 6749 §5.2, everything else speaks problem+json (RFC 9457). ``detail`` is what the error was
raised with for the caller; no other text of an exception ever leaves the gateway.
"""

from __future__ import annotations

from typing import NamedTuple

import orjson

from gateway.core import errors, head_errors
from gateway.core.apis import ErrorShape, find_error_shape
from gateway.core.errors import (
    InvalidClient,
    InvalidMember,
    MethodNotAllowed,
    ProofRequired,
    RateLimited,
    SealgateError,
)
from gateway.core.sse import encode_event
from gateway.pipeline.exchange import Headers, WholeAnswer

OHTTP_KEY_PROBLEM = "https://iana.org/assignments/http-problem-types#ohttp-key"
"""Problem type of RFC 9458 §5.3: the client should fetch the key configurations again."""

DATE_PROBLEM = "https://iana.org/assignments/http-problem-types#date"
"""Problem type of RFC 9458 §6.5.2: the client should correct its clock by our ``Date``."""

_PROBLEM_TYPES = {
    errors.UnknownKey.code: OHTTP_KEY_PROBLEM,
    errors.DateRefused.code: DATE_PROBLEM,
}


class Problem(NamedTuple):
    """How one error code looks over HTTP."""

    status: int
    title: str
    openai_type: str


PROBLEMS: dict[str, Problem] = {
    errors.MalformedRequest.code: Problem(400, "Malformed request", "invalid_request_error"),
    errors.UnsupportedParameter.code: Problem(
        400, "Unsupported parameter", "invalid_request_error"
    ),
    errors.InvalidMember.code: Problem(422, "Invalid member", "invalid_request_error"),
    errors.UnsupportedMediaType.code: Problem(
        415, "Unsupported media type", "invalid_request_error"
    ),
    errors.PayloadTooLarge.code: Problem(413, "Payload too large", "invalid_request_error"),
    head_errors.HeadTooLarge.code: Problem(431, "Head too large", "invalid_request_error"),
    head_errors.TargetTooLong.code: Problem(414, "Target too long", "invalid_request_error"),
    head_errors.ExpectationFailed.code: Problem(417, "Expectation failed", "invalid_request_error"),
    errors.RequestTimeout.code: Problem(408, "Request timeout", "invalid_request_error"),
    errors.ClientStalled.code: Problem(408, "Answer not read", "invalid_request_error"),
    errors.Overloaded.code: Problem(503, "Overloaded", "server_error"),
    errors.OpenFailed.code: Problem(400, "Bad encapsulated message", "invalid_request_error"),
    errors.UnknownKey.code: Problem(422, "Unknown key", "invalid_request_error"),
    errors.EncryptionRequired.code: Problem(415, "Encapsulation required", "invalid_request_error"),
    errors.AddressNotAllowed.code: Problem(403, "Address not allowed", "permission_error"),
    errors.InvalidToken.code: Problem(401, "Invalid access token", "authentication_error"),
    errors.InvalidClient.code: Problem(401, "Invalid client", "authentication_error"),
    errors.PermissionDenied.code: Problem(403, "Permission denied", "permission_error"),
    errors.NotFound.code: Problem(404, "Not found", "invalid_request_error"),
    errors.MethodNotAllowed.code: Problem(405, "Method not allowed", "invalid_request_error"),
    errors.Conflict.code: Problem(409, "Conflict", "invalid_request_error"),
    errors.VersionMismatch.code: Problem(412, "Changed meanwhile", "invalid_request_error"),
    errors.KeyReused.code: Problem(422, "Idempotency key reused", "invalid_request_error"),
    errors.OutcomeUnknown.code: Problem(409, "Outcome unknown", "invalid_request_error"),
    errors.ApprovalNeeded.code: Problem(409, "Approval needed", "invalid_request_error"),
    errors.AuditBroken.code: Problem(500, "Audit trail broken", "server_error"),
    errors.DateRefused.code: Problem(400, "Date out of window", "invalid_request_error"),
    errors.Replayed.code: Problem(409, "Request replayed", "invalid_request_error"),
    errors.RateLimited.code: Problem(429, "Too many requests", "rate_limit_error"),
    errors.QuotaExceeded.code: Problem(429, "Quota used up", "rate_limit_error"),
    errors.ProofRequired.code: Problem(401, "Proof required", "authentication_error"),
    errors.UpstreamUnavailable.code: Problem(502, "Model server unavailable", "server_error"),
    errors.UpstreamTimedOut.code: Problem(504, "Model server too slow", "server_error"),
    errors.UpstreamRefused.code: Problem(
        400, "Refused by the model server", "invalid_request_error"
    ),
    errors.ScrubFailed.code: Problem(500, "Answer withheld", "server_error"),
    errors.AnswerBlocked.code: Problem(403, "Answer blocked", "content_filter"),
    errors.StoreUnavailable.code: Problem(503, "Store unavailable", "server_error"),
    # Not 503: a call that may have been made keeps its Idempotency-Key.
    errors.CommitUnconfirmed.code: Problem(500, "Change not confirmed", "server_error"),
    errors.KeyServiceUnavailable.code: Problem(503, "Key service unavailable", "server_error"),
    errors.WrappingTokenRefused.code: Problem(503, "Wrapping token refused", "server_error"),
    errors.InternalError.code: Problem(500, "Internal error", "server_error"),
}

_ANTHROPIC_TYPES = {  # others are invalid_request_error below 500 and api_error above
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}

_RETRY_AFTER_SECONDS = {429: 5, 503: 1}

_CHALLENGE = b"www-authenticate"
_DPOP_ALGORITHMS = b'algs="EdDSA ES256"'  # the ones to choose; RSA is taken too

_OAUTH_ERRORS = {  # RFC 6749 §5.2 knows six names; the rest of our codes fall into these
    errors.InvalidClient.code: "invalid_client",
    errors.PermissionDenied.code: "unauthorized_client",
}


def headers_of(error: SealgateError) -> Headers:
    """Return the headers that *error* needs wherever it is shown, inside a seal too."""
    if isinstance(error, MethodNotAllowed):
        return ((b"allow", ", ".join(error.allowed).encode("ascii")),)  # RFC 9110 §15.5.6
    status = PROBLEMS[error.code].status
    if status == 401:
        return _challenges(error)
    seconds = _RETRY_AFTER_SECONDS.get(status)
    if isinstance(error, RateLimited):
        seconds = error.retry_after_seconds
    return ((b"retry-after", b"%d" % seconds),) if seconds else ()  # RFC 9110 §10.2.3


def _challenges(error: SealgateError) -> Headers:
    """Return what a 401 must say: how to prove oneself (RFC 9110 §11.6.1)."""
    if isinstance(error, InvalidClient):
        return ((_CHALLENGE, b'Basic realm="sealgate", charset="UTF-8"'),)  # RFC 6749 §5.2
    if not isinstance(error, ProofRequired):
        return ((_CHALLENGE, b'Bearer error="invalid_token"'),)  # RFC 6750 §3
    if error.nonce is None:
        return ((_CHALLENGE, b'DPoP error="invalid_dpop_proof", ' + _DPOP_ALGORITHMS),)
    challenge = b'DPoP error="use_dpop_nonce", ' + _DPOP_ALGORITHMS  # RFC 9449 §9
    return ((_CHALLENGE, challenge), (b"dpop-nonce", error.nonce.encode("ascii")))


def openai_error(error: SealgateError) -> WholeAnswer:
    """Return *error* in OpenAI's shape, which the official SDKs turn into their exceptions.

    ``param`` is the JSON pointer to the member at fault.
    """
    problem = PROBLEMS[error.code]
    body = {
        "error": {
            "message": error.detail,
            "type": problem.openai_type,
            "param": error.pointer or None,
            "code": error.code,
        }
    }
    return WholeAnswer(problem.status, "application/json", orjson.dumps(body), headers_of(error))


def anthropic_error(error: SealgateError) -> WholeAnswer:
    """Return *error* in Anthropic's shape, which its official SDKs turn into their exceptions."""
    status = PROBLEMS[error.code].status
    kind = _ANTHROPIC_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    # This shape has no member for the place.
    message = f"{error.detail} (at {error.pointer})" if error.pointer else error.detail
    body = {"type": "error", "error": {"type": kind, "message": message}}
    return WholeAnswer(status, "application/json", orjson.dumps(body), headers_of(error))


def _model_error(error: SealgateError, path: str) -> WholeAnswer:
    """Return *error* in the shape that clients of *path* below ``/v1/`` expect."""
    if find_error_shape(path) is ErrorShape.ANTHROPIC:
        return anthropic_error(error)
    return openai_error(error)


def problem_json(error: SealgateError) -> WholeAnswer:
    """Return *error* as problem+json (RFC 9457)."""
    problem = PROBLEMS[error.code]
    body: dict[str, object] = {
        "type": _PROBLEM_TYPES.get(error.code, "about:blank"),
        "title": problem.title,
        "status": problem.status,
        "detail": error.detail,
        "code": error.code,
    }
    if isinstance(error, InvalidMember):
        body["errors"] = [_fault(place, detail) for place, detail in error.faults]
    content_type = "application/problem+json"
    return WholeAnswer(problem.status, content_type, orjson.dumps(body), headers_of(error))


def _fault(place: str, detail: str) -> dict[str, str]:
    """Return one fault as in RFC 9457 §3.1: a JSON pointer begins with a slash, or is empty."""
    kind = "pointer" if place.startswith("/") or not place else "parameter"
    return {kind: place, "detail": detail}


def oauth_error(error: SealgateError) -> WholeAnswer:
    """Return *error* in the shape of RFC 6749 §5.2."""
    if isinstance(error, ProofRequired):
        return _oauth_proof_error(error)
    problem = PROBLEMS[error.code]
    name = _OAUTH_ERRORS.get(
        error.code, "invalid_request" if problem.status < 500 else "server_error"
    )
    body = {"error": name, "error_description": error.detail}
    return WholeAnswer(problem.status, "application/json", orjson.dumps(body), headers_of(error))


def _oauth_proof_error(error: ProofRequired) -> WholeAnswer:
    """Return what a token endpoint says of a DPoP proof: 400, no challenge (RFC 9449 §5, §8)."""
    name = "invalid_dpop_proof" if error.nonce is None else "use_dpop_nonce"
    body = {"error": name, "error_description": error.detail}
    nonce = () if error.nonce is None else ((b"dpop-nonce", error.nonce.encode("ascii")),)
    return WholeAnswer(400, "application/json", orjson.dumps(body), nonce)


class ProblemPresenter:
    """Shows the data plane's errors: as each model API does it, problem+json elsewhere."""

    def outside(self, error: SealgateError, path: str) -> WholeAnswer:
        """Return *error* in the shape that clients of *path* expect."""
        return _model_error(error, path) if path.startswith("/v1/") else problem_json(error)

    def inside(self, error: SealgateError, path: str) -> WholeAnswer:
        """Return *error* as the official SDKs understand it: what was opened is for them.

        But a refused date is for the transport below the SDK, which can mend it (RFC 9458 §6.5.2).
        """
        return problem_json(error) if error.code in _PROBLEM_TYPES else _model_error(error, path)

    def event(self, error: SealgateError, path: str) -> bytes:
        """Return *error* as a server-sent event; the official SDKs raise it as an API error.

        No ``[DONE]`` follows it: clients must see that the answer is not whole.
        """
        shape = find_error_shape(path)
        body = _model_error(error, path).body
        if shape is ErrorShape.OPENAI_NAMED:
            # Of this API an event of its own kind would be handed to the application like any
            # other; with the member of the other APIs the SDK raises it.
            error_member = orjson.loads(body)["error"]
            body = orjson.dumps({**error_member, "type": "error", "error": error_member})
        return encode_event(body, name="" if shape is ErrorShape.OPENAI else "error")
