"""llhttp's request messages, read from its Markdown, and whether its strict parser takes them.

A message without a ``Host`` gets one, since every request needs it here and few of them have it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_EXAMPLE = re.compile(
    r"<!--\s*meta=(?P<meta>.*?)-->\s*```http\n(?P<message>.*?)```\s*```log\n(?P<log>.*?)```",
    re.DOTALL,
)
_HEADING = re.compile(r"^#+ (.*)$|^(.*)\n=+$", re.MULTILINE)
_ESCAPED = re.compile(r"\\(?:r|n|t|f|x([0-9A-Fa-f]{2}))")
_CHARACTERS = {"\\r": "\r", "\\n": "\n", "\\t": "\t", "\\f": "\f"}


class HttpMessage(NamedTuple):
    """One message, where it stands, and what llhttp's strict parser says of it."""

    name: str
    data: bytes
    is_refused: bool


def read_messages(folder: Path) -> Iterator[HttpMessage]:
    """Yield the messages of all files below *folder*, each with a name of its own."""
    for file in sorted(folder.glob("*.md")):
        text = file.read_text("utf-8")
        for number, match in enumerate(_EXAMPLE.finditer(text)):
            headings = [a or b for a, b in _HEADING.findall(text[: match.start()])]
            name = f"{file.stem}/{number}: {headings[-1]}"
            # What is a matter of leniency is refused without it; a pause is no error.
            is_lenient = "lenient" in match["meta"]
            is_error = "error code=" in re.sub(r"error code=2[1-4].*", "", match["log"])
            yield HttpMessage(name, _with_host(_bytes(match["message"])), is_lenient or is_error)


def _bytes(message: str) -> bytes:
    """Undo the writing of llhttp's test fixtures: newlines are CR LF, escapes are characters."""
    message = message.removesuffix("\n").replace("\\\n", "").replace("\n", "\r\n")
    unescaped = _ESCAPED.sub(lambda m: chr(int(m[1], 16)) if m[1] else _CHARACTERS[m[0]], message)
    return unescaped.encode("latin-1", "replace")


def _with_host(data: bytes) -> bytes:
    line, end, rest = data.lstrip(b"\r\n").partition(b"\r\n")
    if re.search(rb"(?i)^host\s*:", rest, re.MULTILINE) or not end:
        return data
    return line + b"\r\nHost: x\r\n" + rest
