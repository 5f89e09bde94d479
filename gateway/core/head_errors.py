"""What a listener refuses of a head for its own reasons; everything else is in ``core/errors.py``.

SealgateError
├── HeadTooLarge          more headers, or longer ones, than the limit
├── TargetTooLong         a request line above the limit
└── ExpectationFailed     the client waits for something that will not come
"""

from __future__ import annotations

from gateway.core.errors import SealgateError


class HeadTooLarge(SealgateError):
    """More headers, or longer ones, than the listener takes (RFC 6585 §5)."""

    code = "head_too_large"
    default_detail = "The request has more headers, or longer ones, than this gateway accepts."


class TargetTooLong(SealgateError):
    """A request line longer than the listener takes (RFC 9110 §15.5.15)."""

    code = "target_too_long"
    default_detail = "The path and query are longer than this gateway accepts."


class ExpectationFailed(SealgateError):
    """Another expectation than ``100-continue`` (RFC 9110 §10.1.1)."""

    code = "expectation_failed"
    default_detail = "The only expectation that can be met here is 100-continue."
