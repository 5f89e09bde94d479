"""The tiny fine-tuned model: sealed, verified and served by a real vLLM through ``serving run``."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import httpx2

from tests.story.processes import PYTHON, ROOT, Process, run

MODEL = ROOT / "tests/model/tiny"
VLLM = ROOT / ".venv-vllm/bin/vllm"
START_SECONDS = 240  # a cold CPU build imports for a minute on a busy machine


class ServedModel:
    """A sealed bundle of the tiny model and the vLLM process that serves it."""

    def __init__(self, directory: Path) -> None:
        self.bundle = directory / "tiny.bundle"
        self.keys = directory / "model-keys"
        self.socket = directory / "vllm" / "vllm.sock"
        self.api_key_file = self.socket.with_suffix(".key")
        self._log = directory / "serving.log"
        self._process: Process | None = None

    def seal(self) -> None:
        """Make keys, and seal and sign the model."""
        run(PYTHON, "-m", "serving", "keygen", str(self.keys))
        run(
            PYTHON, "-m", "serving", "seal", str(MODEL), str(self.bundle),
            "--name", "tiny", "--keys", str(self.keys),
        )  # fmt: skip

    def verify(self) -> dict[str, Any]:
        """Check signature and digests; return what ``serving verify --json`` says."""
        command = (PYTHON, "-m", "serving", "verify", str(self.bundle), "--keys", str(self.keys))
        verified: dict[str, Any] = json.loads(run(*command, "--json"))
        return verified

    def start(self) -> None:
        """Serve the bundle; return once vLLM is healthy."""
        command = [
            PYTHON, "-m", "serving", "run", str(self.bundle), "--uds", str(self.socket),
            "--keys", str(self.keys), "--vllm-executable", str(VLLM), "--max-model-len", "1024",
        ]  # fmt: skip
        self._process = Process(command, log=self._log)
        self._process.wait_until(self._is_healthy, seconds=START_SECONDS)

    def stop(self) -> int:
        """Stop vLLM and return the exit status of its launcher."""
        return self._process.stop() if self._process else 0

    def ask_directly(self, question: str) -> str:
        """Ask vLLM itself, past the gateway, and return its answer."""
        body = {
            "model": "tiny",
            "messages": [{"role": "user", "content": question}],
            "temperature": 0,
            "max_tokens": 200,
        }
        with self._http() as http:
            answer = http.post("/v1/chat/completions", json=body).raise_for_status().json()
        return str(answer["choices"][0]["message"]["content"])

    def prompt_tokens(self) -> float:
        """Return how many prompt tokens vLLM has read so far, by its own metrics."""
        return self._metric("vllm:prompt_tokens_total")

    def wait_until_idle(self, *, seconds: float) -> bool:
        """Return whether vLLM stops generating within *seconds*."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._metric("vllm:num_requests_running") == 0:
                return True
            time.sleep(0.05)
        return False

    def _metric(self, name: str) -> float:
        with self._http() as http:
            lines = http.get("/metrics").raise_for_status().text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def _http(self) -> httpx2.Client:
        return httpx2.Client(
            transport=httpx2.HTTPTransport(uds=str(self.socket)),
            base_url="http://vllm",
            headers={"authorization": f"Bearer {self.api_key_file.read_text('ascii').strip()}"},
            timeout=60,
        )

    def _is_healthy(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:  # the HTTP library leaks one that is refused
            if probe.connect_ex(str(self.socket)) != 0:
                return False
        try:
            with self._http() as http:
                return http.get("/health").is_success
        except (httpx2.TransportError, OSError):
            return False
