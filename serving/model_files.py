"""Which files of a model folder may be sealed: weights as safetensors, settings as text.

Refuses whatever could run code when the model is loaded: Python files, pickles in any disguise,
and settings that name code to import (``auto_map``; CVE-2026-22807 ran such code without asking).
A short list of what is allowed decides, not a list of what is known to be bad. Links are refused
too, since what they point to can change after the check.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from serving.errors import ModelRefused

ALLOWED_SUFFIXES: Final = frozenset(
    {".safetensors", ".json", ".jinja", ".txt", ".md", ".model", ".tiktoken"}
)
ALLOWED_NAMES: Final = frozenset({"LICENSE", "NOTICE"})
MAX_PATH_CHARACTERS: Final = 255
MAX_DEPTH: Final = 8

_PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
# Longer than any settings file; a vocabulary, which may be longer, is not read for `auto_map`.
_MAX_CONFIG_BYTES: Final = 16 * 2**20
_MAX_SAFETENSORS_HEADER_BYTES: Final = 100_000_000  # the limit of the safetensors library itself


def parse_model_path(text: str) -> str:
    """Return *text* when it is a safe relative path of an allowed kind of file.

    Refused: absolute paths, ``.`` and ``..``, hidden files, backslashes, control and non-ASCII
    characters (two spellings of one name), over-long paths. Raises :class:`ModelRefused`.
    """
    parts = text.split("/")
    if len(text) > MAX_PATH_CHARACTERS or len(parts) > MAX_DEPTH:
        raise ModelRefused("a file path is too long or too deep")
    if not all(_PART.fullmatch(part) for part in parts):
        raise ModelRefused(f"{text!a}: not a plain relative path")
    if parts[-1] not in ALLOWED_NAMES and Path(parts[-1]).suffix not in ALLOWED_SUFFIXES:
        raise ModelRefused(f"{text}: this kind of file is not served; weights must be safetensors")
    return text


def find_files(folder: Path) -> Iterator[str]:
    """Yield the relative path of every file under *folder*, sorted.

    Raises :class:`ModelRefused` for anything that is neither a regular file nor a folder.
    """
    for path in sorted(_walk(folder)):
        yield path.relative_to(folder).as_posix()


def verify_model_folder(folder: Path) -> tuple[str, ...]:
    """Return the paths of all files of *folder* after looking into each that could carry code.

    Raises :class:`ModelRefused` at the first file that is not allowed, and when there are no
    weights.
    """
    paths = tuple(parse_model_path(path) for path in find_files(folder))
    verify_distinct(paths)
    if not any(path.endswith(".safetensors") for path in paths):
        raise ModelRefused(f"{folder}: holds no safetensors file")
    for path in paths:
        if path.endswith(".safetensors"):
            _verify_safetensors(folder, path)
        elif path.endswith("config.json"):
            _verify_config(folder, path)
    return paths


def verify_distinct(paths: Iterable[str]) -> None:
    """Raise :class:`ModelRefused` when two paths are the same but for capitals."""
    seen: set[str] = set()
    for path in paths:
        if path.lower() in seen:
            raise ModelRefused(f"{path}: appears twice")
        seen.add(path.lower())


def _walk(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        found = list(entries)
    for entry in found:
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            yield from _walk(Path(entry.path))
        elif stat.S_ISREG(mode):
            yield Path(entry.path)
        else:
            raise ModelRefused(f"{entry.name!a}: a link or a device, not a regular file")


def _verify_safetensors(folder: Path, path: str) -> None:
    """Refuse a file that only claims to be safetensors: 8 bytes of header length, then JSON."""
    with (folder / path).open("rb") as file:
        start = file.read(9)
    length = int.from_bytes(start[:8], "little")
    if not start[8:].startswith(b"{") or length > _MAX_SAFETENSORS_HEADER_BYTES:
        raise ModelRefused(f"{path}: not a safetensors file")


def _verify_config(folder: Path, path: str) -> None:
    try:
        with (folder / path).open("rb") as file:
            text = file.read(_MAX_CONFIG_BYTES + 1)
        if len(text) > _MAX_CONFIG_BYTES:
            raise ModelRefused(f"{path}: too large for a settings file")
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise ModelRefused(f"{path}: not JSON") from None
    if _names_code(value):
        raise ModelRefused(f"{path}: auto_map names code to run; such models are not served")


def _names_code(value: Any) -> bool:
    """Return whether ``auto_map`` is a key anywhere in *value*."""
    pending = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if "auto_map" in node:
                return True
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
    return False
