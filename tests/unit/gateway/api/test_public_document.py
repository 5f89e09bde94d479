"""The document of the public listener names what is served, and nothing else."""

from __future__ import annotations

from gateway.api.public_document import describe_public_api
from gateway.core.apis import APIS
from gateway.core.requests.chat import CHAT
from gateway.pipeline.authorize import inference_routes

ORIGIN = "https://gateway.example"


def routes() -> set[tuple[str, str]]:
    """Return every method and path of the document."""
    paths = describe_public_api(ORIGIN)["paths"]
    return {(method.upper(), path) for path, methods in paths.items() for method in methods}


def test_every_call_of_a_model_is_in_it() -> None:
    """What the data plane serves under a fixed path is described, and no path of its own below."""
    served = inference_routes([]) | {("GET", "/v1/models/{model}")}
    assert {route for route in routes() if route[1].startswith("/v1/")} == served


def test_members_are_those_that_pass() -> None:
    """A body may hold what its allow-list says, with or without a grant, and nothing else."""
    described = describe_public_api(ORIGIN)["paths"]["/v1/chat/completions"]["post"]
    schema = described["requestBody"]["content"]["application/json"]["schema"]
    assert set(schema["properties"]) == {*CHAT.allowed, *CHAT.granted, *CHAT.dropped}
    assert schema["required"] == ["model", "messages"]
    assert schema["additionalProperties"] is False


def test_only_what_can_be_streamed_is_said_to_be() -> None:
    """Embeddings have no events."""
    paths = describe_public_api(ORIGIN)["paths"]
    streamed = {
        api.path
        for api in APIS.values()
        if "text/event-stream" in paths[api.path]["post"]["responses"]["200"]["content"]
    }
    assert streamed == {api.path for api in APIS.values()} - {"/v1/embeddings"}
