"""The limit on calls: by address, before everything else, and not to be switched off."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from gateway.api.call_limit import CallLimit
from gateway.api.problems import problem_json
from tests.fakes.http import http

ROOT = Path(__file__).parents[4]


def now() -> datetime:
    """Return the real time, by which the limit counts."""
    return datetime.now(UTC)


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 200."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def test_each_address_has_its_own_limit() -> None:
    """Two calls pass, the third is refused; another address is not concerned."""
    app = CallLimit(hello, calls_per_minute=2, clock=now, present=problem_json)
    async with http(app) as client:
        answers = [await client.get(path) for path in ("/a", "/b", "/a")]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "rate_limited"
    assert answers[2].headers["connection"] == "close"
    async with http(app, address="127.0.0.2") as client:
        assert (await client.get("/a")).status_code == 200


async def test_retry_after_is_the_rest_of_the_minute() -> None:
    """The time that is said is when the next call passes, whatever the clock says."""
    for clock in (
        now,
        lambda: datetime(2100, 1, 1, tzinfo=UTC),
        lambda: datetime(2000, 1, 1, tzinfo=UTC),
    ):
        app = CallLimit(hello, calls_per_minute=1, clock=clock, present=problem_json)
        async with http(app) as client:
            await client.get("/")
            seconds = int((await client.get("/")).headers["retry-after"])
        assert {now: 55 <= seconds <= 60}.get(clock, seconds in {1, 60})


async def test_only_named_paths_count() -> None:
    """With paths given, they share the limit and others are free."""
    app = CallLimit(hello, calls_per_minute=1, clock=now, present=problem_json, paths=["/a", "/b"])
    async with http(app) as client:
        statuses = [(await client.get(path)).status_code for path in ("/c", "/a", "/c", "/b", "/a")]
    assert statuses == [200, 200, 200, 429, 429]


async def test_call_without_an_address_is_refused() -> None:
    """What cannot be counted does not pass; other protocols are not looked at."""
    app = CallLimit(hello, calls_per_minute=1, clock=now, present=problem_json)
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "client": None}
    await app(scope, receive, send)
    assert sent[0]["status"] == 403
    await app({"type": "lifespan"}, receive, send)
    assert sent[2]["status"] == 200


TWO_CALLS = """
import asyncio, warnings
from datetime import UTC, datetime
from gateway.api.call_limit import CallLimit
from gateway.api.problems import problem_json
from tests.fakes.http import http
from tests.unit.gateway.api.test_call_limit import hello, now

warnings.simplefilter("error")

async def main():
    app = CallLimit(hello, calls_per_minute=1, clock=now, present=problem_json)
    async with http(app) as client:
        answers = [await client.get("/") for _ in range(2)]
    print([answer.status_code for answer in answers])
    print([name for name in answers[1].headers if "ratelimit" in name])

asyncio.run(main())
"""
HOSTILE = {
    "RATELIMIT_ENABLED": "false",
    "RATELIMIT_DEFAULT": "1000000/second",
    "RATELIMIT_STORAGE_URL": "nothing://",
    "RATELIMIT_STRATEGY": "none",
    "RATELIMIT_SWALLOW_ERRORS": "true",
    "RATELIMIT_HEADERS_ENABLED": "true",
    "RATELIMIT_KEY_PREFIX": "x",
}


@pytest.mark.parametrize("place", ["environment", "file", "unreadable file"])
def test_nothing_outside_switches_the_limit_off(tmp_path: Path, place: str) -> None:
    """Neither variables nor a .env file in the working directory change the limit."""
    variables = HOSTILE if place == "environment" else {}
    content = "".join(f"{name}={value}\n" for name, value in HOSTILE.items()).encode()
    if place == "file":
        (tmp_path / ".env").write_bytes(content)
    elif place == "unreadable file":
        (tmp_path / ".env").write_bytes(b"\xff=\xff")
    done = subprocess.run(
        [sys.executable, "-c", TWO_CALLS],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[200, 429]\n[]\n", "")
