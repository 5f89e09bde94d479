"""Checked requests."""

from gateway.core.grants import Operation
from gateway.core.requests.fields import Exact
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


def test_a_salt_goes_upstream_and_is_no_text() -> None:
    """The salt is a member of what vLLM sees and is never masked; the request stays as it was."""
    request = rebuilt(Operation.COMPLETIONS, {"model": "m", "prompt": "hi"})
    salted = request.salted("13812345678")
    assert salted.upstream == {"model": "m", "prompt": "hi", "cache_salt": "13812345678"}
    assert isinstance(salted.upstream["cache_salt"], Exact)
    assert "cache_salt" not in request.upstream
