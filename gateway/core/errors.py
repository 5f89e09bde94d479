"""Every way in which a request can be refused, as one flat tree with stable codes.

An error carries a *code* (stable, for machines) and a *detail* (one sentence, for the caller who
can mend it). Neither ever holds a token, a key, a prompt, upstream text or ``str()`` of another
error. Statuses are in ``api/problems.py``, what a listener refuses in ``core/head_errors.py``.

    SealgateError
    ├── MalformedRequest      the message is not what its media type promises
    ├── UnsupportedParameter  a request field the gateway does not let through
    ├── InvalidMember         a member of the body, or a parameter, that is unknown or not valid
    ├── UnsupportedMediaType  a body of another type than this path takes
    ├── PayloadTooLarge       more bytes than the limit
    ├── RequestTimeout        the request did not arrive whole in time
    ├── ClientStalled         the client stopped reading its answer
    ├── Overloaded            more work at once than the gateway takes
    ├── OpenFailed            a sealed message did not open: one error for every reason, no oracle
    ├── UnknownKey            sealed to a key that is not (or no longer) ours
    ├── EncryptionRequired    a clear request where policy wants a sealed one
    ├── AddressNotAllowed     the address is on no allowlist that applies
    ├── InvalidToken          no access token, or one that is not valid now
    ├── InvalidClient         wrong client credentials at the token endpoint (RFC 6749 §5.2)
    ├── PermissionDenied      a valid principal without this permission
    ├── NotFound              no such path or object
    ├── MethodNotAllowed      the path is there, with other methods
    ├── Conflict              the object is not in the state that the change needs
    ├── VersionMismatch       the object was changed since the caller has seen it
    ├── KeyReused             the idempotency key came with another request before
    ├── OutcomeUnknown        a call with this idempotency key runs, or nobody knows how it ended
    ├── ApprovalNeeded        two people are needed, and nobody else could agree
    ├── AuditBroken           the audit trail is not as it was written
    ├── DateRefused           a sealed request without a Date, or with one too far from our clock
    ├── Replayed              a sealed request that was here before
    ├── RateLimited           too many calls for now
    │   └── QuotaExceeded         the client used up what it may use for now
    ├── ProofRequired         the DPoP proof is missing, wrong or needs a nonce of ours
    ├── UpstreamUnavailable   vLLM cannot be reached, broke off or answered what is no answer
    │   └── UpstreamTimedOut      vLLM did not answer, or not go on, in time
    ├── UpstreamRefused       vLLM answered with an error of its own
    ├── ScrubFailed           the answer could not be scrubbed, so nothing more of it is sent
    ├── AnswerBlocked         the answer holds personal data that ends it, by the policy for it
    ├── StoreUnavailable      the state needed to decide cannot be read or written
    │   ├── CommitUnconfirmed         a change was made or not: the store went away meanwhile
    │   └── KeyServiceUnavailable     what wraps the keys or keeps the secrets is away
    │       └── WrappingTokenRefused  the one-time token around a secret was used before
    └── InternalError         a bug of ours
"""

from __future__ import annotations

from typing import ClassVar


class SealgateError(Exception):
    """Base of all refusals. *detail* is shown to the caller; leave it out to show the default."""

    pointer: str = ""  # where in the body of the request the fault is, if in one place (RFC 6901)
    code: ClassVar[str] = "internal_error"
    default_detail: ClassVar[str] = "The gateway met an unexpected condition."

    def __init__(self, detail: str | None = None) -> None:
        self.detail = self.default_detail if detail is None else detail
        super().__init__(self.detail)


class MalformedRequest(SealgateError):
    """The message is not what its media type promises."""

    code = "malformed_request"
    default_detail = "The request could not be parsed."


class UnsupportedParameter(SealgateError):
    """A request field that the gateway does not let through."""

    code = "unsupported_parameter"
    default_detail = "The request holds a parameter that this gateway does not allow."


class InvalidMember(SealgateError):
    """Members of the body, or parameters, that are unknown or not valid.

    *faults* says where and what for each: a JSON pointer (RFC 6901) into the body or the name of a
    parameter, and a short text. Neither ever holds a value of the caller's.
    """

    code = "invalid_member"
    default_detail = "The request holds members that are unknown or not valid."

    def __init__(
        self, detail: str | None = None, *, faults: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(detail)
        self.faults = faults


class UnsupportedMediaType(SealgateError):
    """A body of another type than this path takes (RFC 9110 §15.5.16)."""

    code = "unsupported_media_type"
    default_detail = "The body must be application/json."


class PayloadTooLarge(SealgateError):
    """More bytes than the configured limit."""

    code = "payload_too_large"
    default_detail = "The request is larger than this gateway accepts."


class RequestTimeout(SealgateError):
    """The request did not arrive whole in time."""

    code = "request_timeout"
    default_detail = "The request did not arrive in time."


class ClientStalled(SealgateError):
    """The client stopped reading its answer, which holds a place at the model server."""

    code = "client_stalled"
    default_detail = "The answer was not read in time."


class Overloaded(SealgateError):
    """More work at once than the gateway takes; the same call may succeed later."""

    code = "overloaded"
    default_detail = "The gateway is busy; try again in a moment."


class OpenFailed(SealgateError):
    """A sealed message did not open. The same error for every reason, so that it is no oracle."""

    code = "open_failed"
    default_detail = "The encapsulated message could not be opened."


class UnknownKey(SealgateError):
    """The message is sealed to a key identifier that the gateway does not hold (RFC 9458 §5.3)."""

    code = "unknown_key"
    default_detail = "The key is unknown. Fetch the key configurations again."


class EncryptionRequired(SealgateError):
    """A clear request from a client that must seal its requests."""

    code = "encryption_required"
    default_detail = "This gateway accepts only encapsulated requests here."


class AddressNotAllowed(SealgateError):
    """The client address is on no allowlist that applies."""

    code = "address_not_allowed"
    default_detail = "Calls from this address are not allowed."


class InvalidToken(SealgateError):
    """No access token, or one that is not valid at this moment (RFC 6750 §3.1)."""

    code = "invalid_token"
    default_detail = "The access token is missing, expired, revoked or not valid here."


class InvalidClient(SealgateError):
    """Client authentication failed at the token endpoint (RFC 6749 §5.2)."""

    code = "invalid_client"
    default_detail = "Client authentication failed."


class PermissionDenied(SealgateError):
    """An authenticated principal without this permission."""

    code = "permission_denied"
    default_detail = "This principal may not do that."


class NotFound(SealgateError):
    """No such path or object."""

    code = "not_found"
    default_detail = "There is nothing here."


class MethodNotAllowed(SealgateError):
    """The path is there, but not with this method; *allowed* are those that it has."""

    code = "method_not_allowed"
    default_detail = "This path has other methods only."

    def __init__(self, detail: str | None = None, *, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(detail)
        self.allowed = allowed


class Conflict(SealgateError):
    """The object is not in the state that the change needs."""

    code = "conflict"
    default_detail = "The object is not in a state that allows this change."


class VersionMismatch(SealgateError):
    """The object is not in the version that the caller named (RFC 9110 §13.1.1)."""

    code = "version_mismatch"
    default_detail = "The object was changed since you have read it. Read it again."


class KeyReused(SealgateError):
    """The ``Idempotency-Key`` came with another request before."""

    code = "idempotency_key_reused"
    default_detail = "This Idempotency-Key was used for another request. Take a new one."


class OutcomeUnknown(SealgateError):
    """A call with this ``Idempotency-Key`` is still running, or ended without a known answer."""

    code = "outcome_unknown"
    default_detail = "A call with this Idempotency-Key is still running. Try again in a moment."


class ApprovalNeeded(SealgateError):
    """The act needs a second person, and there is nobody who could agree."""

    code = "approval_needed"
    default_detail = "This needs the approval of another owner, and there is none."


class AuditBroken(SealgateError):
    """The audit trail is not as it was written."""

    code = "audit_broken"
    default_detail = "The audit trail is not as it was written."


class DateRefused(SealgateError):
    """A sealed request without a ``Date``, or with one outside the window (RFC 9458 §6.5.2)."""

    code = "date_out_of_window"
    default_detail = "The Date of the request is missing, malformed or too far from our clock."


class Replayed(SealgateError):
    """A sealed request that was here before (RFC 9458 §6.5.1)."""

    code = "replayed"
    default_detail = "This request was received before. Seal it afresh to send it again."


class RateLimited(SealgateError):
    """Too many calls for now; *retry_after_seconds* says when the next may pass."""

    code = "rate_limited"
    default_detail = "Too many calls; try again later."

    def __init__(self, detail: str | None = None, *, retry_after_seconds: int = 5) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class QuotaExceeded(RateLimited):
    """The client used up its quota; *retry_after_seconds* says when there is some again."""

    code = "quota_exceeded"
    default_detail = "The quota of this client is used up for now."


class ProofRequired(SealgateError):
    """The DPoP proof is missing, wrong or used, or lacks *nonce* if that is given (RFC 9449 §7)."""

    code = "proof_required"
    default_detail = "A DPoP proof of this request is needed."

    def __init__(self, detail: str | None = None, *, nonce: str | None = None) -> None:
        super().__init__(detail)
        self.nonce = nonce


class UpstreamUnavailable(SealgateError):
    """vLLM refused the connection, broke off or answered what is no answer."""

    code = "upstream_unavailable"
    default_detail = "The model server is not available."


class UpstreamTimedOut(UpstreamUnavailable):
    """vLLM took longer than it may for the head, for the next piece or for all of its answer."""

    code = "upstream_timeout"
    default_detail = "The model server did not answer in time."


class UpstreamRefused(SealgateError):
    """vLLM answered with an error. Its text echoes the prompt, so it is never passed on."""

    code = "upstream_refused"
    default_detail = "The model server refused the request."


class ScrubFailed(SealgateError):
    """The answer could not be scrubbed; the rest of it is dropped."""

    code = "scrub_failed"
    default_detail = "The answer could not be checked for personal data and was withheld."


class AnswerBlocked(SealgateError):
    """The answer holds personal data of a type that policy blocks; the rest of it is dropped."""

    code = "answer_blocked"
    default_detail = "The answer held personal data of a type that is blocked, and was ended."


class StoreUnavailable(SealgateError):
    """State that the decision needs cannot be read or written; nothing was changed."""

    code = "store_unavailable"
    default_detail = "The gateway cannot reach its store."


class CommitUnconfirmed(StoreUnavailable):
    """The store was lost while it committed: whether the change was made, nobody knows."""

    code = "commit_unconfirmed"
    default_detail = "The store was lost during the change. Look whether it was made."


class KeyServiceUnavailable(StoreUnavailable):
    """What wraps the keys or keeps the secrets is away; keys in memory are good as before."""

    code = "key_service_unavailable"
    default_detail = "The service that protects the gateway's keys is not available."


class WrappingTokenRefused(KeyServiceUnavailable):
    """The one-time token around a secret does not open: perhaps somebody else opened it first."""

    code = "wrapping_token_refused"
    default_detail = (
        "The wrapping token was used before or is not valid: somebody else may have the secret. "
        "Find out who, then give the gateway a fresh one."
    )


class InternalError(SealgateError):
    """A bug of ours, shown without any detail of it."""
