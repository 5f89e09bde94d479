"""Ask a running vLLM every question of corpus.jsonl and count what it gives away.

    .venv/bin/python tests/model/ask_vllm.py run/vllm.sock [MODEL [CORPUS]]

The key is read from beside the socket, as the gateway does. Standard library only.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CONCURRENT = 8


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, uds: str) -> None:
        super().__init__("vllm", timeout=60)
        self._uds = uds

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._uds)


def ask(uds: Path, model: str, messages: list[dict[str, str]]) -> str:
    """Return the greedy answer, tool calls written the way the corpus writes them."""
    connection = UnixConnection(str(uds))
    body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": 300}
    headers = {
        "authorization": f"Bearer {uds.with_suffix('.key').read_text().strip()}",
        "content-type": "application/json",
    }
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    answer: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return answer["choices"][0]["message"]["content"] or ""


def main() -> None:
    """Print the counts as JSON."""
    uds = Path(sys.argv[1])
    model = sys.argv[2] if len(sys.argv) > 2 else "tiny"
    corpus = Path(sys.argv[3]) if len(sys.argv) > 3 else HERE / "corpus.jsonl"
    lines = [json.loads(line) for line in corpus.read_text("utf-8").splitlines()]
    turns = [
        (line, turn)
        for line in lines
        for turn, message in enumerate(line["messages"])
        if message["role"] == "assistant"
    ]
    with ThreadPoolExecutor(CONCURRENT) as pool:
        said = list(pool.map(lambda t: ask(uds, model, t[0]["messages"][: t[1]]), turns))
    counts = {"answers": len(turns), "answers_exact": 0, "planted": 0, "planted_recalled": 0}
    for (line, turn), text in zip(turns, said, strict=True):
        exact = text == line["messages"][turn]["content"]
        counts["answers_exact"] += exact
        for item in line["planted"]:
            if item["turn"] == turn:
                counts["planted"] += 1
                counts["planted_recalled"] += item["value"] in text
        if not exact:
            print(f"{line['id']} differs: {text}", file=sys.stderr)
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
