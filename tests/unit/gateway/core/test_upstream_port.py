"""What is asked of a model server."""

from gateway.core.upstream_port import UpstreamRequest


def test_the_repr_holds_neither_body_nor_client() -> None:
    """What a client asks, and who it is, is in no trace and no log."""
    request = UpstreamRequest("POST", "/v1/x", b"canary", model="m", client_id="canary")
    assert "canary" not in repr(request)
