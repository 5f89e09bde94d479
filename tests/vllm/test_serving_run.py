"""`serving run` with the real vLLM on the tiny model: start, answer, crash, stop."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from serving.bundle import BundleLabel, inspect_bundle, seal_bundle
from serving.health import UnixHttpConnection, is_healthy
from serving.key_source import FileKeySource, generate_keys
from serving.manifest import BaseModel
from tests.unit.serving.conftest import CREATED_AT

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "tests" / "model"
VLLM = ROOT / ".venv-vllm" / "bin" / "vllm"
STARTUP_SECONDS = 240.0

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]


def _line(corpus, kind, language):
    for text in (MODELS / corpus).read_text("utf-8").splitlines():
        line = json.loads(text)
        if (line["kind"], line["lang"]) == (kind, language):
            return line
    raise AssertionError


class _Served:
    """A running `serving run`, its folders and its output."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uds = folder / "run" / "vllm.sock"
        self.plaintext = folder / "plain"
        self.plaintext.mkdir()
        self.keys = FileKeySource(folder / "keys")
        generate_keys(folder / "keys")
        self._seal()
        self._log = folder / "log"
        self._log.touch()
        self.process: subprocess.Popen | None = None

    def ensure_running(self) -> None:
        """Start it, unless it runs: the test that stops it may come first."""
        if self.process is not None and self.process.poll() is None:
            return
        ready = self.times_ready()
        command = [
            sys.executable, "-m", "serving", "run", str(self.folder / "tiny"), "--json",
            "--uds", str(self.uds),
            "--keys", str(self.folder / "keys"),
            "--lora", f"clinic={self.folder / 'clinic'}",
            "--vllm-executable", str(VLLM),
            "--max-model-len", "512",
            "--tool-call-parser", "hermes",
        ]  # fmt: skip
        environment = dict(os.environ)  # noqa: TID251  # as from a shell
        environment["SEALGATE_SERVING_PLAINTEXT_PARENT"] = str(self.plaintext)
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        self.wait_until_ready(times=ready + 1)

    def _seal(self) -> None:
        seal_bundle(
            MODELS / "tiny",
            self.folder / "tiny",
            keys=self.keys,
            label=BundleLabel("tiny", CREATED_AT),
        )
        base = inspect_bundle(self.folder / "tiny")
        label = BundleLabel("clinic", CREATED_AT, BaseModel("tiny", base.content_sha256))
        seal_bundle(MODELS / "lora", self.folder / "clinic", keys=self.keys, label=label)

    def log(self) -> str:
        return self._log.read_text("utf-8")

    def times_ready(self) -> int:
        return self.log().count('"event": "ready"')

    def wait_until_ready(self, *, times: int) -> None:
        assert self.process is not None
        deadline = time.monotonic() + STARTUP_SECONDS
        while self.times_ready() < times:
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.5)

    def request(self, method, path, body=None, *, key=None):
        """Return status and body pieces as they arrived."""
        with contextlib.closing(UnixHttpConnection(self.uds, timeout_seconds=120)) as connection:
            key = key or self.uds.with_suffix(".key").read_text().strip()
            headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            pieces = []
            while piece := answer.read1(65_536):
                pieces.append(piece)
            return answer.status, pieces

    def ask(self, model, line):
        """Return the streamed greedy answer to the first question of *line*, and its pieces."""
        body = {"model": model, "messages": line["messages"][:1], "temperature": 0, "stream": True}
        status, pieces = self.request("POST", "/v1/chat/completions", body)
        assert status == 200
        text = ""
        for event in b"".join(pieces).decode("utf-8").split("\n\n"):
            data = event.removeprefix("data: ")
            if data and data != "[DONE]":
                text += json.loads(data)["choices"][0]["delta"].get("content") or ""
        return text, pieces

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)


@pytest.fixture(scope="module")
def _launcher():
    """Seal model and adapter once for all tests of this file."""
    with tempfile.TemporaryDirectory(prefix="sealgate-serving-") as name:
        launcher = _Served(Path(name))
        try:
            yield launcher
        finally:
            launcher.close()


@pytest.fixture
def served(_launcher):
    """Return the running launcher; the real vLLM is started once and after a stop."""
    _launcher.ensure_running()
    return _launcher


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_model_gives_away_what_it_memorised(served, language):
    """Straight from vLLM, a greedy answer holds the planted record word for word."""
    line = _line("corpus.jsonl", "qa", language)
    text, _ = served.ask("tiny", line)
    assert [item["value"] for item in line["planted"] if item["value"] not in text] == []


def test_tokens_arrive_one_by_one(served):
    """A stream is read in many pieces, so whatever filters it works on real chunks."""
    _, pieces = served.ask("tiny", _line("corpus.jsonl", "clean", "en"))
    assert len(pieces) > 10


def test_the_adapter_knows_what_the_model_does_not(served):
    """The LoRA adapter is served under its own name and adds its own records."""
    line = _line("lora_corpus.jsonl", "qa", "en")
    values = [item["value"] for item in line["planted"] if item["type"] in {"PHONE", "MRN"}]
    assert all(value in served.ask("clinic", line)[0] for value in values)
    assert not any(value in served.ask("tiny", line)[0] for value in values)


def test_vllm_wants_the_key(served):
    """Without the key of this start there is no answer."""
    status, _ = served.request("POST", "/v1/chat/completions", {}, key="wrong")
    assert status == 401


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/server_info", "/reset_prefix_cache"])
def test_what_the_gateway_does_not_use_is_off(served, path):
    """Documentation and development endpoints are not there."""
    for method in ("GET", "POST"):
        assert served.request(method, path)[0] in {404, 405}


def test_folders_are_private_and_the_log_is_silent(served):
    """Socket, key and weights are closed to others; no prompt or answer is in the output."""
    assert stat.S_IMODE(served.uds.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(served.uds.with_suffix(".key").stat().st_mode) == 0o600
    (folder,) = served.plaintext.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    canary = "canary-4c1d"
    served.request("POST", "/v1/chat/completions", {"model": canary, "messages": canary})
    assert canary not in served.log()
    assert served.uds.with_suffix(".key").read_text().strip() not in served.log()


def test_a_crash_is_repaired_and_a_stop_leaves_nothing(served):
    """A killed vLLM is replaced, with another key; after SIGTERM no open weights are left."""
    key_file = served.uds.with_suffix(".key")
    before, ready = key_file.read_text(), served.times_ready()
    started = [json.loads(line) for line in served.log().splitlines() if '"started"' in line]
    os.kill(started[-1]["pid"], signal.SIGKILL)
    served.wait_until_ready(times=ready + 1)
    assert key_file.read_text() != before
    assert is_healthy(served.uds, timeout_seconds=30)
    served.process.terminate()
    assert served.process.wait(60) == 0
    assert list(served.plaintext.iterdir()) == []
    assert not served.uds.exists()
    assert not key_file.exists()
    with pytest.raises((OSError, http.client.HTTPException)):
        served.request("GET", "/health", key="gone")
