"""What an observer of sealed chunks learns of the tokens inside, with and without padding.

    python -m loadtests.frames

Streams the answers of the test model's corpus, a token of three characters at a time, through the
scrubber and the sealing of the gateway, and prints how the sizes of the sealed chunks are
distributed: the fewer sizes, and the smaller the entropy, the less each one tells.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from gateway.core.answers.asked import Asked
from gateway.core.apis import APIS
from gateway.core.grants import Operation
from gateway.core.padding import pad_events
from gateway.core.shaping import Coalescer

CORPUS = Path(__file__).resolve().parents[1] / "tests/model/corpus.jsonl"
SEALED_BYTES = 16 + 2 + 2  # tag, chunk length, content chunk length
TOKEN_CHARACTERS = 3
TOKENS_PER_SECOND = 50


def answers() -> list[str]:
    """Return the answers of the corpus."""
    lines = CORPUS.read_text("utf-8").splitlines()
    said = (message for line in lines for message in json.loads(line)["messages"])
    return [m["content"] for m in said if m["role"] == "assistant" and m.get("content")]


def pieces(answer: str) -> Iterator[bytes]:
    """Yield the scrubbed events of one streamed answer."""
    scrubber = APIS[Operation.CHAT_COMPLETIONS].new_scrubber(Asked(), streamed=True)
    for start in range(0, len(answer), TOKEN_CHARACTERS):
        delta = {"content": answer[start : start + TOKEN_CHARACTERS]}
        event = {
            "id": "chatcmpl-0000000000000000",
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": "tiny",
            "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
        }
        safe = scrubber.feed(b"data: " + json.dumps(event).encode() + b"\n\n")
        if safe:
            yield safe


def coalesced(answer: str, seconds: float) -> Iterator[bytes]:
    """Yield the portions of one answer that comes at 50 tokens a second."""
    shaper = Coalescer(seconds)
    for number, piece in enumerate(pieces(answer)):
        time = number / TOKENS_PER_SECOND
        if portion := shaper.take(now=time):
            yield portion
        shaper.feed(piece, now=time)
    if rest := shaper.finish():
        yield rest


def report(title: str, sizes: Counter[int]) -> str:
    """Return one row: how many sizes there are, what the most frequent covers, the entropy."""
    total = sum(sizes.values())
    entropy = -sum(n / total * math.log2(n / total) for n in sizes.values())
    common = sizes.most_common(1)[0]
    return (
        f"| {title} | {total} | {len(sizes)} | {common[0]} B ({100 * common[1] / total:.0f} %) "
        f"| {entropy:.2f} bit |"
    )


def main() -> None:
    """Print the table."""
    said = answers()
    rows = [
        ("no padding", [p for a in said for p in pieces(a)]),
        ("256-byte buckets", [pad_events(p) for a in said for p in pieces(a)]),
        ("256-byte buckets, 100 ms", [pad_events(p) for a in said for p in coalesced(a, 0.1)]),
    ]
    print("| | chunks | different sizes | most frequent | entropy of a chunk's size |")
    print("|---|---|---|---|---|")
    for title, portions in rows:
        print(report(title, Counter(len(portion) + SEALED_BYTES for portion in portions)))


if __name__ == "__main__":
    main()
