"""Checked requests."""

from gateway.core.grants import Operation
from gateway.core.requests.inference_request import rebuilt


def test_the_body_is_written_from_what_was_checked() -> None:
    """Model and kind of answer are read from the same members that go upstream."""
    request = rebuilt(Operation.COMPLETIONS, {"model": "m", "stream": True}, n=2)
    assert (request.model, request.stream, request.n) == ("m", True, 2)
    assert request.upstream_body == b'{"model":"m","stream":true}'


def test_the_repr_holds_nothing_that_the_caller_wrote() -> None:
    """What the caller wrote is in no trace and no log."""
    checked = {"model": "m", "prompt": "canary"}
    assert "canary" not in repr(rebuilt(Operation.COMPLETIONS, checked, prompts=("canary",)))
