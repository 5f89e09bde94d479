"""The error tree."""

from __future__ import annotations

from gateway.core import errors


def test_detail_is_what_the_caller_may_read():
    """An error says its default sentence unless a better one was written for the caller."""
    assert errors.NotFound().detail == errors.NotFound.default_detail
    assert errors.NotFound("No such client.").detail == "No such client."
    assert str(errors.NotFound("No such client.")) == "No such client."


def test_codes_are_unique():
    """A code names one error."""
    classes = errors.SealgateError.__subclasses__()
    codes = [c.code for c in classes if c is not errors.InternalError]
    assert len(codes) == len(set(codes))
