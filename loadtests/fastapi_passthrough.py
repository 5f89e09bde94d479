"""A pass-through in FastAPI and httpx, as many gateways are built: a peer of `make bench`.

It runs in an environment of its own, where nothing of the gateway is installed, and has no security
function at all.
"""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI, Request
from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse

_CONNECTIONS = 1_000
_SECONDS = 120.0
_PASSED_ON = ("authorization", "content-type")


def build(socket: Path) -> FastAPI:
    """Return the application, which passes everything on to the model at *socket*."""
    limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
    transport = httpx.AsyncHTTPTransport(uds=str(socket), limits=limits)
    http = httpx.AsyncClient(base_url="http://model", transport=transport, timeout=_SECONDS)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await http.aclose()

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> StreamingResponse:
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        asked = http.build_request(
            "POST", request.url.path, content=await request.body(), headers=headers
        )
        answer = await http.send(asked, stream=True)
        return StreamingResponse(
            answer.aiter_raw(),
            status_code=answer.status_code,
            media_type=answer.headers["content-type"],
            background=BackgroundTask(answer.aclose),
        )

    return app


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uds", type=Path, required=True, help="the model's socket")
    parser.add_argument("--port", type=int, required=True, help="where to listen on loopback")
    arguments = parser.parse_args()
    uvicorn.run(
        build(arguments.uds),
        host="127.0.0.1",
        port=arguments.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        backlog=4096,
    )


if __name__ == "__main__":
    main()
